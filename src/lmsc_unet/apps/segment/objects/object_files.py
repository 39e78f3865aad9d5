"""The files of one image's objects: the table, and those of the formats that are wanted."""

import gzip
import io
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO, get_args

from lmsc_unet.apps.segment.objects.coco import coco_writer
from lmsc_unet.apps.segment.objects.facts import AddObject, ImageFacts
from lmsc_unet.apps.segment.objects.geojson import geojson_writer
from lmsc_unet.apps.segment.objects.image_object import ImageObject
from lmsc_unet.apps.segment.objects.imagej import imagej_writer
from lmsc_unet.apps.segment.objects.measuring import measure
from lmsc_unet.apps.segment.objects.table import table_writer
from lmsc_unet.apps.segment.objects.yolo import yolo_writer
from lmsc_unet.core.storage import replacing, resolve_inside

FormatName = Literal["labels", "geojson", "coco", "imagej", "yolo", "parquet"]
FORMAT_NAMES: tuple[FormatName, ...] = get_args(FormatName)
SLIDE_PIXELS = 2**23
"""From this size on, GeoJSON is compressed."""
Writer = Callable[[Path, ImageFacts], AbstractContextManager[AddObject]]


@dataclass(frozen=True, kw_only=True)
class FilePerImage:
    """A kind of file that each image has."""

    folder: str
    """Its folder in the results."""
    suffixes: tuple[str, ...]
    """Its suffix; the second is for slides."""
    open: Writer
    """Writes a file of it."""

    def file(self, name: str, size_px: tuple[int, int]) -> str:
        """Its path in the results folder."""
        is_slide = size_px[0] * size_px[1] >= SLIDE_PIXELS
        return f"{self.folder}/{name}{self.suffixes[-1] if is_slide else self.suffixes[0]}"

    def files(self, name: str) -> list[str]:
        """All paths that it can have."""
        return [f"{self.folder}/{name}{suffix}" for suffix in self.suffixes]


def _as_text(writer: Callable[[TextIO, ImageFacts], AbstractContextManager[AddObject]]) -> Writer:
    """A writer of text as one of files; file names that are not UTF-8 are written with escapes."""

    @contextmanager
    def opened(path: Path, facts: ImageFacts) -> Iterator[AddObject]:
        text = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        with text as stream, writer(stream, facts) as add:
            yield add

    return opened


@contextmanager
def _geojson(path: Path, facts: ImageFacts) -> Iterator[AddObject]:
    if facts.size_px[0] * facts.size_px[1] < SLIDE_PIXELS:
        with _as_text(geojson_writer)(path, facts) as add:
            yield add
        return
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        io.TextIOWrapper(packed, "utf-8", "backslashreplace") as stream,
        geojson_writer(stream, facts) as add,
    ):
        yield add


TABLE = FilePerImage(folder="regions", suffixes=(".csv",), open=_as_text(table_writer))
PER_IMAGE: dict[str, FilePerImage] = {
    "geojson": FilePerImage(folder="geojson", suffixes=(".geojson", ".geojson.gz"), open=_geojson),
    "coco": FilePerImage(folder="coco", suffixes=(".jsonl",), open=_as_text(coco_writer)),
    "imagej": FilePerImage(folder="imagej", suffixes=(".zip",), open=imagej_writer),
    "yolo": FilePerImage(folder="yolo/labels", suffixes=(".txt",), open=_as_text(yolo_writer)),
}
"""The formats that have a file per image; `coco` also has one for all."""


def kinds_of(formats: Collection[str]) -> list[FilePerImage]:
    """The files that each image has: the table first."""
    return [TABLE, *(kind for name, kind in PER_IMAGE.items() if name in formats)]


def write_objects(out: Path, objects: Iterable[ImageObject], facts: ImageFacts, formats: Collection[str]) -> None:
    """Measures the objects of an image and writes its files; they are moved into place when all are complete.

    Raises:
        OutputError: the disk is full, or a file would lie outside the results folder.
    """
    with ExitStack() as stack:
        adds = []
        for kind in kinds_of(formats):
            path = resolve_inside(out, kind.file(facts.name, facts.size_px))
            adds.append(stack.enter_context(kind.open(stack.enter_context(replacing(path)), facts)))
        for shape in objects:
            found = measure(shape, facts.pixel)
            for add in adds:
                add(shape, found)
