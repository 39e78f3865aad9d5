"""Which values of an image become 0 and 1: one function for each scaling that a spec can name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from lmsc_unet.inference.intensity_stats import IntensityStats

PERCENTILES = (1.0, 99.0)
"""The percentiles that `percentile` takes to 0 and 1."""
LARGEST_GAIN = 2.0
"""How much `balanced` may brighten a channel."""
LEAST_LIGHT = 1 / 8
"""A channel with less than this share of the brightest's light holds nothing, to `balanced`."""
DEPTHS = {"uint8": 255.0, "uint16": 65535.0, "bool": 1.0}
"""What `range` divides by; other kinds of number have no range of their own (see `range_limits`)."""


@dataclass(frozen=True, kw_only=True)
class IntensityWindow:
    """The values of an image that become 0 and 1; one for all channels, or one for each."""

    low: tuple[float, ...]
    """The value that becomes 0."""
    high: tuple[float, ...]
    """The value that becomes 1."""
    gains: tuple[float, ...] = (1.0,)
    """What values are multiplied by before; one, or one for each channel. 0: the channel takes the others' mean."""
    medians: tuple[float, ...] = ()
    """Of each channel, where pixels are missing: what stands in for them."""


def range_limits(gather: Callable[[], IntensityStats], dtype: np.dtype[Any]) -> IntensityWindow:
    """By depth: 8 bit by 255, 16 bit by 65535; floats as they are if within 0..1, otherwise from least to largest.

    Integers of other kinds (signed, 32 bit) are treated as floats: from least to largest.
    """
    if dtype.name in DEPTHS:
        return IntensityWindow(low=(0.0,), high=(DEPTHS[dtype.name],))
    levels = gather()
    low, high = levels.extremes()
    if dtype.kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    return _with_medians(IntensityWindow(low=(low,), high=(high,)), levels)


def percentile_limits(gather: Callable[[], IntensityStats], _dtype: np.dtype[Any]) -> IntensityWindow:
    """By the 1st and 99th percentile of all channels together, so that colours keep their balance."""
    levels = gather()
    low, high = _spread(levels)
    return _with_medians(IntensityWindow(low=(low,), high=(high,)), levels)


def channel_limits(gather: Callable[[], IntensityStats], _dtype: np.dtype[Any]) -> IntensityWindow:
    """By the 1st and 99th percentile of each channel by itself: a weak marker counts as much as a strong one."""
    levels = gather()
    lows, highs = zip(*(_spread(channel) for channel in levels.each()), strict=True)
    return _with_medians(IntensityWindow(low=lows, high=highs), levels)


def balanced_limits(gather: Callable[[], IntensityStats], dtype: np.dtype[Any]) -> IntensityWindow:
    """As `percentile`, after a white balance: every channel's own 99th percentile is made that of the brightest.

    A stain looks different under another lamp or scanner and on a thicker section, and much of that is a gain of
    each channel; none is above `LARGEST_GAIN`. A dye of one colour, as DAPI in blue, leaves channels that hold noise
    alone: with less than `LEAST_LIGHT` of the brightest's, a channel takes the mean of the others.
    """
    levels = gather()
    whites = levels.by_channel(PERCENTILES[1])
    brightest = max(whites)
    if brightest <= 0 or len(set(whites)) == 1:
        return percentile_limits(lambda: levels, dtype)
    gains = tuple(min(brightest / white, LARGEST_GAIN) if white >= brightest * LEAST_LIGHT else 0.0 for white in whites)
    low, high = levels.percentiles(PERCENTILES, gains)
    if high - low <= 1e-6 * abs(high):  # nothing but rounding
        return percentile_limits(lambda: levels, dtype)
    return _with_medians(IntensityWindow(low=(low,), high=(high,), gains=gains), levels)


LIMITS: Mapping[str, Callable[[Callable[[], IntensityStats], np.dtype[Any]], IntensityWindow]] = MappingProxyType(
    {
        "range": range_limits,
        "percentile": percentile_limits,
        "per-channel": channel_limits,
        "balanced": balanced_limits,
    }
)
"""A spec's scaling -> the function that finds its limits, given what gathers the levels, and the stored depth."""


def _spread(levels: IntensityStats) -> tuple[float, float]:
    """The 1st and 99th percentile; where they are one value, it and those of all other values.

    So are a few specks on an even ground seen, and a hot pixel among them does not hide the others.
    """
    low, high = levels.percentiles(PERCENTILES)
    if low < high:
        return low, high
    least, largest = levels.beside(low, PERCENTILES)
    return min(low, least), max(high, largest)


def _with_medians(limits: IntensityWindow, levels: IntensityStats) -> IntensityWindow:
    return replace(limits, medians=levels.by_channel(50)) if levels.has_missing else limits
