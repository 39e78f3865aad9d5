"""Axes of a picture: round numbers for ticks, and units that keep them short."""

import math
from dataclasses import dataclass

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """Where an axis has ticks, and what is written at them."""

    values: tuple[float, ...]
    """In the axis' unit without prefix, such as hertz."""
    labels: tuple[str, ...]
    """In the prefixed unit."""
    unit: str
    """The prefixed unit, such as MHz."""


def make_ticks(low: float, high: float, unit: str, *, number: int = 6) -> Ticks:
    """About `number` ticks at round numbers (1, 2 or 5 times a power of ten apart) from `low` to `high`."""
    step = _round_step((high - low) / max(1, number))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = tuple(index * step for index in range(first, last + 1))
    factor, prefix = _prefix(max(abs(low), abs(high)), unit)
    decimals = max(0, math.ceil(-math.log10(step / factor) - 1e-9))
    return Ticks(
        values=values, labels=tuple(f"{value / factor:.{decimals}f}" for value in values), unit=f"{prefix}{unit}"
    )


def with_unit(value: float, unit: str) -> str:
    """A number with four digits and a prefix that suits it: `2.4 MHz`."""
    factor, prefix = _prefix(abs(value), unit)
    return f"{value / factor:.4g} {prefix}{unit}"


def _round_step(raw: float) -> float:
    raw = max(raw, 1e-30)
    power = 10.0 ** math.floor(math.log10(raw))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= raw * (1 - 1e-9)), 10 * power)


def _prefix(size: float, unit: str) -> tuple[float, str]:
    """The largest prefix that leaves a number of at least 1; no one speaks of millihertz."""
    fitting = [(factor, prefix) for factor, prefix in _PREFIXES if size >= 0.999 * factor]
    return fitting[0] if fitting and (unit == "s" or fitting[0][0] > 1) else (1.0, "")
