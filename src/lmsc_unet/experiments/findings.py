"""In words: which of the paper's differences are found here, and which differences are real."""

from collections.abc import Mapping, Sequence
from typing import Any


def findings(section: Mapping[str, Any]) -> list[str]:
    """One sentence for each pair that the paper prints both scores of, and one that counts the real differences."""
    printed = {row["title"]: row["paper"]["miou"] for row in section["rows"] if row["paper"]}
    pairs = [pair for pair in section["pairs"] if pair["first"] in printed and pair["second"] in printed]
    return [*_real(section["pairs"]), *(_sentence(pair, printed) for pair in pairs)]


def _real(pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    if not pairs:
        return []
    real = [pair for pair in pairs if pair["is_real"]]
    if not real:
        return [f"Of the {len(pairs)} pairs none differs by more than chance (p below 0.05 after Holm's correction)."]
    named = "; ".join(f"{pair['second']} less {pair['first']} {pair['difference']:+.4f}" for pair in real)
    return [f"Of the {len(pairs)} pairs {len(real)} differ by more than chance (p below 0.05 after Holm): {named}."]


def _sentence(pair: Mapping[str, Any], printed: Mapping[str, float]) -> str:
    theirs = printed[pair["second"]] - printed[pair["first"]]
    agrees = (theirs > 0) == (pair["difference"] > 0)
    verdict = "real" if pair["is_real"] else "not to be told from chance"
    return (
        f"{pair['second']} less {pair['first']}: {theirs:+.4f} mIoU in the paper, {pair['difference']:+.4f} "
        f"({pair['low']:+.4f} to {pair['high']:+.4f}) here, {'the same' if agrees else 'the other'} way and {verdict}."
    )
