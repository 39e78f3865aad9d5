"""The uncertainty of scores: a bootstrap over images.

Images are resampled with replacement; the interval covers the middle 95 % of the resampled scores. It reflects the
choice of images, not of the training seed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.ranges import MOST_SEED, check_range, check_share
from lmsc_unet.metrics.averages import PAPER_ROW, set_scores
from lmsc_unet.metrics.counts import Counts
from lmsc_unet.metrics.instances import InstanceCounts, instance_scores
from lmsc_unet.metrics.scores import Shares

Interval = tuple[float, float] | None
"""Lower and upper end; None with fewer than two images, or if the score is always 0/0."""


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """Settings of the intervals."""

    level: float = 0.95
    """The share of resampled scores inside the interval."""
    num_draws: int = 2000
    """Number of resamples."""
    seed: int = 19
    """The same seed gives the same intervals."""

    def __post_init__(self) -> None:
        check_range(self, 1, 100_000, "num_draws")
        check_range(self, 0, MOST_SEED, "seed")
        check_share(self, "level", with_ends=False)


def intervals(images: Counts, bootstrap: Bootstrap) -> dict[str, dict[str, Interval]]:
    """Intervals of every score by average ("paper", "pooled" and "per_image"), from counts "N K"."""
    times = draw_times(len(images.tp), bootstrap)
    scores = {"pooled": _pooled(images, times), "per_image": _per_image(set_scores(images), times)}
    scores["paper"] = {column: scores[average][score] for column, (average, score) in PAPER_ROW.items()}
    return _intervals(scores, len(images.tp), bootstrap)


def instance_intervals(images: InstanceCounts, bootstrap: Bootstrap) -> dict[str, dict[str, Interval]]:
    """Intervals of every score of instances by average ("pooled" and "per_image"), from stacked counts."""
    times = draw_times(len(images.num_true), bootstrap)
    pooled = instance_scores(images.weighted(times))
    scores = {"pooled": pooled, "per_image": _per_image(instance_scores(images), times)}
    return _intervals(scores, len(images.num_true), bootstrap)


def _intervals(
    scores: Mapping[str, Mapping[str, NDArray[np.float64]]], num_images: int, bootstrap: Bootstrap
) -> dict[str, dict[str, Interval]]:
    return {
        average: {
            name: _interval(draws, bootstrap.level) if num_images > 1 else None for name, draws in by_name.items()
        }
        for average, by_name in scores.items()
    }


def draw_times(num_images: int, bootstrap: Bootstrap) -> NDArray[np.int64]:
    """How often each image occurs in each resample, "draws images"; each row sums to the number of images."""
    shares = np.full(num_images, 1 / num_images)
    return np.random.default_rng(bootstrap.seed).multinomial(num_images, shares, size=bootstrap.num_draws)


def _pooled(images: Counts, times: NDArray[np.int64]) -> Mapping[str, NDArray[np.float64]]:
    return set_scores(Counts(tp=times @ images.tp, fp=times @ images.fp, fn=times @ images.fn, tn=times @ images.tn))


def _per_image(scores: Mapping[str, Shares], times: NDArray[np.int64]) -> Mapping[str, NDArray[np.float64]]:
    return {name: _mean_of_draws(shares, times) for name, shares in scores.items()}


def _mean_of_draws(shares: NDArray[np.float64], times: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean over the images of each resample that have a score; NaN if none has."""
    is_defined = ~np.isnan(shares)
    number = times @ is_defined
    summed = times @ np.where(is_defined, shares, 0.0)
    mean: NDArray[np.float64] = np.divide(summed, number, out=np.full(len(times), np.nan), where=number > 0)
    return mean


def _interval(draws: NDArray[np.float64], level: float) -> Interval:
    defined = draws[~np.isnan(draws)]
    if not defined.size:
        return None
    low, high = np.quantile(defined, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)
