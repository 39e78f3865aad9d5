"""Integer counts of correct and wrong pixels, which add over batches, tiles, folds and ranks.

Ratios are computed last, in `scores`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError, SizeError

IGNORE = 255
"""The class id of excluded pixels."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Counts:
    """Pixel counts of each class against all others; each array is "K" or, stacked over images, "N K"."""

    tp: NDArray[np.int64]
    """Pixels of the class predicted as the class."""
    fp: NDArray[np.int64]
    """Pixels of other classes predicted as the class (false positives)."""
    fn: NDArray[np.int64]
    """Pixels of the class predicted as another (misses)."""
    tn: NDArray[np.int64]
    """Pixels of other classes predicted as others."""

    def __post_init__(self) -> None:
        assert self.tp.shape == self.fp.shape == self.fn.shape == self.tn.shape

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(tp=self.tp + other.tp, fp=self.fp + other.fp, fn=self.fn + other.fn, tn=self.tn + other.tn)

    def __getitem__(self, image: int) -> "Counts":
        """The counts of one image."""
        return Counts(tp=self.tp[image], fp=self.fp[image], fn=self.fn[image], tn=self.tn[image])

    @property
    def num_classes(self) -> int:
        """Classes, the background included."""
        return int(self.tp.shape[-1])

    @property
    def num_pixels(self) -> NDArray[np.int64]:
        """Number of counted pixels, "K" or "N K"; equal for all classes."""
        return self.tp + self.fp + self.fn + self.tn


def no_counts(num_classes: int) -> Counts:
    """Zero counts, the start of a sum."""
    zero = np.zeros(num_classes, dtype=np.int64)
    return Counts(tp=zero, fp=zero, fn=zero, tn=zero)


def count_pixels(prediction: NDArray[np.integer], truth: NDArray[np.integer], num_classes: int) -> Counts:
    """Compares two masks of class ids "H W" (any equal shapes); returns arrays "K".

    Pixels whose truth is `IGNORE` are excluded.

    Raises:
        SizeError: the masks' shapes differ.
        DataError: a class id is not below `num_classes`.
    """
    if prediction.shape != truth.shape:
        raise SizeError(f"The prediction is {prediction.shape}, the truth {truth.shape}. They must be equally large.")
    is_counted = truth != IGNORE
    true_ids = truth[is_counted].astype(np.int64)
    predicted_ids = prediction[is_counted].astype(np.int64)
    _check_ids("truth", true_ids, num_classes)
    _check_ids("prediction", predicted_ids, num_classes)
    confusion = np.bincount(true_ids * num_classes + predicted_ids, minlength=num_classes**2).reshape(
        num_classes, num_classes
    )
    tp = np.diagonal(confusion).astype(np.int64)
    fp = confusion.sum(axis=0, dtype=np.int64) - tp
    fn = confusion.sum(axis=1, dtype=np.int64) - tp
    return Counts(tp=tp, fp=fp, fn=fn, tn=true_ids.size - tp - fp - fn)


def _check_ids(what: str, ids: NDArray[np.int64], num_classes: int) -> None:
    if ids.size and (ids.min() < 0 or ids.max() >= num_classes):
        raise DataError(
            f"The {what} holds the class ids {ids.min()} to {ids.max()}, but there are {num_classes} classes. "
            f"Ids must be 0 to {num_classes - 1}, or {IGNORE} in the truth for a pixel to leave out."
        )


def stack(images: Iterable[Counts]) -> Counts:
    """Stacks the counts "K" of many images to arrays "N K", in order."""
    kept = list(images)
    assert kept, "nothing to stack"
    return Counts(
        tp=np.stack([c.tp for c in kept]),
        fp=np.stack([c.fp for c in kept]),
        fn=np.stack([c.fn for c in kept]),
        tn=np.stack([c.tn for c in kept]),
    )


def total(images: Counts) -> Counts:
    """Sums stacked counts "N K" over images to "K"."""
    return Counts(
        tp=images.tp.sum(axis=0), fp=images.fp.sum(axis=0), fn=images.fn.sum(axis=0), tn=images.tn.sum(axis=0)
    )
