"""Which of its media types an endpoint answers in, by the request's Accept header (RFC 9110, 12.5.1)."""

from collections.abc import Sequence

from lmsc_unet.apps.serve.problems import ProblemError


def choose_type(accept: str | None, offers: Sequence[str]) -> str:
    """The offered media type that a client likes best; among equals the first offered.

    Raises:
        ProblemError: it accepts none of them (406).
    """
    if accept is None or not accept.strip():
        return offers[0]
    ranges = [_parse_range(part) for part in accept.split(",")]
    best = max(offers, key=lambda offer: _liking(offer, ranges))
    if _liking(best, ranges) <= 0:
        raise ProblemError(
            406, f"Accept is {accept[:200]!r}; the answer can be {', '.join(offers)}. Accept one of these."
        )
    return best


def _parse_range(text: str) -> tuple[str, float]:
    """A media range without parameters, and its quality; one that cannot be read is not wanted."""
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = next((part[2:].strip() for part in parameters if part.startswith("q=")), "1")
    try:
        value = float(quality)
    except ValueError:
        value = 0.0
    return name, value if 0 <= value <= 1 else 0.0


def _liking(offer: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The quality of the most specific range that matches."""
    for pattern in (offer, offer.partition("/")[0] + "/*", "*/*"):
        found = [quality for name, quality in ranges if name == pattern]
        if found:
            return max(found)
    return 0.0
