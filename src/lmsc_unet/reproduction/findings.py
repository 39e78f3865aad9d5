"""In words: which differences are real, and whether they are those that the paper found."""

from collections.abc import Mapping, Sequence
from typing import Any

Pairs = Sequence[Mapping[str, Any]]


def findings(section: Mapping[str, Any]) -> list[str]:
    """One sentence on the real differences, and one on those that the paper prints."""
    pairs = section["pairs"]
    return [*_real(pairs), *_agreement(pairs, printed_differences(section))] if pairs else []


def printed_differences(section: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """The paper's difference of mIoU for each pair of rows that it prints both of."""
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
