"""Prepares `lmsc predict`: finds images, loads the model, opens the results folder."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lmsc_unet.apps.expansion import InputKind, expand_inputs
from lmsc_unet.apps.items import Item, name_items, outside_results
from lmsc_unet.apps.segment.job import SegmentJob
from lmsc_unet.apps.segment.objects.imagej import check_roifile
from lmsc_unet.apps.segment.objects.object_files import FORMAT_NAMES, FormatName
from lmsc_unet.apps.segment.objects.run_files import check_parquet
from lmsc_unet.apps.segment.results import PREDICTIONS
from lmsc_unet.apps.segment.writers import MaskValues, OutputFlags, legend
from lmsc_unet.apps.shards import Shard, items_of, refuse_mixed, remarks_of
from lmsc_unet.core.ranges import check_range
from lmsc_unet.core.results_folder import ResultsFolder, refuse_both
from lmsc_unet.core.storage import sha256
from lmsc_unet.datasets.layouts import recognise
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.imageio import IMAGE_KINDS, PixelSize, counted_endings, folder_contents
from lmsc_unet.imageio.files import is_picture
from lmsc_unet.inference.instances import check_two_classes
from lmsc_unet.inference.loading import find_file
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import TILE_PX, Runtime


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The inputs found."""

    items: tuple[Item, ...]
    """The images to segment."""
    remarks: tuple[str, ...] = ()
    """Notes about skipped inputs: the masks of a dataset, files of other kinds."""


IMAGES = InputKind(
    nouns="images", formats=f"a {IMAGE_KINDS}", choose=lambda files: [file for file in files if is_picture(file)]
)


def find_inputs(inputs: Sequence[Path], out: Path) -> Inputs:
    """The images among the inputs, in the order given; folders are searched recursively, in sorted order.

    Patterns and manifests stand for what they match or list. Files in the results folder are not inputs. Of a dataset
    folder only the images are taken.

    Raises:
        DataError: an input is missing, or a folder holds no image.
    """
    remarks: list[str] = []
    expanded = expand_inputs(inputs, (out,), IMAGES)
    paths = [path for given in expanded for path in _images_of(given, out, remarks)]
    return Inputs(items=name_items(expanded, paths), remarks=tuple(remarks))


def find_items(inputs: Sequence[Path], out: Path) -> tuple[Item, ...]:
    """The images of `find_inputs`."""
    return find_inputs(inputs, out).items


def _images_of(given: Path, out: Path, remarks: list[str]) -> list[Path]:
    if not os.path.isdir(given):  # noqa: PTH112 - Path.is_dir() raises for names that are too long
        return [given]
    contents = folder_contents(given)
    passed_over = counted_endings(contents.others)
    pictures = _without_masks(given, remarks) or contents.pictures
    images = outside_results(pictures, given, out)
    if not images:
        held = f" {passed_over}." if passed_over else ""
        raise DataError(f"{given}: the folder holds no {IMAGE_KINDS}.{held} Name images, or folders of images.")
    if passed_over:
        remarks.append(f"{given}: {passed_over}.")
    return images


def _without_masks(given: Path, remarks: list[str]) -> list[Path]:
    """The images of a dataset folder; empty for any other folder."""
    try:
        recognised = recognise(given, DataOptions())
    except DataError:  # masks and images cannot be distinguished; the message is about training
        return []
    if recognised is None or not any(sample.mask for sample in recognised.found.samples):
        return []
    remarks.append(f"{given}: this is a dataset ({recognised.about}). Its images are predicted, its masks are not.")
    return sorted([*(sample.image for sample in recognised.found.samples), *recognised.found.spare])


MOST_PIXELS = 2**50
"""The largest `--max-pixels`: far more than any image has."""
MOST_UM = 1e6
"""The largest `--pixel-size-um`: a metre."""


@dataclass(frozen=True, kw_only=True)
class SegmentOptions:
    """Settings of the prediction and its files."""

    tile_px: int = TILE_PX
    """Longest side of the tiles that larger images are cut into."""
    batch: int = 1
    """Tiles per network call; a larger batch does not speed up processors."""
    threshold: float | None = None
    """Probability from which a pixel is foreground; replaces the model's own."""
    scale: float | None = None
    """Factor by which images are resized before they are cut; replaces the model's own."""
    overlays: bool = True
    """Draw each mask over its image."""
    probabilities: bool = False
    """Also write 16-bit probabilities."""
    mask_values: MaskValues = "visible"
    """Mask values: 0 and 255 or palette indices, or class ids as grey values."""
    instances: bool | None = None
    """Also write label images, in which each object has a number; by default if the model separates objects."""
    formats: tuple[FormatName, ...] = ()
    """Also write the objects in these formats; `labels` are the label images."""
    pixel_size_um: float | None = None
    """Side of a pixel, for measurements; by default what the file says."""
    backend: str | None = None
    """The runtime of an exported file; by default the fastest installed."""
    threads: int | None = None
    """Threads for one image."""
    max_pixels: int | None = None
    """Images with more pixels are rejected by their header."""

    def __post_init__(self) -> None:
        check_range(self, 1, MOST_PIXELS, "max_pixels")
        check_range(self, 0, MOST_UM, "pixel_size_um", above=True)
        unknown = [name for name in self.formats if name not in FORMAT_NAMES]
        if unknown:
            raise ConfigError(f"{unknown[0]} is no format. Choose of {', '.join(FORMAT_NAMES)}.")


def open_job(
    model: str | Path,
    inputs: Sequence[Path],
    out: Path,
    settings: SegmentOptions,
    *,
    shard: Shard | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> SegmentJob:
    """Finds the images, loads the model and opens the results folder; writes nothing if any of these fails.

    Raises:
        ConfigError: no input, invalid settings, or the results of a shard would lie among the inputs.
        DataError: an input is missing or contains no image.
        ModelError: the model cannot be loaded.
        OutputError: the folder holds results and neither --resume nor --overwrite is given.
    """
    if not inputs:
        raise ConfigError("No input is named. Name images, or folders of images, after the model.")
    refuse_both(resume=resume, overwrite=overwrite)
    refuse_mixed(shard, inputs, (out,))
    found = find_inputs(inputs, out)
    items = items_of(shard, found.items)
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
            f"{model}: the file outputs only classes, so there are no probabilities to write. Leave --probabilities "
            "out, or export the model by --outputs probabilities."
        )
    instances = "labels" in settings.formats or (
        predictor.spec.contour if settings.instances is None else settings.instances
    )
    if instances:
        check_two_classes(predictor.spec.class_names)
    formats = tuple(name for name in FORMAT_NAMES if name in settings.formats and name != "labels")
    if "imagej" in formats:
        check_roifile()
    if "parquet" in formats:
        check_parquet()
    file = find_file(model, runtime.backend)
    wanted = OutputFlags(
        overlays=settings.overlays,
        probabilities=settings.probabilities,
        mask_values=settings.mask_values,
        instances=instances,
        formats=formats,
    )
    described = {
        "arguments": {
            "model": str(model),
            "inputs": [str(path) for path in inputs],
            "out": str(out),
            **asdict(settings),
            "instances": instances,
            "formats": list(formats),
            "shard": None if shard is None else asdict(shard),
        },
        "model": {"name": predictor.spec.name, "file": str(file), "sha256": sha256(file)},
        "classes": legend(wanted.mask_format(predictor.spec), predictor.spec.class_names),
    }
    side_um = settings.pixel_size_um
    planned = {(item.name, str(item.path)) for item in items}
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
        items=items,
        folder=folder,
        wanted=wanted,
        max_pixels=settings.max_pixels,
        pixel=PixelSize(x_um=side_um, y_um=side_um) if side_um is not None else None,
        remarks=(*found.remarks, *remarks_of(shard, len(found.items))),
    )
