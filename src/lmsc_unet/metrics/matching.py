"""Scores of boxes, matched one to one by overlap; counts add, ratios are computed last, 0/0 is NaN.

Boxes are rows (left, top, right, bottom) in any units, such as pixels or hertz and seconds. Matching and average
precision follow COCO (Lin et al. 2014): by decreasing confidence, each detection takes the unmatched true box with the
largest overlap; precision is read at 101 recalls.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
COCO_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True, kw_only=True)
class Detections:
    """True and detected boxes of one picture."""

    true_xyxy: Boxes
    """The true boxes "N 4"."""
    found_xyxy: Boxes
    """The detected boxes "M 4"."""
    confidences: NDArray[np.float64]
    """The confidence of each detected box "M"."""
    true_classes: NDArray[np.int64] | None = None
    """The class of each true box "N"; None for a single class."""
    found_classes: NDArray[np.int64] | None = None
    """The class of each detected box "M"."""

    def of_class(self, class_id: int) -> "Detections":
        """The true and detected boxes of one class."""
        if self.true_classes is None or self.found_classes is None:
            return self
        is_true, is_found = self.true_classes == class_id, self.found_classes == class_id
        return Detections(
            true_xyxy=self.true_xyxy[is_true],
            found_xyxy=self.found_xyxy[is_found],
            confidences=self.confidences[is_found],
        )


@dataclass(frozen=True, kw_only=True)
class DetectionCounts:
    """True positives, false positives and misses; counts of pictures add."""

    tp: int = 0
    """Detected boxes that match a true one."""
    fp: int = 0
    """Detected boxes without a match."""
    fn: int = 0
    """True boxes without a match."""

    def __add__(self, other: "DetectionCounts") -> "DetectionCounts":
        return DetectionCounts(tp=self.tp + other.tp, fp=self.fp + other.fp, fn=self.fn + other.fn)

    @property
    def precision(self) -> float:
        """The share of detected boxes that are right; NaN without detections."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """The share of true boxes that were detected; NaN without true boxes."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)


@dataclass(frozen=True, kw_only=True)
class Matches:
    """The matches of detected and true boxes."""

    true_index: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """For each detected box the index of its true box, or -1."""
    num_true: int = 0
    """Number of true boxes."""

    @property
    def counts(self) -> DetectionCounts:
        """The counts of the matches."""
        tp = int((self.true_index >= 0).sum())
        return DetectionCounts(tp=tp, fp=len(self.true_index) - tp, fn=self.num_true - tp)


def box_iou(first_xyxy: Boxes, second_xyxy: Boxes) -> NDArray[np.float64]:
    """The IoU of every first with every second box "N M"; 0 if both are empty."""
    first, second = np.reshape(first_xyxy, (-1, 1, 4)), np.reshape(second_xyxy, (1, -1, 4))
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    shared = np.prod(np.maximum(sides, 0), axis=-1)
    either = np.prod(first[..., 2:] - first[..., :2], axis=-1) + np.prod(second[..., 2:] - second[..., :2], axis=-1)
    union = either - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(union), where=union > 0))


def match_boxes(detections: Detections, *, min_iou: float = 0.5) -> Matches:
    """Matches detected and true boxes of one class, each at most once."""
    overlaps = box_iou(detections.found_xyxy, detections.true_xyxy)
    taken = np.full(len(detections.found_xyxy), -1, np.int64)
    for index in _by_confidence(detections.confidences):
        if not overlaps.shape[1]:
            break
        best = int(np.argmax(overlaps[index]))
        if overlaps[index, best] >= min_iou:
            taken[index] = best
            overlaps[:, best] = -1
    return Matches(true_index=taken, num_true=len(detections.true_xyxy))


def count_matches(pictures: Sequence[Detections], *, min_iou: float = 0.5) -> DetectionCounts:
    """The counts over pictures, regardless of classes."""
    return sum((match_boxes(one, min_iou=min_iou).counts for one in pictures), DetectionCounts())


def average_precision(pictures: Sequence[Detections], *, min_iou: float = 0.5) -> float:
    """The area under the precision-recall curve for boxes of one class; NaN without true boxes."""
    matches = [match_boxes(one, min_iou=min_iou) for one in pictures]
    num_true = sum(one.num_true for one in matches)
    if num_true == 0:
        return float("nan")
    confidences = np.concatenate([np.asarray(one.confidences, np.float64) for one in pictures])
    is_right = np.concatenate([one.true_index >= 0 for one in matches])[_by_confidence(confidences)]
    right, wrong = np.cumsum(is_right), np.cumsum(~is_right)
    precision = right / np.maximum(right + wrong, 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]  # the best precision at this recall or more
    first = np.searchsorted(right / num_true, _RECALLS, side="left")
    return float(np.mean(np.append(envelope, 0.0)[np.minimum(first, len(envelope))]))


def mean_average_precision(pictures: Sequence[Detections], *, min_ious: Sequence[float] = COCO_THRESHOLDS) -> float:
    """Average precision, averaged over thresholds (COCO's mAP@[.5:.95] by default) and over the classes present."""
    classes = sorted({int(one) for picture in pictures for one in _true_classes(picture)})
    parts = [[picture.of_class(class_id) for picture in pictures] for class_id in classes]
    values = [average_precision(part, min_iou=min_iou) for part in parts for min_iou in min_ious]
    return float(np.mean(values)) if values else float("nan")


def _true_classes(picture: Detections) -> NDArray[np.int64]:
    if picture.true_classes is None:
        return np.zeros(min(1, len(picture.true_xyxy)), np.int64)
    return picture.true_classes


def _by_confidence(confidences: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices by decreasing confidence; ties keep their order."""
    return np.argsort(-np.asarray(confidences, np.float64), kind="stable")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
