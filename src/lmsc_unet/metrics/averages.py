"""Averages of scores: over which classes, and pooled over pixels or averaged over images.

The foreground is every class except 0. A foreground score is the mean over its defined classes; with two classes it
is the score of class 1. An image whose score is 0/0 is excluded from the mean, and counted.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.metrics.counts import Counts, total
from lmsc_unet.metrics.scores import CLASS_SCORES, Shares, overall_accuracy

MEAN_SCORES = ("iou", "dice", "f1", "precision", "recall")
"""The scores that are averaged over classes; accuracy already covers all classes."""

PAPER_ROW: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "acc": ("pooled", "accuracy"),
        "miou": ("per_image", "iou"),
        "f1": ("pooled", "f1"),
        "dc": ("per_image", "dice"),
    }
)
"""The paper's four columns: the average and the foreground score of each."""


def set_scores(counts: Counts) -> dict[str, Shares]:
    """Every score over a set of classes, from counts "... K" to shares "...".

    `accuracy` covers all pixels; the others are means over the foreground, and with `_all_classes` over all classes
    including the background.
    """
    scores = {"accuracy": overall_accuracy(counts)}
    by_class = {name: CLASS_SCORES[name](counts) for name in MEAN_SCORES}
    scores |= {name: mean_of_defined(shares[..., 1:]) for name, shares in by_class.items()}
    scores |= {f"{name}_all_classes": mean_of_defined(shares) for name, shares in by_class.items()}
    return scores


def pooled(images: Counts) -> dict[str, float]:
    """Scores of all images' pixels together, from counts "N K"."""
    return {name: float(share) for name, share in set_scores(total(images)).items()}


def per_image(images: Counts) -> dict[str, float]:
    """The mean of each image's own score, from counts "N K"."""
    return {name: float(mean_of_defined(shares)) for name, shares in set_scores(images).items()}


def left_out(images: Counts) -> dict[str, int]:
    """Number of images that each score of `per_image` excludes because it is 0/0."""
    return {name: int(np.isnan(shares).sum()) for name, shares in set_scores(images).items()}


def paper(images: Counts) -> dict[str, float]:
    """The paper's scores: acc and f1 pooled, miou and dc per image; all but acc are for the foreground."""
    averages = {"pooled": pooled(images), "per_image": per_image(images)}
    return {column: averages[average][score] for column, (average, score) in PAPER_ROW.items()}


def class_table(images: Counts, class_names: tuple[str, ...]) -> dict[str, dict[str, dict[str, float]]]:
    """Scores of each class against all others: name -> "pooled" or "per_image" -> score -> share."""
    of_all = {score: function(total(images)) for score, function in CLASS_SCORES.items()}
    of_each = {score: mean_of_defined(function(images), axis=0) for score, function in CLASS_SCORES.items()}
    return {
        name: {
            "pooled": {score: float(shares[index]) for score, shares in of_all.items()},
            "per_image": {score: float(shares[index]) for score, shares in of_each.items()},
        }
        for index, name in enumerate(class_names)
    }


def class_left_out(images: Counts, class_names: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """Number of images that each per-image score of each class excludes: name -> score -> number."""
    missing = {score: np.isnan(function(images)).sum(axis=0) for score, function in CLASS_SCORES.items()}
    return {
        name: {score: int(numbers[index]) for score, numbers in missing.items()}
        for index, name in enumerate(class_names)
    }


def mean_of_defined(shares: NDArray[np.float64], axis: int = -1) -> Shares:
    """The mean of all values except NaN along one axis; NaN if all are."""
    is_defined = ~np.isnan(shares)
    number = is_defined.sum(axis=axis)
    summed = np.where(is_defined, shares, 0.0).sum(axis=axis)
    mean: Shares = np.divide(summed, number, out=np.full(np.shape(number), np.nan), where=np.asarray(number) > 0)
    return mean


CONFIDENCE = 0.95
Scores = Mapping[str, Mapping[str, float | None]]


def over_folds(folds: Sequence[Scores]) -> dict[str, dict[str, dict[str, Any]]]:
    """Statistics of each score over the folds, from `average -> score -> share` of each fold.

    Returns:
        `average -> score -> {mean, std, low, high, folds}`: std with n - 1, and Student's interval of the mean.
        A fold without a score is excluded; `folds` counts the others.
    """
    return {
        average: {score: spread([fold[average][score] for fold in folds]) for score in folds[0][average]}
        for average in folds[0]
    }


def spread(values: Sequence[float | None]) -> dict[str, Any]:
    """Mean, standard deviation and 95 % interval of the mean; None with too few values."""
    known = np.array([value for value in values if value is not None], dtype=float)
    number = len(known)
    if number == 0:
        return {"mean": None, "std": None, "low": None, "high": None, "folds": 0}
    mean = float(known.mean())
    if number == 1:
        return {"mean": mean, "std": None, "low": None, "high": None, "folds": 1}
    from scipy.stats import t as student_t  # imported here: it belongs to lmsc-unet[train] and loads for a second

    std = float(known.std(ddof=1))
    half = float(student_t.ppf((1 + CONFIDENCE) / 2, number - 1)) * std / number**0.5
    return {"mean": mean, "std": std, "low": mean - half, "high": mean + half, "folds": number}
