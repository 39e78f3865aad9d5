"""From what `lmsc predict` is given to a job that is ready to run: images found, model loaded, folder opened."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lmsc_unet.apps.items import Item, name_items
from lmsc_unet.apps.segment.job import SegmentJob
from lmsc_unet.apps.segment.results import PREDICTIONS
from lmsc_unet.apps.segment.writers import MaskValues, OutputFlags, legend
from lmsc_unet.core.ranges import check_range
from lmsc_unet.core.results_folder import ResultsFolder, refuse_both
from lmsc_unet.core.storage import sha256
from lmsc_unet.datasets.layouts import recognise
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.imageio import IMAGE_KINDS, counted_endings, folder_contents
from lmsc_unet.inference.loading import find_file
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import TILE_PX, Runtime


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the inputs hold."""

    items: tuple[Item, ...]
    """The images to predict."""
    remarks: tuple[str, ...] = ()
    """What was passed over: the masks of a dataset, files of other kinds."""


def find_inputs(inputs: Sequence[Path], out: Path) -> Inputs:
    """The images among the inputs, in the order given; folders are searched to the bottom, in sorted order.

    What lies in the results folder is no input. Of a dataset the images alone are taken.

    Raises:
        DataError: an input is missing, or a folder holds no image.
    """
    remarks: list[str] = []
    paths = [path for given in inputs for path in _images_of(given, out, remarks)]
    return Inputs(items=name_items(inputs, paths), remarks=tuple(remarks))


def find_items(inputs: Sequence[Path], out: Path) -> tuple[Item, ...]:
    """The images of `find_inputs`."""
    return find_inputs(inputs, out).items


def _images_of(given: Path, out: Path, remarks: list[str]) -> list[Path]:
    if given.is_file():
        return [given]
    if not given.is_dir():
        raise DataError(f"{given}: there is no such file or folder. Name images, or folders of images.")
    contents = folder_contents(given)
    passed_over = counted_endings(contents.others)
    results = out.resolve()
    pictures = _without_masks(given, remarks) or contents.pictures
    images = [path for path in pictures if not path.resolve().is_relative_to(results)]
    if not images:
        held = f" {passed_over}." if passed_over else ""
        raise DataError(f"{given}: the folder holds no {IMAGE_KINDS}.{held} Name images, or folders of images.")
    if passed_over:
        remarks.append(f"{given}: {passed_over}.")
    return images


def _without_masks(given: Path, remarks: list[str]) -> list[Path]:
    """The images of a folder of images and masks; none where it is another folder."""
    try:
        recognised = recognise(given, DataOptions())
    except DataError:  # masks and images that cannot be told apart, in words for a training
        return []
    if recognised is None or not any(sample.mask for sample in recognised.found.samples):
        return []
    remarks.append(f"{given}: this is a dataset ({recognised.about}). Its images are predicted, its masks are not.")
    return sorted([*(sample.image for sample in recognised.found.samples), *recognised.found.spare])


MOST_PIXELS = 2**50
"""What `--max-pixels` may be: far more than any image has."""


@dataclass(frozen=True, kw_only=True)
class SegmentOptions:
    """How to predict, and what to write."""

    tile_px: int = TILE_PX
    """Longest side of the tiles that larger images are cut into."""
    batch: int = 1
    """Tiles that go through the network at once; processors gain nothing by more."""
    threshold: float | None = None
    """Probability from which a pixel is foreground, in place of the model's own."""
    scale: float | None = None
    """What images are resized by before they are cut, in place of the model's own."""
    overlays: bool = True
    """Draw each mask over its image."""
    probabilities: bool = False
    """Also write 16-bit probabilities."""
    mask_values: MaskValues = "visible"
    """What the values of a mask are: 0 and 255 or indices of a palette, or class ids as grey values."""
    backend: str | None = None
    """What runs an exported file; the fastest that is installed if not given."""
    threads: int | None = None
    """Threads that share one image's work."""
    max_pixels: int | None = None
    """Images of more pixels are refused by their header."""

    def __post_init__(self) -> None:
        check_range(self, 1, MOST_PIXELS, "max_pixels")


def open_job(
    model: str | Path,
    inputs: Sequence[Path],
    out: Path,
    settings: SegmentOptions,
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> SegmentJob:
    """Finds the images, loads the model and opens the results folder; nothing is written if any of it fails.

    Raises:
        ConfigError: no input, or settings that cannot be.
        DataError: an input is missing, or holds no image.
        ModelError: the model cannot be loaded.
        OutputError: the folder holds results that are neither to be resumed nor to be overwritten.
    """
    if not inputs:
        raise ConfigError("No input is named. Name images, or folders of images, after the model.")
    refuse_both(resume=resume, overwrite=overwrite)
    found = find_inputs(inputs, out)
    runtime = Runtime(backend=settings.backend, threads=settings.threads)
    predictor = Predictor.load(
        model,
        tile_px=settings.tile_px,
        batch=settings.batch,
        threshold=settings.threshold,
        scale=settings.scale,
        runtime=runtime,
    )
    if settings.probabilities and predictor.spec.outputs == "classes":
        raise ConfigError(
            f"{model}: the file gives classes alone, so there are no probabilities to write. Leave --probabilities "
            "out, or export the model by --outputs probabilities."
        )
    file = find_file(model, runtime.backend)
    wanted = OutputFlags(
        overlays=settings.overlays, probabilities=settings.probabilities, mask_values=settings.mask_values
    )
    described = {
        "arguments": {
            "model": str(model),
            "inputs": [str(path) for path in inputs],
            "out": str(out),
            **asdict(settings),
        },
        "model": {"name": predictor.spec.name, "file": str(file), "sha256": sha256(file)},
        "classes": legend(wanted.mask_format(predictor.spec), predictor.spec.class_names),
    }
    planned = {(item.name, str(item.path)) for item in found.items}
    folder = ResultsFolder(
        out,
        PREDICTIONS,
        described,
        lambda entry: (entry.name, entry.path) in planned,
        resume=resume,
        overwrite=overwrite,
    )
    return SegmentJob(
        predictor=predictor,
        items=found.items,
        folder=folder,
        wanted=wanted,
        max_pixels=settings.max_pixels,
        remarks=found.remarks,
    )
