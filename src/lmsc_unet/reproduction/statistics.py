"""Statistics of a score table: spread over folds, intervals, paired tests, and findings in words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from lmsc_unet.evaluation.intervals import Bootstrap, draw_times, intervals
from lmsc_unet.evaluation.report import without_nan
from lmsc_unet.metrics import averages
from lmsc_unet.metrics.averages import over_folds, set_scores
from lmsc_unet.reproduction.context import Outcome, ReportContext, Scored

LEVEL = 0.05
"""Significance level: a difference is called real if its corrected p is below."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two models compared on the same images, by foreground IoU per image."""

    first: str
    """Title of the first model."""
    second: str
    """Title of the second model."""
    difference: float
    """The second's mean IoU minus the first's."""
    low: float
    """Lower end of its 95 % bootstrap interval."""
    high: float
    """Upper end."""
    p: float
    """p of the Wilcoxon signed-rank test."""
    images: int
    """Number of images on which both were scored."""
    p_holm: float = 1.0
    """p after Holm's correction for the pairs of the table."""

    @property
    def is_real(self) -> bool:
        """Whether the difference is significant after the correction."""
        return self.p_holm < LEVEL


def summarise(outcome: Outcome) -> dict[str, Any]:
    """Every score by average: mean and standard deviation over folds, and a 95 % bootstrap interval over images.

    Returns:
        `average -> score -> {mean, std, folds, low, high}`; None if undefined.
    """
    folds = [
        {
            "paper": without_nan(averages.paper(one.counts)),
            "pooled": without_nan(averages.pooled(one.counts)),
            "per_image": without_nan(averages.per_image(one.counts)),
        }
        for one in outcome.scored
    ]
    if not folds:
        return {}
    ends = intervals(outcome.counts, Bootstrap())
    return {
        average: {
            name: {key: spread[key] for key in ("mean", "std", "folds")} | _ends(ends[average][name])
            for name, spread in scores.items()
        }
        for average, scores in over_folds(folds).items()
    }


def compare_all(outcomes: Sequence[Outcome]) -> list[Pair]:
    """Every pair of experiments with common images, corrected together."""
    return _corrected(compare(first, second) for first, second in combinations(outcomes, 2))


def compare_with_first(outcomes: Sequence[Outcome]) -> list[Pair]:
    """Each experiment compared with the first, if they have common images, corrected together."""
    return _corrected(compare(outcomes[0], other) for other in outcomes[1:])


def _corrected(pairs: Iterable[Pair | None]) -> list[Pair]:
    known = [pair for pair in pairs if pair is not None]
    corrected = holm([pair.p for pair in known])
    return [Pair(**{**vars(pair), "p_holm": p}) for pair, p in zip(known, corrected, strict=True)]


def compare(first: Outcome, second: Outcome) -> Pair | None:
    """Compares two experiments on their common images; None if there are none."""
    left, right = iou_by_image(first), iou_by_image(second)
    shared = [name for name in left if name in right]
    if not shared:
        return None
    differences = np.array([right[name] - left[name] for name in shared])
    low, high = _bootstrap(differences)
    return Pair(
        first=first.experiment.title,
        second=second.experiment.title,
        difference=float(differences.mean()),
        low=low,
        high=high,
        p=signed_rank_p(differences),
        images=len(shared),
    )


def iou_by_image(outcome: Outcome) -> dict[str, float]:
    """Foreground IoU of each scored image.

    It is 1 for an empty image left empty, which is 0/0 and excluded from the paper's averages: if excluded here too,
    only models that marked something there would be compared on it.
    """
    if not outcome.scored:
        return {}
    return dict(zip(outcome.names, np.nan_to_num(set_scores(outcome.counts)["iou"], nan=1.0).tolist(), strict=True))


def without_foreground(outcome: Outcome) -> dict[str, Any] | None:
    """Results on images without foreground, and the mean IoU of the others.

    Returns:
        `images`, `marked` (images with a detection), and `miou_others`; None if all have foreground.
    """
    if not outcome.scored:
        return None
    counts = outcome.counts
    is_empty = (counts.tp + counts.fn)[:, 1:].sum(axis=1) == 0
    if not is_empty.any():
        return None
    ious = set_scores(counts)["iou"]
    return {
        "images": int(is_empty.sum()),
        "marked": int((counts.fp[is_empty, 1:].sum(axis=1) > 0).sum()),
        "miou_others": None if is_empty.all() else float(ious[~is_empty].mean()),
    }


def signed_rank_p(differences: NDArray[np.float64]) -> float:
    """Wilcoxon's two-sided p; images without difference are excluded, and without others it is 1."""
    uneven = differences[differences != 0]
    return float(wilcoxon(uneven).pvalue) if len(uneven) else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction: the smallest p times their number, the next times one less, non-decreasing, at most 1."""
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def _bootstrap(differences: NDArray[np.float64]) -> tuple[float, float]:
    settings = Bootstrap()
    means = draw_times(len(differences), settings) @ differences / len(differences)
    low, high = np.quantile(means, ((1 - settings.level) / 2, (1 + settings.level) / 2))
    return float(low), float(high)


def _ends(interval: tuple[float, float] | None) -> dict[str, float | None]:
    return {"low": interval[0], "high": interval[1]} if interval else {"low": None, "high": None}


Pairs = Sequence[Mapping[str, Any]]


def findings(section: Mapping[str, Any]) -> list[str]:
    """One sentence on significant differences, and one on those that the paper reports."""
    pairs = section["pairs"]
    return [*_real(pairs), *_agreement(pairs, printed_differences(section))] if pairs else []


def printed_differences(section: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """The paper's difference of mIoU for each pair of rows with values for both."""
    printed = {row["title"]: row["paper"]["miou"] for row in section["rows"] if row["paper"]}
    return {
        (pair["first"], pair["second"]): printed[pair["second"]] - printed[pair["first"]]
        for pair in section["pairs"]
        if pair["first"] in printed and pair["second"] in printed
    }


def _real(pairs: Pairs) -> list[str]:
    real = [pair for pair in pairs if pair["is_real"]]
    if not real:
        return [f"Real differences: none of {len(pairs)} (p below 0.05 after Holm's correction)."]
    named = "; ".join(f"{pair['second']} less {pair['first']} {pair['difference']:+.4f}" for pair in real)
    return [f"Real differences (p below 0.05 after Holm's correction): {len(real)} of {len(pairs)}: {named}."]


def _agreement(pairs: Pairs, printed: Mapping[tuple[str, str], float]) -> list[str]:
    if not printed:
        return []
    shared = [pair for pair in pairs if (pair["first"], pair["second"]) in printed]
    same = [pair for pair in shared if printed[pair["first"], pair["second"]] * pair["difference"] > 0]
    real = [pair for pair in shared if pair["is_real"]]
    real_same = [pair for pair in real if pair in same]
    of_real = f", and {len(real_same)} of the {len(real)} real ones" if real else ""
    return [f"Of the {len(shared)} differences of mIoU in the paper, {len(same)} have the same sign here{of_real}."]


def make_scores(
    stage: ReportContext, compared: Callable[[Sequence[Outcome]], Sequence[Pair]] = compare_all
) -> dict[str, Any]:
    """Score rows, and pairs of rows with their tests, as plain data."""
    return {
        "kind": "scores",
        **stage.facts(),
        "rows": [_row(outcome, stage) for outcome in stage.outcomes],
        "pairs": [asdict(pair) | {"is_real": pair.is_real} for pair in compared(stage.outcomes)],
    }


def _row(outcome: Outcome, stage: ReportContext) -> dict[str, Any]:
    experiment = outcome.experiment
    return {
        "title": experiment.title,
        "model": experiment.model,
        "settings": dict(experiment.settings),
        "paper": asdict(experiment.paper) if experiment.paper else None,
        "scores": summarise(outcome),
        "empty": without_foreground(outcome),
        "folds": len(outcome.jobs),
        "runs": [_run(one, stage) for one in outcome.scored],
        "gaps": dict(outcome.gaps),
    }


def _run(one: Scored, stage: ReportContext) -> dict[str, Any]:
    about = one.about
    return {
        "title": one.job.title,
        "folder": one.job.folder.relative_to(stage.out.resolve()).as_posix(),
        "seed": one.job.config.seed,
        "epochs": about["epochs"],
        "scored": f"{about['epoch']} epoch on {about['part']}",
        "images": len(one.names),
        "trained_s": about["trained_s"],
        "commit": about["origin"]["commit"],
        "machine": about["origin"]["machine"],
    }
