"""Scores of instances: which predicted objects are which true ones, and how well their pixels agree.

Counts add over images like those of pixels; ratios are made last, and 0/0 is NaN. An object is the pixels of one label
above 0. Two objects match if their IoU is above a threshold of at least 0.5, so that no object has two matches.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import SizeError
from lmsc_unet.metrics.scores import Shares

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""The IoU above which two objects match, for the F1 scores; PQ, DQ and SQ use the first."""
MOST_IGNORED = 0.5
"""A predicted object with a larger share of ignored pixels is neither right nor wrong."""
_LARGEST_TABLE = 1 << 22


@dataclass(frozen=True, kw_only=True, eq=False)
class InstanceCounts:
    """Sums of one image, of several, or stacked over images with a first axis "N"."""

    num_true: NDArray[np.float64]
    """True objects, "..."."""
    num_predicted: NDArray[np.float64]
    """Predicted objects, "..."."""
    num_matched: NDArray[np.float64]
    """Pairs of objects that match at each of `THRESHOLDS`, "... T"."""
    iou: NDArray[np.float64]
    """Sum of the IoU of the pairs that match at the first threshold, "..."."""
    intersection_px: NDArray[np.float64]
    """AJI: pixels that true objects share with the predicted object of highest IoU, "..."."""
    union_px: NDArray[np.float64]
    """AJI: pixels of their unions, of true objects without any, and of predicted objects that are nobody's best."""

    def weighted(self, times: NDArray[np.number]) -> "InstanceCounts":
        """Sums over images, each taken as often as said: "N" or "draws N" by stacked counts."""
        return InstanceCounts(**{field.name: times @ getattr(self, field.name) for field in fields(self)})


def stack_instances(images: Iterable[InstanceCounts]) -> InstanceCounts:
    """Stacks the counts of many images along a first axis, in order."""
    kept = list(images)
    return InstanceCounts(
        **{field.name: np.stack([getattr(one, field.name) for one in kept]) for field in fields(InstanceCounts)}
    )


def total_instances(images: InstanceCounts) -> InstanceCounts:
    """The sum of stacked counts over images."""
    return images.weighted(np.ones(len(images.num_true)))


def count_instances(
    prediction: NDArray[np.integer], truth: NDArray[np.integer], is_ignored: NDArray[np.bool_] | None = None
) -> InstanceCounts:
    """Compares two label images "H W" of any integer type; labels need not be consecutive.

    Ignored pixels belong to no object; a predicted object that mostly consists of them is left out, unless it matches.

    Raises:
        SizeError: the label images differ in size.
    """
    if prediction.shape != truth.shape:
        raise SizeError(f"The prediction is {prediction.shape}, the truth {truth.shape}. They must be equally large.")
    predicted, wholes_px = _consecutive(prediction)
    if is_ignored is not None:
        predicted, truth = np.where(is_ignored, 0, predicted), np.where(is_ignored, 0, truth)
    true, trues_px = _consecutive(truth)
    areas_px = np.bincount(predicted.ravel(), minlength=len(wholes_px))
    of_true, of_predicted, shared_px = _overlaps(true, predicted, len(trues_px), len(wholes_px))
    unions_px = trues_px[of_true] + areas_px[of_predicted] - shared_px
    iou = shared_px / unions_px
    is_match = iou > THRESHOLDS[0]
    is_counted = areas_px >= (1 - MOST_IGNORED) * wholes_px
    is_counted[of_predicted[is_match]] = True
    is_counted[0] = False
    best = _best_of_each(of_true, iou)
    rest_px = areas_px * is_counted
    rest_px[of_predicted[best]] = 0
    missed_px = trues_px.copy()
    missed_px[[0, *of_true[best]]] = 0
    return InstanceCounts(
        num_true=_sum(trues_px[1:] > 0),
        num_predicted=_sum(is_counted),
        num_matched=np.array([(iou > threshold).sum() for threshold in THRESHOLDS], np.float64),
        iou=_sum(iou[is_match]),
        intersection_px=_sum(shared_px[best]),
        union_px=_sum(unions_px[best]) + _sum(missed_px) + _sum(rest_px),
    )


def instance_scores(counts: InstanceCounts) -> dict[str, Shares]:
    """Every score by name, "..." in 0..1; NaN where there is no object to score.

    `pq` = `dq` x `sq`: panoptic quality from detection quality (F1 at IoU 0.5) and segmentation quality (the mean IoU
    of matched objects); `aji`: the aggregated Jaccard index; `f1_60`: F1 at IoU 0.6.
    """
    sizes = counts.num_true + counts.num_predicted
    f1 = [_share(2 * counts.num_matched[..., place], sizes) for place in range(len(THRESHOLDS))]
    scores = {
        "pq": _share(2 * counts.iou, sizes),
        "dq": f1[0],
        "sq": _share(counts.iou, counts.num_matched[..., 0]),
        "aji": _share(counts.intersection_px, counts.union_px),
    }
    return scores | {f"f1_{round(100 * at)}": shares for at, shares in zip(THRESHOLDS, f1, strict=True)}


def _consecutive(labels: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The labels renumbered 1, 2, ... in their order, and the pixels of each; nothing above 0 is background 0."""
    values = np.maximum(labels, 0).astype(np.int64)
    largest = int(values.max(initial=0))
    if largest < max(_LARGEST_TABLE, values.size):
        areas_px = np.bincount(values.ravel(), minlength=largest + 1)
        is_there = areas_px > 0
        is_there[0] = False
        numbers = np.cumsum(is_there) * is_there
        return numbers[values], np.concatenate([areas_px[:1], areas_px[is_there]])
    kept, places = np.unique(values, return_inverse=True)
    numbers = places.reshape(values.shape) + (kept[0] > 0)
    return numbers, np.bincount(numbers.ravel())


def _overlaps(
    true: NDArray[np.int64], predicted: NDArray[np.int64], num_true: int, num_predicted: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """True and predicted object of each pair that shares a pixel, and the shared pixels, ordered by both numbers."""
    is_both = (true > 0) & (predicted > 0)
    keys = true[is_both] * num_predicted + predicted[is_both]
    if num_true * num_predicted <= _LARGEST_TABLE:
        table = np.bincount(keys, minlength=1)
        pairs = np.flatnonzero(table)
        shared_px = table[pairs]
    else:
        pairs, shared_px = np.unique(keys, return_counts=True)
    of_true, of_predicted = np.divmod(pairs, num_predicted)
    return of_true, of_predicted, shared_px


def _best_of_each(of_true: NDArray[np.int64], iou: NDArray[np.float64]) -> NDArray[np.intp]:
    """For each true object with a pair, the place of its pair with the highest IoU, the first of equals."""
    order = np.lexsort((-iou, of_true))
    return order[np.flatnonzero(np.diff(of_true[order], prepend=-1))]


def _sum(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(values.sum(), np.float64)


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> Shares:
    share: Shares = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
    return share
