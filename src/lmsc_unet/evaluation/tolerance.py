"""How far an exported network may be from the original before its file is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from lmsc_unet.evaluation.parity import Difference, Parity, rounding, scores
from lmsc_unet.inference.metadata import Precision


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """The limits of one precision."""

    is_exact: bool
    """Whether logits may differ by rounding alone, and classes at ties alone."""
    same_class_share: float
    """At least so many pixels keep their class."""
    agreement: float
    """The IoU of the two networks' foregrounds is at least so much: a rare class that is lost shows here."""
    lost_iou: float
    """The mean IoU (foreground, mean over images) may be so much less."""


Kind = Literal[Precision, "bfloat16"]
"""A file's precision; or bfloat16, which is a way to run a float32 file."""
TOLERANCES: Mapping[Kind, Tolerance] = MappingProxyType(
    {
        "float32": Tolerance(is_exact=True, same_class_share=0.9999, agreement=0.0, lost_iou=0.0005),
        "bfloat16": Tolerance(is_exact=False, same_class_share=0.999, agreement=0.98, lost_iou=0.002),
        "int8": Tolerance(is_exact=False, same_class_share=0.99, agreement=0.9, lost_iou=0.005),
    }
)


def failures(parity: Parity, precision: Kind) -> list[str]:
    """What lies beyond the tolerance, each with what was found and what is allowed; nothing where all is well."""
    return list(_failures(parity, TOLERANCES[precision]))


def as_limits(precision: Kind, parity: Parity) -> dict[str, float]:
    """The limits that a comparison was held to, as plain data."""
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
    """By how much the mean IoU is less; None where the images hold no foreground at all."""
    before, after = scores(parity.original)["miou"], scores(parity.exported)["miou"]
    if before is None:
        return None
    return before - (after or 0.0)
