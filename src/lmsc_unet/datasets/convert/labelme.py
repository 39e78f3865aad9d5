"""LabelMe's JSON: one file per image, with its outlines."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lmsc_unet.datasets.convert.annotation_set import (
    AnnotatedImage,
    AnnotationSet,
    ImageFinder,
    class_names_of,
    read_json,
    well_formed,
)
from lmsc_unet.datasets.convert.drawing import AnnotatedObject, Points, as_points

_CIRCLE_POINTS = 64


def is_labelme(content: Any) -> bool:
    """Whether JSON is LabelMe's."""
    return isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content


def read_labelme(files: Sequence[Path], finder: ImageFinder, classes: Sequence[str]) -> AnnotationSet:
    """The annotations of all files: polygons, rectangles and circles.

    Raises:
        DataError: a file is broken, an image is missing, or a class is not known.
    """
    images, skipped = [], Counter[str]()
    for path in files:
        with well_formed(path, "LabelMe's JSON"):
            content = read_json(path)
            objects = [_object(shape, skipped) for shape in content["shapes"]]
            size_px = (content.get("imageHeight"), content.get("imageWidth"))
            image = finder.find(str(content["imagePath"]), path.parent)
            if image is not None:
                images.append(
                    AnnotatedImage(
                        path=image,
                        name=finder.name_of(image),
                        objects=tuple(one for one in objects if one),
                        size_px=(int(size_px[0]), int(size_px[1])) if size_px[0] and size_px[1] else None,
                    )
                )
    finder.check(files[0].parent)
    found = sorted({one.class_name for image in images for one in image.objects})
    return AnnotationSet(images=tuple(images), class_names=class_names_of(found, classes), skipped=skipped)


def _object(shape: dict[str, Any], skipped: Counter[str]) -> AnnotatedObject | None:
    kind = str(shape.get("shape_type") or "polygon")
    outline = {"polygon": as_points, "rectangle": _rectangle, "circle": _circle}.get(kind)
    if outline is None:
        skipped[kind] += 1
        return None
    return AnnotatedObject(class_name=str(shape["label"]), parts=((outline(shape["points"]),),))


def _rectangle(corners: Any) -> Points:
    (x, y), (other_x, other_y) = corners
    return as_points([x, y, other_x, y, other_x, other_y, x, other_y])


def _circle(points: Any) -> Points:
    """A circle from its centre and a point on it."""
    centre, point = np.asarray(points, np.float64)
    angles = np.linspace(0, 2 * math.pi, _CIRCLE_POINTS, endpoint=False)
    return as_points(centre + math.dist(centre, point) * np.stack([np.cos(angles), np.sin(angles)], axis=1))
