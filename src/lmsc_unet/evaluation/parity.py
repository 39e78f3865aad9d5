"""The difference between an exported network and the original in logits, classes and scores, and its tolerance.

Both run on the same images; a file beyond the tolerance is rejected.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.evaluation.segmentation import compare
from lmsc_unet.inference.metadata import Precision
from lmsc_unet.inference.outputs import Network
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.metrics import averages
from lmsc_unet.metrics.counts import Counts, count_pixels, stack

Logits = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The difference of two sets of logits; differences add."""

    num_logits: int = 0
    """Logits compared."""
    num_pixels: int = 0
    """Pixels compared."""
    num_flipped: int = 0
    """Pixels with different classes."""
    num_flipped_clearly: int = 0
    """Those that are not ties: the original's logits differ by more than rounding."""
    num_foreground: int = 0
    """Pixels that at least one network marks as foreground."""
    num_foreground_agreed: int = 0
    """Pixels that both assign to the same foreground class."""
    largest: float = 0.0
    """The largest difference of logits."""
    summed: float = 0.0
    """The sum of absolute differences."""
    largest_logit: float = 0.0
    """The largest absolute logit of the original."""

    def __add__(self, other: "Difference") -> "Difference":
        return Difference(
            num_logits=self.num_logits + other.num_logits,
            num_pixels=self.num_pixels + other.num_pixels,
            num_flipped=self.num_flipped + other.num_flipped,
            num_flipped_clearly=self.num_flipped_clearly + other.num_flipped_clearly,
            num_foreground=self.num_foreground + other.num_foreground,
            num_foreground_agreed=self.num_foreground_agreed + other.num_foreground_agreed,
            largest=max(self.largest, other.largest),
            summed=self.summed + other.summed,
            largest_logit=max(self.largest_logit, other.largest_logit),
        )

    @property
    def mean(self) -> float:
        """The mean absolute difference of logits."""
        return self.summed / max(self.num_logits, 1)

    @property
    def agreement(self) -> float | None:
        """The IoU of the two predicted foregrounds; None if both are empty."""
        return self.num_foreground_agreed / self.num_foreground if self.num_foreground else None

    @property
    def flipped_share(self) -> float:
        """The share of pixels with different classes."""
        return self.num_flipped / max(self.num_pixels, 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Parity:
    """The result of a comparison on images with masks."""

    difference: Difference
    """The difference of logits."""
    original: Counts
    """Counts of the original per image, "N K"."""
    exported: Counts
    """Counts of the exported network."""


def rounding(largest_logit: float) -> float:
    """The difference that float32 summation order can cause: 1e-5, or 5e-6 of the largest logit if that is more.

    PyTorch and ONNX Runtime each differ by up to 1.4e-6 of the largest logit from the float64 result.
    """
    return max(1e-5, 5e-6 * largest_logit)


def compare_logits(original: Logits, exported: Logits, spec: ModelSpec) -> Difference:
    """Compares logits "B L H W"."""
    apart = np.abs(original.astype(np.float64) - exported)
    largest_logit = float(np.abs(original).max())
    before, after = _classes(original, spec), _classes(exported, spec)
    is_flipped = before != after
    is_clear = _distance(original, spec) > 2 * rounding(largest_logit)
    return Difference(
        num_logits=apart.size,
        num_pixels=is_flipped.size,
        num_flipped=int(is_flipped.sum()),
        num_flipped_clearly=int((is_flipped & is_clear).sum()),
        num_foreground=int(((before > 0) | (after > 0)).sum()),
        num_foreground_agreed=int(((before > 0) & ~is_flipped).sum()),
        largest=float(apart.max()),
        summed=float(apart.sum()),
        largest_logit=largest_logit,
    )


def compare_networks(
    original: Network,
    exported: Network,
    spec: ModelSpec,
    samples: Sequence[Sample],
    label_map: LabelMap,
    *,
    advance: Callable[[], None] | None = None,
) -> Parity:
    """Predicts each image by both networks, exactly as prediction does, including tiles.

    Raises:
        DataError: a file cannot be used, or does not fit the model; names it.
    """
    first, second = Listening(original), Listening(exported)
    predictors = Predictor(first, spec, batch=1), Predictor(second, spec, batch=1)
    difference = Difference()
    counts: tuple[list[Counts], list[Counts]] = ([], [])
    for sample in samples:
        for predictor, of_one in zip(predictors, counts, strict=True):
            pair = compare(predictor, sample, label_map)
            of_one.append(count_pixels(pair.prediction, pair.truth, label_map.num_classes))
        for a, b in zip(first.take(), second.take(), strict=True):
            difference += compare_logits(a, b, spec)
        if advance is not None:
            advance()
    return Parity(difference=difference, original=stack(counts[0]), exported=stack(counts[1]))


def mean_difference(original: Network, exported: Network, pixels: Sequence[NDArray[np.float32]]) -> float:
    """The mean absolute difference of logits on preprocessed pixels "1 C h w"."""
    return float(np.mean([np.abs(exported(one) - original(one)).mean() for one in pixels]))


class Listening:
    """A network that records its logits."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._heard: list[Logits] = []

    def __call__(self, pixels: NDArray[np.float32]) -> Logits:
        """Runs the network and records its logits."""
        logits = self._network(pixels)
        self._heard.append(logits)
        return logits

    def take(self) -> list[Logits]:
        """Returns and clears the recorded logits."""
        heard, self._heard = self._heard, []
        return heard


def scores(counts: Counts) -> dict[str, float | None]:
    """The paper's scores and the mean IoU over all classes, pooled; None if a score is 0/0."""
    shares = averages.paper(counts) | {"iou_all_classes_pooled": averages.pooled(counts)["iou_all_classes"]}
    return {name: None if math.isnan(share) else share for name, share in shares.items()}


def as_report(parity: Parity) -> dict[str, Any]:
    """The comparison as plain data."""
    difference = parity.difference
    return {
        "images": int(parity.original.tp.shape[0]),
        "pixels": difference.num_pixels,
        "largest_logit": difference.largest_logit,
        "largest_difference": difference.largest,
        "mean_difference": difference.mean,
        "other_class_share": difference.flipped_share,
        "other_class_beyond_ties_share": difference.num_flipped_clearly / max(difference.num_pixels, 1),
        "foreground_agreement": difference.agreement,
        "scores_original": scores(parity.original),
        "scores_exported": scores(parity.exported),
    }


def _classes(logits: Logits, spec: ModelSpec) -> NDArray[np.intp]:
    return logits.argmax(axis=1) if spec.num_logits > 1 else (logits[:, 0] >= _cut(spec)).astype(np.intp)


def _distance(logits: Logits, spec: ModelSpec) -> NDArray[np.float32]:
    """How much each pixel's logits must change to change its class."""
    if spec.num_logits == 1:
        return np.asarray(np.abs(logits[:, 0] - _cut(spec)), dtype=np.float32)
    two = np.partition(logits, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0], dtype=np.float32)


def _cut(spec: ModelSpec) -> float:
    """The logit at the threshold."""
    return math.log(spec.threshold / (1 - spec.threshold))


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """The limits of one precision."""

    is_exact: bool
    """Whether logits may differ only by rounding, and classes only at ties."""
    same_class_share: float
    """The least share of pixels that keep their class."""
    agreement: float
    """The least IoU of both foregrounds, which reveals the loss of a rare class."""
    lost_iou: float
    """The largest decrease of the mean IoU (foreground, mean over images)."""


Kind = Literal[Precision, "bfloat16"]
"""A file's precision; or bfloat16, a way to run a float32 file."""
TOLERANCES: Mapping[Kind, Tolerance] = MappingProxyType(
    {
        "float32": Tolerance(is_exact=True, same_class_share=0.9999, agreement=0.0, lost_iou=0.0005),
        "bfloat16": Tolerance(is_exact=False, same_class_share=0.999, agreement=0.98, lost_iou=0.002),
        "int8": Tolerance(is_exact=False, same_class_share=0.99, agreement=0.9, lost_iou=0.005),
    }
)


def failures(parity: Parity, precision: Kind) -> list[str]:
    """What exceeds the tolerance, each with the value found and the limit; empty if nothing does."""
    return list(_failures(parity, TOLERANCES[precision]))


def as_limits(precision: Kind, parity: Parity) -> dict[str, float]:
    """The limits of a comparison as plain data."""
    tolerance = TOLERANCES[precision]
    limits = {"same_class_share": tolerance.same_class_share, "lost_iou": tolerance.lost_iou}
    if tolerance.is_exact:
        return {"largest_difference": rounding(parity.difference.largest_logit), **limits}
    return {"foreground_agreement": tolerance.agreement, **limits}


def _failures(parity: Parity, tolerance: Tolerance) -> Iterator[str]:
    difference = parity.difference
    allowed = rounding(difference.largest_logit)
    if not difference.largest < float("inf"):
        yield "a logit is not finite"
    if tolerance.is_exact and difference.largest > allowed:
        yield f"logits differ by up to {difference.largest:.2g} (allowed: {allowed:.2g})"
    if tolerance.is_exact and difference.num_flipped_clearly:
        yield f"{difference.num_flipped_clearly} pixels change their class without a tie (allowed: none)"
    if difference.flipped_share > 1 - tolerance.same_class_share:
        found, limit = 100 * difference.flipped_share, 100 * (1 - tolerance.same_class_share)
        yield f"{found:.2f} % of the pixels change their class (allowed: {limit:.2g} %)"
    yield from _lost_foreground(difference, tolerance)
    lost = lost_iou(parity)
    if lost is not None and lost > tolerance.lost_iou:
        yield f"the mean IoU falls by {100 * lost:.2f} points (allowed: {100 * tolerance.lost_iou:.2g})"


def _lost_foreground(difference: Difference, tolerance: Tolerance) -> Iterator[str]:
    if tolerance.is_exact:
        return
    if difference.agreement is None:
        yield "neither network finds any foreground on these images, so they prove nothing; name others by --data"
    elif difference.agreement < tolerance.agreement:
        yield (
            f"the foregrounds agree to an IoU of {difference.agreement:.3f} only (allowed: {tolerance.agreement:.2g})"
        )


def lost_iou(parity: Parity) -> float | None:
    """The decrease of the mean IoU; None if the images have no foreground."""
    before, after = scores(parity.original)["miou"], scores(parity.exported)["miou"]
    if before is None:
        return None
    return before - (after or 0.0)
