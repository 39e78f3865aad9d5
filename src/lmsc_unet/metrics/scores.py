"""Scores as pure functions of counts; 0/0 is NaN, never 1 or 0.

Each maps counts "... K" to shares "... K" in 0..1, one per class against all others. `averages` averages them over
images.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.metrics.counts import Counts

Shares = NDArray[np.float64]


def accuracy(counts: Counts) -> Shares:
    """(tp + tn) / all: the share of pixels correctly inside or outside the class."""
    return _share(counts.tp + counts.tn, counts.num_pixels)


def iou(counts: Counts) -> Shares:
    """Jaccard index, tp / (tp + fp + fn); NaN if the class is neither in the truth nor predicted."""
    return _share(counts.tp, counts.tp + counts.fp + counts.fn)


def dice(counts: Counts) -> Shares:
    """2 tp / (2 tp + fp + fn); NaN if the class is neither in the truth nor predicted."""
    return _share(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def f1(counts: Counts) -> Shares:
    """The harmonic mean of precision and recall, which equals Dice."""
    return dice(counts)


def precision(counts: Counts) -> Shares:
    """The correct share of predicted pixels, tp / (tp + fp); NaN if the class is not predicted."""
    return _share(counts.tp, counts.tp + counts.fp)


def recall(counts: Counts) -> Shares:
    """The detected share of true pixels, tp / (tp + fn); NaN if the class is not in the truth."""
    return _share(counts.tp, counts.tp + counts.fn)


CLASS_SCORES: Mapping[str, Callable[[Counts], Shares]] = MappingProxyType(
    {"accuracy": accuracy, "iou": iou, "dice": dice, "f1": f1, "precision": precision, "recall": recall}
)
"""Every score of one class, by name."""


def overall_accuracy(counts: Counts) -> Shares:
    """Correct pixels of all pixels, "..." without the class axis; NaN if no pixel counts."""
    return _share(counts.tp.sum(axis=-1), counts.num_pixels[..., 0])


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Shares:
    share: Shares = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)
    return share
