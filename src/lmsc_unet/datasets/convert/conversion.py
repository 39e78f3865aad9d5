"""`lmsc data convert` as a function: writes annotations of other tools as images and masks."""

import csv
import io
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.stopping import postponed
from lmsc_unet.core.storage import check_folder, replacing, resolve_inside, write_text
from lmsc_unet.datasets.convert.annotation_set import AnnotatedImage, AnnotationSet, ImageFinder
from lmsc_unet.datasets.convert.coco import read_coco
from lmsc_unet.datasets.convert.cvat import read_cvat
from lmsc_unet.datasets.convert.drawing import draw
from lmsc_unet.datasets.convert.labelme import read_labelme
from lmsc_unet.datasets.convert.qupath import read_qupath
from lmsc_unet.datasets.convert.recognition import AnnotationFiles, AnnotationKind, find_annotations
from lmsc_unet.datasets.convert.yolo import read_yolo
from lmsc_unet.datasets.labels import MAX_CLASSES, listed
from lmsc_unet.datasets.published import CLASS_TABLE
from lmsc_unet.errors import DataError, OutputError, SizeError
from lmsc_unet.imageio import read_info, write_png

READERS: Mapping[AnnotationKind, Callable[[Sequence[Path], ImageFinder, Sequence[str]], AnnotationSet]] = (
    MappingProxyType({"COCO": read_coco, "LabelMe": read_labelme, "CVAT": read_cvat, "QuPath": read_qupath})
)
_MOST_OBJECTS = 65_535
Progress = Callable[[int, int], None]


def read_annotations(
    source: Path, images: Path | None = None, classes: Sequence[str] = ()
) -> tuple[AnnotationFiles, AnnotationSet]:
    """The annotations of a folder or file, recognised by content, with their images.

    Raises:
        DataError: there are none, a file is broken, an image is missing, a class is not known, or two images would have
            one name.
    """
    found = find_annotations(source)
    finder = ImageFinder(found.root, images)
    if found.kind == "YOLO":
        annotations = read_yolo(found.root, found.files, finder, classes)
    else:
        annotations = READERS[found.kind](found.files, finder, classes)
    _check(source, annotations)
    return found, annotations


def convert(
    annotations: AnnotationSet, out: Path, *, instances: bool = False, on_progress: Progress | None = None
) -> None:
    """Writes `images/` and `masks/`: class ids, or with `instances` numbers of objects in 16 bits.

    Where objects overlap, the smaller one is on top.

    Raises:
        DataError: an image cannot be read, or has too many objects.
        SizeError: an image is not as large as its annotations say.
        OutputError: the folder holds images, or cannot be written.
    """
    check_folder(out)
    for folder in ("images", "masks"):
        if (out / folder).is_dir() and any((out / folder).iterdir()):
            raise OutputError(f"{out}: the folder holds {folder} already. Name a new one by --out.")
    for done, image in enumerate(annotations.images, start=1):
        mask = draw_mask(image, annotations.class_names, instances=instances)
        with postponed():  # an image must have its mask
            write_png(resolve_inside(out, f"masks/{image.name}.png"), mask)
            with replacing(resolve_inside(out, f"images/{image.name}{image.path.suffix}")) as temporary:
                shutil.copyfile(image.path, temporary)
        if on_progress:
            on_progress(done, len(annotations.images))
    if not instances:
        _write_table(annotations, out)


def draw_mask(
    image: AnnotatedImage, class_names: Sequence[str], *, instances: bool
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The mask "H W" of one image: 0 and 255 for one class, else class ids; with `instances` numbers from 1.

    Raises:
        SizeError: the image is not as large as its annotations say.
        DataError: the image cannot be read, or has too many objects.
    """
    info = read_info(image.path)
    size_px = (info.height_px, info.width_px)
    if image.size_px not in (None, size_px):
        assert image.size_px is not None
        raise SizeError(
            f"{image.path}: the image is {size_px[1]} x {size_px[0]} px, its annotations say {image.size_px[1]} x "
            f"{image.size_px[0]} px. Take the images that were annotated."
        )
    shapes = [(one, draw(one, size_px)) for one in image.objects if one.class_name in class_names]
    shapes.sort(key=lambda pair: -int(pair[1].mask.sum()))  # stable: of equally large ones, the later is on top
    if instances and len(shapes) > _MOST_OBJECTS:
        raise DataError(f"{image.path}: {len(shapes)} objects are annotated; masks of 16 bits number {_MOST_OBJECTS}.")
    mask = np.zeros(size_px, np.uint16 if instances else np.uint8)
    for number, (one, stamp) in enumerate(shapes, start=1):
        height, width = stamp.mask.shape
        window = mask[stamp.top_px : stamp.top_px + height, stamp.left_px : stamp.left_px + width]
        window[stamp.mask] = number if instances else _value(one.class_name, class_names)
    return mask


def _value(class_name: str, class_names: Sequence[str]) -> int:
    """What a class is in masks: visible if there is one."""
    return 255 if len(class_names) == 1 else 1 + class_names.index(class_name)


def _check(source: Path, annotations: AnnotationSet) -> None:
    """Rejects what gives no dataset."""
    if not any(image.objects for image in annotations.images):
        kinds = ", ".join(f"{number} of the kind {kind}" for kind, number in annotations.skipped.most_common())
        but = f", but {kinds}" if kinds else ""
        raise DataError(f"{source}: no area is annotated{but}. Outlines or masks are needed.")
    if len(annotations.class_names) >= MAX_CLASSES:
        raise DataError(
            f"{source}: {len(annotations.class_names)} classes are annotated; a mask holds {MAX_CLASSES - 1}."
        )
    paths: dict[str, Path] = {}
    for image in annotations.images:
        other = paths.setdefault(image.name.casefold(), image.path)
        if other != image.path:
            raise DataError(f"{image.path}: {other} would have the same name, {image.name}. Rename one of them.")
    if len(paths) < len(annotations.images):
        twice = listed(sorted({image.name for image in annotations.images})[:3], 3)
        raise DataError(f"{source}: an image is annotated twice; among the images are {twice}. Keep one file for each.")


def _write_table(annotations: AnnotationSet, out: Path) -> None:
    """The names of the classes beside the masks, as `lmsc data check` and `lmsc train` read them."""
    names = annotations.class_names
    text = io.StringIO()
    rows = [("Pixel Value", "Class"), (0, "background"), *((_value(name, names), name) for name in names)]
    csv.writer(text, lineterminator="\n").writerows(rows)
    folders = {os.path.dirname(f"masks/{image.name}") for image in annotations.images}  # noqa: PTH120 - of a name
    for folder in sorted(folders):
        write_text(resolve_inside(out, f"{folder}/{CLASS_TABLE}"), text.getvalue())
