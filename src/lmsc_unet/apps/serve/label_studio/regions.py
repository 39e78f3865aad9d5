"""Masks as Label Studio's regions, and its regions as masks: brush strokes and polygons."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.apps.segment.objects.outline import Ring, one_path, polygons_of
from lmsc_unet.apps.segment.writers import objects_of
from lmsc_unet.apps.serve.label_studio.brush import decode_brush, encode_brush
from lmsc_unet.apps.serve.label_studio.label_config import BRUSH, Labelling
from lmsc_unet.datasets.convert.drawing import fill
from lmsc_unet.errors import DataError
from lmsc_unet.inference.predictor import Prediction


def regions_of_prediction(prediction: Prediction, labelling: Labelling) -> list[dict[str, Any]]:
    """The regions of an image: a brush mask of each class, or a polygon of each object."""
    regions = _brushes(prediction, labelling) if labelling.kind == BRUSH else _polygons(prediction, labelling)
    height_px, width_px = prediction.mask.shape
    about = {"from_name": labelling.from_name, "to_name": labelling.to_name, "type": labelling.kind}
    size = {"original_width": width_px, "original_height": height_px, "image_rotation": 0}
    return [
        {"id": uuid5(NAMESPACE_URL, str(number)).hex[:10], **about, **size, "value": value | {labelling.kind: [label]}}
        for number, (label, value) in enumerate(regions)
    ]


def score_of(prediction: Prediction) -> float:
    """How sure the model is of an image, 0 to 1: the mean probability of its classes."""
    return float(prediction.probability.max(axis=0).mean())


def _brushes(prediction: Prediction, labelling: Labelling) -> Iterator[tuple[str, dict[str, Any]]]:
    for class_id in range(1, len(prediction.class_names)):
        label, mask = labelling.label_of(class_id, prediction.class_names), prediction.mask == class_id
        if label is not None and mask.any():
            yield label, {"format": "rle", "rle": encode_brush(mask)}


def _polygons(prediction: Prediction, labelling: Labelling) -> Iterator[tuple[str, dict[str, Any]]]:
    height_px, width_px = prediction.mask.shape
    image = prediction.mask[..., np.newaxis]  # its means are not needed
    labels = None if prediction.contour is None else prediction.instances()
    for shape in objects_of(image, prediction.mask, labels):
        label = labelling.label_of(shape.class_id, prediction.class_names)
        for polygon in polygons_of(shape) if label is not None else ():
            path = one_path([polygon])
            if len(path) >= 3:
                points = [[100 * x / width_px, 100 * y / height_px] for x, y in simplified(path)]
                yield str(label), {"points": points, "closed": True}


def simplified(ring: Ring, tolerance_px: float = 0.8) -> Ring:
    """A ring with fewer corners, none of those left out further than the tolerance from it (Ramer, Douglas, Peucker).

    Stairs along pixel edges become slanted lines, which a person can move by their corners.
    """
    points = np.array([*ring, ring[0]], np.float64)
    is_kept = np.zeros(len(points), np.bool_)
    middle = int(np.abs(points - points[0]).sum(axis=1).argmax())
    is_kept[[0, middle, -1]] = True
    spans = [(0, middle), (middle, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        between = points[first + 1 : last] - points[first]
        if not len(between):
            continue
        along = points[last] - points[first]
        length = max(float(np.hypot(*along)), 1e-9)
        distances = np.abs(along[0] * between[:, 1] - along[1] * between[:, 0]) / length
        if distances.max() > tolerance_px:
            farthest = first + 1 + int(distances.argmax())
            is_kept[farthest] = True
            spans += [(first, farthest), (farthest, last)]
    kept = [point for point, keeps in zip(ring, is_kept, strict=False) if keeps]
    return kept if len(kept) >= 3 else ring


def mask_of_regions(
    regions: Sequence[Mapping[str, Any]], labelling: Labelling, class_names: Sequence[str], size_px: tuple[int, int]
) -> NDArray[np.uint8]:
    """The class ids "H W" that a user drew; later regions lie over earlier ones.

    Raises:
        DataError: a region is damaged or of another image.
    """
    mask = np.zeros(size_px, np.uint8)
    for class_id, painted in _drawn(regions, labelling, class_names, size_px):
        mask[painted] = class_id
    return mask


def numbered_regions(
    regions: Sequence[Mapping[str, Any]], labelling: Labelling, class_names: Sequence[str], size_px: tuple[int, int]
) -> NDArray[np.uint16]:
    """What a user drew, each region as an object with a number of its own, "H W".

    Raises:
        DataError: a region is damaged, or there are more than numbers.
    """
    labels = np.zeros(size_px, np.uint16)
    for number, (_, painted) in enumerate(_drawn(regions, labelling, class_names, size_px), start=1):
        if number > np.iinfo(np.uint16).max:
            raise DataError(f"An annotation has over {np.iinfo(np.uint16).max} regions. Cut its image.")
        labels[painted] = number
    return labels


def _drawn(
    regions: Sequence[Mapping[str, Any]], labelling: Labelling, class_names: Sequence[str], size_px: tuple[int, int]
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """The class and the pixels of each region of the tool whose label is a class."""
    for region in regions:
        if region.get("type") == labelling.kind and region.get("from_name") == labelling.from_name:
            value = region.get("value")
            labels = value.get(labelling.kind) if isinstance(value, dict) else None
            class_id = labelling.class_of(str(labels[0]), class_names) if isinstance(labels, list) and labels else None
            if class_id is not None and isinstance(value, dict):
                yield class_id, _painted(value, labelling.kind, size_px)


def _painted(value: Mapping[str, Any], kind: str, size_px: tuple[int, int]) -> NDArray[np.bool_]:
    height_px, width_px = size_px
    try:
        if kind == BRUSH:
            return decode_brush(bytes(value["rle"]), height_px, width_px)
        points = [(float(x) * width_px / 100, float(y) * height_px / 100) for x, y in value["points"]]
        if not np.isfinite(points).all():
            raise ValueError("a corner is no number")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"A region of the annotation is damaged ({error}). Draw it again.") from error
    return fill([np.array(points).reshape(-1, 2)], size_px)
