"""COCO's JSON: outlines or run lengths of objects, one file for many images."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lmsc_unet.datasets.convert.annotation_set import (
    AnnotatedImage,
    AnnotationSet,
    ImageFinder,
    class_names_of,
    read_json,
    well_formed,
)
from lmsc_unet.datasets.convert.drawing import AnnotatedObject, as_points, cropped, from_run_lengths, unpacked
from lmsc_unet.datasets.split_file import SPLIT_WORDS
from lmsc_unet.errors import DataError

Fields = dict[str, Any]


def is_coco(content: Any) -> bool:
    """Whether JSON is COCO's."""
    return isinstance(content, dict) and isinstance(content.get("images"), list) and "annotations" in content


def read_coco(files: Sequence[Path], finder: ImageFinder, classes: Sequence[str]) -> AnnotationSet:
    """The annotations of one file, or of one for each part of a dataset.

    Raises:
        DataError: a file is broken, an image is missing, or a class is not known.
    """
    images: list[AnnotatedImage] = []
    names: dict[int, str] = {}
    skipped: Counter[str] = Counter()
    for path in files:
        with well_formed(path, "COCO"):
            content = read_json(path)
            own = {int(one["id"]): str(one["name"]) for one in content.get("categories", [])}
            if not own:
                raise DataError(f"{path}: it names no categories, so classes are not known. Export it again with them.")
            names |= own
            images += _images(path, content, own, finder, skipped, part=_part(path) if len(files) > 1 else "")
        finder.check(path)
    used = {one.class_name for image in images for one in image.objects}
    in_order = [names[number] for number in sorted(names)]
    found = [name for name in in_order if name in used] if classes else in_order
    return AnnotationSet(images=tuple(images), class_names=class_names_of(found, classes), skipped=skipped)


def _images(
    path: Path, content: Fields, names: dict[int, str], finder: ImageFinder, skipped: Counter[str], part: str
) -> list[AnnotatedImage]:
    annotations: dict[Any, list[Fields]] = defaultdict(list)
    for annotation in content["annotations"]:
        annotations[annotation["image_id"]].append(annotation)
    images = []
    for one in content["images"]:
        image = finder.find(str(one["file_name"]), path.parent)
        size_px = (int(one["height"]), int(one["width"])) if "height" in one and "width" in one else None
        objects = [_object(path, found, names, size_px, skipped) for found in annotations.pop(one["id"], [])]
        if image is not None:
            name = finder.name_of(image)
            is_within = not part or name.split("/")[0].casefold() in SPLIT_WORDS
            images.append(
                AnnotatedImage(
                    path=image,
                    name=name if is_within else f"{part}/{name}",
                    objects=tuple(found for found in objects if found),
                    size_px=size_px,
                )
            )
    if annotations:
        number = next(iter(annotations))
        raise DataError(f"{path}: an annotation is of the image {number}, which is not in the list of images.")
    return images


def _object(
    path: Path, annotation: Fields, names: dict[int, str], size_px: tuple[int, int] | None, skipped: Counter[str]
) -> AnnotatedObject | None:
    """An annotation as an object; None if it has a box only."""
    number = int(annotation["category_id"])
    if number not in names:
        raise DataError(
            f"{path}: an annotation is of the category {number}, but the categories are "
            f"{', '.join(f'{one} ({name})' for one, name in sorted(names.items()))}. Add it there."
        )
    segmentation = annotation.get("segmentation")
    if not segmentation:
        skipped["box"] += 1
        return None
    if isinstance(segmentation, list):
        parts = tuple((as_points(polygon),) for polygon in segmentation)
        return AnnotatedObject(class_name=names[number], parts=parts)
    said = segmentation.get("size") or size_px
    if said is None:
        raise DataError(f"{path}: run lengths have no size, and neither has their image. Export it again with sizes.")
    if size_px not in (None, tuple(said)):
        raise DataError(f"{path}: run lengths are of {said[1]} x {said[0]} px, their image is of another size.")
    counts = segmentation["counts"]
    lengths = unpacked(counts) if isinstance(counts, str) else counts
    mask = from_run_lengths(lengths, (int(said[0]), int(said[1])), by_columns=True)
    return AnnotatedObject(class_name=names[number], stamp=cropped(mask))


def _part(path: Path) -> str:
    """The part of the dataset that one of several files is about: train, val, test, or the file's name."""
    words = [path.parent.name, *path.stem.replace("-", "_").split("_")]
    known = [
        SPLIT_WORDS[word] for word in (one.casefold().rstrip("0123456789") for one in words) if word in SPLIT_WORDS
    ]
    return known[0] if known else path.stem
