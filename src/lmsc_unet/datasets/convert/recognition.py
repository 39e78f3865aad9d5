"""Recognises the annotations of other tools by their content."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from lmsc_unet.datasets.convert.annotation_set import read_json
from lmsc_unet.datasets.convert.coco import is_coco
from lmsc_unet.datasets.convert.cvat import is_cvat, read_root
from lmsc_unet.datasets.convert.labelme import is_labelme
from lmsc_unet.datasets.convert.qupath import is_geojson
from lmsc_unet.datasets.convert.yolo import NAMES
from lmsc_unet.errors import DataError

AnnotationKind = Literal["COCO", "LabelMe", "YOLO", "CVAT", "QuPath"]
KINDS = get_args(AnnotationKind)


@dataclass(frozen=True, kw_only=True)
class AnnotationFiles:
    """Files of annotations of one kind."""

    kind: AnnotationKind
    """The tool or format."""
    root: Path
    """The folder that was named, or that of the file."""
    files: tuple[Path, ...]
    """The files, sorted."""


def find_annotations(source: Path) -> AnnotationFiles:
    """The annotations in a folder, or one file of them.

    Raises:
        DataError: there are none, they are of several kinds, or a file is broken.
    """
    if not source.exists():
        raise DataError(f"{source}: there is no such file or folder. Name the annotations, or a folder that has them.")
    if source.name in NAMES:
        source = source.parent
    root = source if source.is_dir() else source.parent
    found: dict[AnnotationKind, list[Path]] = {}
    for path in _candidates(source) if source.is_dir() else [source]:
        kind = kind_of(path)
        if kind is not None:
            found.setdefault(kind, []).append(path)
    if not found:
        raise DataError(
            f"{source}: no annotations were found. Outlines of {', '.join(KINDS[:-1])} or {KINDS[-1]} are read: "
            ".json, .geojson, .xml, or .txt in a folder labels/."
        )
    if len(found) > 1:
        named = " and ".join(f"{kind} ({files[0].name})" for kind, files in found.items())
        raise DataError(f"{source}: it holds annotations of {named}. Name the file or the folder of one of them.")
    ((kind, files),) = found.items()
    return AnnotationFiles(kind=kind, root=root, files=tuple(files))


def looks_annotated(root: Path) -> str:
    """What to do with a folder that is no dataset but holds annotations; empty if it does not."""
    with suppress(DataError, OSError, RecursionError):
        found = find_annotations(root)
        return f" This looks like {found.kind}: run lmsc data convert {root} --out NEW_FOLDER."
    return ""


def kind_of(path: Path) -> AnnotationKind | None:
    """The kind of a file; None if it holds no annotations.

    Raises:
        DataError: it cannot be read.
    """
    suffix = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    if suffix == "xml":
        return "CVAT" if is_cvat(read_root(path)) else None
    if suffix == "txt":
        return "YOLO" if _is_yolo_line(path) else None
    if suffix not in ("json", "geojson"):
        return None
    content = read_json(path)
    if is_coco(content):
        return "COCO"
    if is_labelme(content):
        return "LabelMe"
    return "QuPath" if is_geojson(content) else None


def _candidates(folder: Path) -> Sequence[Path]:
    suffixes = (".json", ".geojson", ".json.gz", ".geojson.gz", ".xml", ".txt")
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted(path for path in files if path.name.lower().endswith(suffixes))


def _is_yolo_line(path: Path) -> bool:
    """Whether the first line of a text is a class and at least a box; an empty text counts in a folder `labels`."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            line = stream.readline(1 << 20).split()
        return len([float(word) for word in line]) >= 5 if line else "labels" in path.parts
    except (OSError, ValueError):
        return False
