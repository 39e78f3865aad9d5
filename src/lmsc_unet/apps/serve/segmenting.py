"""Answers of /v1/segment: an uploaded image through the functions of `lmsc predict`, as files of a request's folder."""

import csv
import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lmsc_unet.apps.items import Item
from lmsc_unet.apps.segment.job import DecodedImage, read_item
from lmsc_unet.apps.segment.objects.object_files import PER_IMAGE, TABLE, FormatName
from lmsc_unet.apps.segment.streamed import predict_rows
from lmsc_unet.apps.segment.writers import OutputFlags, Summary, write_results
from lmsc_unet.apps.serve.desk import Place
from lmsc_unet.apps.serve.problems import no_room, too_large, unusable
from lmsc_unet.apps.serve.server_options import ServeOptions
from lmsc_unet.core.storage import to_json
from lmsc_unet.errors import LmscError, OutputError
from lmsc_unet.imageio import GeoTag, header_size, read_mask, write_tiff_rows
from lmsc_unet.inference.instances import check_two_classes
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.spec import ModelSpec

JSON, PNG, TIFF, GEOJSON = "application/json", "image/png", "image/tiff", "application/geo+json"
IMAGES = ("image/*", "application/octet-stream")
"""Content types of images; the content itself says what it is."""
_NAME = "image"


@dataclass(frozen=True, kw_only=True)
class SegmentRequest:
    """What a client asks of an image."""

    model: str | None = None
    """The model's name; None is the first."""
    threshold: float | None = None
    """Replaces the model's own."""
    scale: float | None = None
    """Replaces the model's own."""
    instances: bool | None = None
    """Whether objects are separated and counted; by default if the model separates touching objects."""


@dataclass(frozen=True, kw_only=True)
class SegmentedUpload:
    """An uploaded image whose files are written."""

    folder: Path
    """The folder of the files."""
    model: str
    """The model's name."""
    spec: ModelSpec
    """Its spec."""
    summary: Summary
    """The summary of the image."""

    @property
    def labels(self) -> Path | None:
        """The label image, if objects were separated."""
        return None if self.summary.labels is None else self.folder / self.summary.labels.path


def segment_upload(
    place: Place, path: Path, name: str, predictor: Predictor, asked: SegmentRequest, limits: ServeOptions, kind: str
) -> bytes:
    """The answer of one media type for an uploaded image.

    Raises:
        ProblemError: the image is too large or cannot be used.
        LmscError: a setting does not fit the model.
        AbandonedError: nobody waits for the answer.
    """
    chosen = predictor.variant(threshold=asked.threshold, scale=asked.scale, watch=place.check)
    wants_objects = separates_objects(chosen.spec, asked, kind)
    check_size(path, chosen.spec, limits)
    formats: tuple[FormatName, ...] = ("geojson",) if kind == GEOJSON else ()
    wanted = OutputFlags(overlays=False, instances=wants_objects, formats=formats)
    read = read_item(Item(path=path, name=_NAME), wanted)
    if not isinstance(read, DecodedImage):
        raise unusable(about_upload(read.error or "", path, "the image"))
    tags: tuple[GeoTag, ...] = () if kind == PNG else tuple(read.tags)
    place.check()
    try:
        summary = _write(chosen, read, place.folder, wanted, tags)
    except OutputError as error:
        raise no_room("its disk is full") from error
    except LmscError as error:
        raise unusable(about_upload(str(error), path, "the image")) from error
    done = SegmentedUpload(folder=place.folder, model=name, spec=chosen.spec, summary=summary)
    return ANSWERS[kind](done)


def separates_objects(spec: ModelSpec, asked: SegmentRequest, kind: str) -> bool:
    """Whether objects are separated for an answer: a mask does not show them, a label image is made of them.

    Raises:
        ConfigError: the model has more than two classes.
    """
    if asked.instances:
        check_two_classes(spec.class_names)
    if kind == PNG:
        return False
    if asked.instances is None and kind == TIFF:
        return len(spec.class_names) == 2
    return spec.contour if asked.instances is None else asked.instances


def check_size(path: Path, spec: ModelSpec, limits: ServeOptions) -> None:
    """Rejects an image by its header: the network may see it enlarged, and thin ones padded.

    Raises:
        ProblemError: it has too many pixels (413), or no readable header (422).
    """
    try:
        height_px, width_px = header_size(path)
    except LmscError as error:
        raise unusable(about_upload(str(error), path, "the image")) from error
    scale = spec.scale if spec.treatment == "tiles" else 1.0
    least_px = 2 * spec.margin_px + spec.side_multiple_px
    seen_px = max(height_px * scale, least_px) * max(width_px * scale, least_px)
    if max(seen_px, height_px * width_px) > limits.max_pixels:
        raise too_large(
            f"The image has {width_px} x {height_px} px, which the network sees as {seen_px:.0f} px; at most "
            f"{limits.max_pixels} are taken. Cut it into smaller ones, or start the server with a larger --max-pixels."
        )


def about_upload(message: str, path: Path, what: str) -> str:
    """An error's text about the upload instead of our file."""
    text = message.replace(str(path), what)
    return text[:1].upper() + text[1:]


def _write(
    predictor: Predictor, read: DecodedImage, out: Path, wanted: OutputFlags, tags: tuple[GeoTag, ...]
) -> Summary:
    if read.image is None:
        return predict_rows(predictor, read.source, out, _NAME, wanted, tags, read.pixel)
    prediction = predictor.predict(read.image)
    return write_results(out, _NAME, read.image, prediction, predictor.spec, wanted, tags, read.pixel)


def _json(done: SegmentedUpload) -> bytes:
    return to_json(describe(done)).encode()


def describe(done: SegmentedUpload) -> dict[str, Any]:
    """The summary of an image, and its objects if they were separated."""
    height_px, width_px = done.summary.size
    table = done.folder / TABLE.file(_NAME, done.summary.size)
    return {
        "model": done.model,
        "size_px": {"height": height_px, "width": width_px},
        "class_shares": done.summary.shares,
        "num_instances": None if done.summary.labels is None else done.summary.labels.num_instances,
        "instances": None if done.labels is None else measured(table),
    }


def measured(table: Path) -> list[dict[str, Any]]:
    """Number, class and measurements of each object, from the table of `lmsc predict`; what is not defined is None."""
    with table.open(encoding="utf-8", newline="") as stream:
        return [
            {
                "id": int(row.pop("label")),
                "class": row.pop("class"),
                **{name: float(value) if value else None for name, value in row.items() if name != "image"},
            }
            for row in csv.DictReader(stream)
        ]


def _mask(done: SegmentedUpload) -> bytes:
    return (done.folder / done.summary.mask).read_bytes()


def _geojson(done: SegmentedUpload) -> bytes:
    file = PER_IMAGE["geojson"].file(_NAME, done.summary.size)
    content = (done.folder / file).read_bytes()
    return gzip.decompress(content) if file.endswith(".gz") else content


def _label_image(done: SegmentedUpload) -> bytes:
    """The label image as TIFF; the class ids where no objects were separated."""
    written = done.labels or done.folder / done.summary.mask
    if written.suffix == ".tif":
        return written.read_bytes()
    values, out = read_mask(written), done.folder / "labels.tif"
    write_tiff_rows(out, [values], *done.summary.size, dtype=values.dtype)
    return out.read_bytes()


ANSWERS: Mapping[str, Callable[[SegmentedUpload], bytes]] = MappingProxyType(
    {JSON: _json, PNG: _mask, TIFF: _label_image, GEOJSON: _geojson}
)
"""A media type -> its bytes; the first is the default."""
