"""From what `lmsc predict` is given to a job that is ready to run: inputs found, model loaded, folder opened."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lmsc_unet.apps.segment.inputs import find_inputs
from lmsc_unet.apps.segment.job import Job
from lmsc_unet.apps.segment.journal import Entry
from lmsc_unet.apps.segment.masks import MaskValues, legend
from lmsc_unet.apps.segment.results import COMMAND, Run, open_results, write_run
from lmsc_unet.apps.segment.writers import Wanted
from lmsc_unet.core.folder_lock import FolderLock
from lmsc_unet.core.ranges import check_range
from lmsc_unet.core.storage import check_folder
from lmsc_unet.errors import ConfigError, OutputError
from lmsc_unet.imageio import sha256
from lmsc_unet.inference.defaults import TILE_PX
from lmsc_unet.inference.loading import find_file
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime

MOST_PIXELS = 2**50
"""What `--max-pixels` may be: far more than any image has."""


@dataclass(frozen=True, kw_only=True)
class Settings:
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


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A job whose results folder is open."""

    job: Job
    """What to predict, and where to put it."""
    done: Mapping[str, Entry]
    """What an earlier run has done, by mask."""
    run: Run
    """What run.json says of it."""
    lock: FolderLock
    """Keeps other processes out of the folder."""
    remarks: tuple[str, ...] = ()
    """What of the inputs was passed over."""


def open_batch(
    model: str | Path,
    inputs: Sequence[Path],
    out: Path,
    settings: Settings,
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> Batch:
    """Finds the images, loads the model and opens the results folder; nothing is written if any of it fails.

    Raises:
        ConfigError: no input, or settings that cannot be.
        DataError: an input is missing, or holds no image.
        ModelError: the model cannot be loaded.
        OutputError: the folder holds results that are neither to be resumed nor to be overwritten.
    """
    if not inputs:
        raise ConfigError("No input is named. Name images, or folders of images, after the model.")
    if resume and overwrite:
        raise ConfigError("--resume keeps the results in the folder and --overwrite removes them. Give one of the two.")
    found = find_inputs(inputs, out)
    items = found.items
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
    wanted = Wanted(overlays=settings.overlays, probabilities=settings.probabilities, mask_values=settings.mask_values)
    run = Run(
        arguments={"model": str(model), "inputs": [str(path) for path in inputs], "out": str(out), **asdict(settings)},
        model={"name": predictor.spec.name, "file": str(file), "sha256": sha256(file)},
        classes=legend(wanted.mask_format(predictor.spec), predictor.spec.class_names),
    )
    check_folder(out)
    lock = FolderLock(out, COMMAND)
    done = open_results(out, run, items, resume=resume, overwrite=overwrite)
    job = Job(predictor=predictor, items=items, out=out, wanted=wanted, max_pixels=settings.max_pixels)
    return Batch(job=job, done=done, run=run, lock=lock, remarks=found.remarks)


def close_batch(batch: Batch, entries: Sequence[Entry]) -> int:
    """Writes the outcome to run.json when all is done; gives the number of images that failed.

    Raises:
        OutputError: the disk is full, or masks were removed meanwhile.
    """
    num_failed = sum(entry.status == "failed" for entry in entries)
    gone = [entry.mask for entry in entries if entry.status == "ok" and not (batch.job.out / entry.mask).is_file()]
    if gone:
        raise OutputError(
            f"{batch.job.out}: {len(gone)} masks are not there any more, {gone[0]} among them: something removed them "
            "meanwhile. Make them again by --resume."
        )
    write_run(batch.job.out, batch.run, images=len(entries), failed=num_failed)
    batch.lock.release()
    return num_failed
