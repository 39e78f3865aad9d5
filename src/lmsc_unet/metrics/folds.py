"""Scores over folds: mean, standard deviation and a 95 % interval, for the best epoch and for the last."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import t as student_t

CONFIDENCE = 0.95
Scores = Mapping[str, Mapping[str, float | None]]


def over_folds(folds: Sequence[Scores]) -> dict[str, dict[str, dict[str, Any]]]:
    """Each score of each average over the folds, from `average -> score -> share` of each fold.

    Returns:
        `average -> score -> {mean, std, low, high, folds}`: std with n - 1, and Student's interval of the mean.
        A score that a fold does not have is left out of its mean; `folds` says how many there are.
    """
    return {
        average: {score: spread([fold[average][score] for fold in folds]) for score in folds[0][average]}
        for average in folds[0]
    }


def spread(values: Sequence[float | None]) -> dict[str, Any]:
    """Mean, standard deviation and 95 % interval of the mean; None where there are too few values for one."""
    known = np.array([value for value in values if value is not None], dtype=float)
    number = len(known)
    if number == 0:
        return {"mean": None, "std": None, "low": None, "high": None, "folds": 0}
    mean = float(known.mean())
    if number == 1:
        return {"mean": mean, "std": None, "low": None, "high": None, "folds": 1}
    std = float(known.std(ddof=1))
    half = float(student_t.ppf((1 + CONFIDENCE) / 2, number - 1)) * std / number**0.5
    return {"mean": mean, "std": std, "low": mean - half, "high": mean + half, "folds": number}
