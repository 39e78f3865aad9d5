"""`lmsc predict` as a function: segments images into a results folder; one bad file does not stop the others."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lmsc_unet.apps.items import Item
from lmsc_unet.apps.segment.label_files import label_files
from lmsc_unet.apps.segment.objects.object_files import kinds_of
from lmsc_unet.apps.segment.objects.run_files import write_run_files
from lmsc_unet.apps.segment.results import ImageEntry, PredictionsFolder
from lmsc_unet.apps.segment.streamed import predict_rows
from lmsc_unet.apps.segment.writers import OutputFlags, Summary, other_files, write_results
from lmsc_unet.core.pipeline import overlapped
from lmsc_unet.datasets.load import load_image
from lmsc_unet.errors import DataError, LmscError, OutputError
from lmsc_unet.imageio import GeoTag, PixelSize, RowSource, as_source, geo_tags, header_size, open_rows, read_pixel_size
from lmsc_unet.inference.predictor import Prediction, Predictor


@dataclass(frozen=True, kw_only=True)
class SegmentJob:
    """The images to segment and the results folder."""

    predictor: Predictor
    """The predictor."""
    items: Sequence[Item]
    """The images, in order."""
    folder: PredictionsFolder
    """The open results folder."""
    wanted: OutputFlags
    """Which files are written beside the masks."""
    max_pixels: int | None = None
    """Images with more pixels are rejected by their header; None accepts any that fit, and large TIFFs by rows."""
    pixel: PixelSize | None = None
    """The size of pixels of all images; None takes what each file says."""
    remarks: tuple[str, ...] = ()
    """Notes about skipped inputs."""

    @property
    def out(self) -> Path:
        """The path of the results."""
        return self.folder.path


def run_job(job: SegmentJob) -> Iterator[ImageEntry]:
    """Yields the entry of each image in order, once its files and its line are written.

    While the network processes an image, the next one is read and the previous one written. Images that an earlier run
    finished, and whose files exist, are skipped.

    Raises:
        OutputError: a result cannot be written; earlier ones are kept, and the job can be resumed.
    """
    entries: list[ImageEntry] = []

    def read(item: Item) -> DecodedImage | ImageEntry:
        known = job.folder.done.get(item.name)
        if known is not None and is_complete(job, item, known):
            return known
        return read_item(item, job.wanted, job.max_pixels, job.pixel)

    try:
        for entry in overlapped(
            job.items, read, lambda found: predict_item(job, found), lambda made: write_item(job, made)
        ):
            entries.append(entry)
            yield entry
    except OutputError as error:
        job.folder.release()
        raise OutputError(f"{error} What was done before is kept: go on by --resume.") from error
    if job.folder.done:
        job.folder.rewrite(entries)


def close_job(job: SegmentJob, entries: Sequence[ImageEntry]) -> int:
    """Closes the results folder; returns the number of failed images.

    Raises:
        OutputError: the disk is full, or masks or files of objects were removed meanwhile.
    """
    num_failed = sum(entry.status == "failed" for entry in entries)
    results = [entry.result for entry in entries if entry.status == "ok"]
    kinds = kinds_of(job.wanted.formats) if job.wanted.has_objects else []
    needed = [entry.mask for entry in entries if entry.status == "ok"]
    needed += [kind.file(result.name, result.size_px) for result in results for kind in kinds]
    gone = [file for file in needed if not (job.out / file).is_file()]
    if gone:
        raise OutputError(
            f"{job.out}: {len(gone)} files are not there any more, {gone[0]} among them: something removed them "
            "meanwhile. Make them again by --resume."
        )
    if job.wanted.has_objects:
        write_run_files(job.out, results, job.predictor.spec.class_names, job.wanted.formats)
    instances = {"instances": num_instances(entries)} if job.wanted.instances else {}
    job.folder.close(images=len(entries), failed=num_failed, **instances)
    return num_failed


def num_instances(entries: Sequence[ImageEntry]) -> int:
    """The objects in all label images together."""
    return sum(entry.num_instances or 0 for entry in entries)


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodedImage:
    """An image that was read, or is ready to be read by rows."""

    item: Item
    """The image."""
    image: NDArray[Any] | None
    """Its pixels "H W C"; None if they are read by rows."""
    source: RowSource
    """Its rows."""
    tags: Sequence[GeoTag]
    """GeoTIFF tags with the image's location."""
    pixel: PixelSize | None
    """The size of its pixels; None if it is not known, or not needed."""
    spent_s: float
    """Milliseconds so far."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentedImage:
    """A segmented image to be written."""

    read: DecodedImage
    """The image."""
    prediction: Prediction
    """The prediction."""
    spent_s: float
    """Milliseconds so far."""


def read_item(
    item: Item, wanted: OutputFlags, max_pixels: int | None = None, pixel: PixelSize | None = None
) -> DecodedImage | ImageEntry:
    """Reads one image; returns a failed entry if it cannot be read."""
    start = time.perf_counter()
    try:
        if max_pixels is not None:
            check_pixels(item.path, max_pixels)
        source, image = open_rows(item.path), None
        if source is None:
            image = load_image(item.path)
            source = as_source(image)
        tags = geo_tags(item.path)
        pixel = (pixel or read_pixel_size(item.path)) if wanted.has_objects else None
    except (LmscError, MemoryError) as error:
        return _failed(item, error)
    return DecodedImage(
        item=item, image=image, source=source, tags=tags, pixel=pixel, spent_s=time.perf_counter() - start
    )


def check_pixels(path: Path, max_pixels: int) -> None:
    """Rejects an image by its header, before decoding.

    Raises:
        DataError: it has too many pixels, or cannot be read.
    """
    height_px, width_px = header_size(path)
    if width_px * height_px > max_pixels:
        raise DataError(
            f"{path}: the image has {width_px} x {height_px} px, more than --max-pixels {max_pixels}. "
            "Raise it, or cut the image into smaller ones."
        )


def predict_item(job: SegmentJob, read: DecodedImage | ImageEntry) -> SegmentedImage | ImageEntry:
    """Segments one image; one that is read by rows is written at the same time.

    Raises:
        OutputError: a result cannot be written.
    """
    if isinstance(read, ImageEntry):
        return read
    start = time.perf_counter()
    try:
        if read.image is None:
            summary = predict_rows(
                job.predictor, read.source, job.out, read.item.name, job.wanted, read.tags, read.pixel
            )
            return _ok(read, summary, read.spent_s + time.perf_counter() - start)
        prediction = job.predictor.predict(read.image)
    except OutputError:
        raise
    except (LmscError, MemoryError) as error:
        return _failed(read.item, error)
    return SegmentedImage(read=read, prediction=prediction, spent_s=read.spent_s + time.perf_counter() - start)


def write_item(job: SegmentJob, made: SegmentedImage | ImageEntry) -> ImageEntry:
    """Writes the files of one image, then its line, unless an earlier run wrote it.

    Raises:
        OutputError: a result cannot be written.
    """
    if isinstance(made, ImageEntry) and job.folder.done.get(made.name) is made:
        return made
    if not job.out.is_dir():  # writing would re-create it without the earlier results
        raise OutputError(f"{job.out}: the results folder was removed.")
    start = time.perf_counter()
    entry = made if isinstance(made, ImageEntry) else None
    if isinstance(made, SegmentedImage):
        read, prediction = made.read, made.prediction
        assert read.image is not None
        summary = write_results(
            job.out, read.item.name, read.image, prediction, job.predictor.spec, job.wanted, read.tags, read.pixel
        )
        entry = _ok(read, summary, made.spent_s + time.perf_counter() - start)
    assert entry is not None
    job.folder.add(entry)
    return entry


def _ok(read: DecodedImage, summary: Summary, spent_s: float) -> ImageEntry:
    return ImageEntry(
        path=str(read.item.path),
        status="ok",
        size=summary.size,
        class_shares=summary.shares,
        ms=round(1000 * spent_s, 1),
        mask=summary.mask,
        instances=summary.labels.path if summary.labels else None,
        num_instances=summary.labels.num_instances if summary.labels else None,
        pixel_size_um=(read.pixel.x_um, read.pixel.y_um) if read.pixel else None,
    )


def _failed(item: Item, error: BaseException) -> ImageEntry:
    reason = str(error) or "the image does not fit into memory. Cut it into smaller ones."
    return ImageEntry(path=str(item.path), status="failed", error=reason, mask=f"masks/{item.name}.png")


def is_complete(job: SegmentJob, item: Item, entry: ImageEntry) -> bool:
    """Whether an earlier run predicted an image and all its files still exist."""
    if entry.status != "ok" or entry.size is None:
        return False
    files = [entry.mask, *other_files(item.name, entry.size, job.predictor.spec.num_logits, job.wanted)]
    files += [entry.instances or label_files(item.name)[0]] if job.wanted.instances else []
    return all((job.out / file).is_file() for file in files)
