"""From an image of any depth to a network's input: matches channels, scales intensities, normalizes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError
from lmsc_unet.imageio import RowSource, as_source
from lmsc_unet.inference.intensity_stats import IntensityStats, gather_intensity
from lmsc_unet.inference.spec import ModelSpec

PERCENTILES = (1.0, 99.0)
"""The percentiles that `percentile` maps to 0 and 1."""
LARGEST_GAIN = 2.0
"""The largest gain of a channel under `balanced`."""
LEAST_LIGHT = 1 / 8
"""Under `balanced`, a channel with less than this share of the brightest channel's intensity counts as empty."""
DEPTHS = {"uint8": 255.0, "uint16": 65535.0, "bool": 1.0}
"""Divisors under `range`; other types have no fixed range (see `range_limits`)."""


@dataclass(frozen=True, kw_only=True)
class IntensityWindow:
    """The values of an image that become 0 and 1: one for all channels, or one per channel."""

    low: tuple[float, ...]
    """The value that becomes 0."""
    high: tuple[float, ...]
    """The value that becomes 1."""
    gains: tuple[float, ...] = (1.0,)
    """Factors applied first: one, or one per channel. With 0, a channel becomes the mean of the others."""
    medians: tuple[float, ...] = ()
    """Per channel: the value that replaces missing pixels."""


def range_limits(gather: Callable[[], IntensityStats], dtype: np.dtype[Any]) -> IntensityWindow:
    """By depth: 8 bit by 255, 16 bit by 65535; floats unchanged if within 0..1, otherwise minimum to maximum.

    Other integers (signed, 32 bit) are treated like floats.
    """
    if dtype.name in DEPTHS:
        return IntensityWindow(low=(0.0,), high=(DEPTHS[dtype.name],))
    levels = gather()
    low, high = levels.extremes()
    if dtype.kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    return _with_medians(IntensityWindow(low=(low,), high=(high,)), levels)


def percentile_limits(gather: Callable[[], IntensityStats], _dtype: np.dtype[Any]) -> IntensityWindow:
    """By the 1st and 99th percentile of all channels together, which keeps the colour balance."""
    levels = gather()
    low, high = _spread(levels)
    return _with_medians(IntensityWindow(low=(low,), high=(high,)), levels)


def channel_limits(gather: Callable[[], IntensityStats], _dtype: np.dtype[Any]) -> IntensityWindow:
    """By each channel's own 1st and 99th percentile: a weak marker counts as much as a strong one."""
    levels = gather()
    lows, highs = zip(*(_spread(channel) for channel in levels.each()), strict=True)
    return _with_medians(IntensityWindow(low=lows, high=highs), levels)


def balanced_limits(gather: Callable[[], IntensityStats], dtype: np.dtype[Any]) -> IntensityWindow:
    """Like `percentile` after a white balance that equalizes the channels' 99th percentiles to the brightest.

    Lamps, scanners and section thickness change a stain mostly by a gain per channel; no gain exceeds `LARGEST_GAIN`.
    A dye of one colour, such as DAPI in blue, leaves channels with noise only: below `LEAST_LIGHT` of the brightest, a
    channel is replaced by the mean of the others.
    """
    levels = gather()
    whites = levels.by_channel(PERCENTILES[1])
    brightest = max(whites)
    if brightest <= 0 or len(set(whites)) == 1:
        return percentile_limits(lambda: levels, dtype)
    gains = tuple(min(brightest / white, LARGEST_GAIN) if white >= brightest * LEAST_LIGHT else 0.0 for white in whites)
    low, high = levels.percentiles(PERCENTILES, gains)
    if high - low <= 1e-6 * abs(high):  # only rounding errors
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
"""A spec's scaling -> the function that finds its window, from a statistics callback and the stored depth."""


def _spread(levels: IntensityStats) -> tuple[float, float]:
    """The 1st and 99th percentile; if they are equal, that value and the percentiles of all other values.

    So a few specks on a uniform background stay visible, and a hot pixel among them does not hide them.
    """
    low, high = levels.percentiles(PERCENTILES)
    if low < high:
        return low, high
    least, largest = levels.beside(low, PERCENTILES)
    return min(low, least), max(high, largest)


def _with_medians(limits: IntensityWindow, levels: IntensityStats) -> IntensityWindow:
    return replace(limits, medians=levels.by_channel(50)) if levels.has_missing else limits


LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""
OVERSHOOT = 1.0
"""Values are clipped this far beyond 0..1: bright nuclei below 1 % of the area keep contrast, hot pixels are capped."""
Image = NDArray[Any]


def find_limits(image: Image, spec: ModelSpec) -> IntensityWindow:
    """The intensity window of a whole image "H W C" by the spec's scaling.

    Raises:
        DataError: the channels do not fit the model, or a value is infinite.
    """
    check_finite(image)
    return limits_of(as_source(image), spec)


def limits_of(source: RowSource, spec: ModelSpec) -> IntensityWindow:
    """The intensity window of an image read by rows, by the spec's scaling; reads it once or not at all.

    Raises:
        DataError: the channels do not fit the model, or the file is damaged.
    """
    match_channels(np.empty((0, 1, source.channels), source.dtype), spec)

    def gather() -> IntensityStats:
        is_luma = spec.input_channels < source.channels
        blocks = (match_channels(block, spec) if is_luma else block for block in source.blocks())
        return gather_intensity(blocks, source.height_px, source.width_px)

    return LIMITS[spec.scaling](gather, source.dtype)


def normalize(image: Image, limits: IntensityWindow, spec: ModelSpec) -> NDArray[np.float32]:
    """Normalizes an image or a part of it, "H W C" to "C H W": (scaled - mean) / std.

    Missing pixels (NaN) are replaced by the channel's median.

    Raises:
        DataError: the channels do not fit the model.
    """
    pixels = np.ascontiguousarray(match_channels(image, spec).transpose(2, 0, 1)).astype(np.float32)
    if limits.medians:
        np.copyto(pixels, _by_channel(limits.medians), where=np.isnan(pixels).any(axis=0))
    if set(limits.gains) != {1.0}:
        pixels *= _by_channel(limits.gains)
        is_dark = np.array(limits.gains) == 0
        if is_dark.any():
            pixels[is_dark] = pixels[~is_dark].mean(axis=0)
    pixels -= _by_channel(limits.low)
    pixels *= _by_channel(tuple(1 / ((high - low) or 1.0) for low, high in zip(limits.low, limits.high, strict=True)))
    np.clip(pixels, -OVERSHOOT, 1 + OVERSHOOT, out=pixels)
    pixels -= _by_channel(spec.mean)
    pixels *= 1 / _by_channel(spec.std)
    return pixels


def _by_channel(values: tuple[float, ...]) -> NDArray[np.float32]:
    """One value, or one per channel, shaped for pixels "C H W"."""
    return np.array(values, dtype=np.float32)[:, np.newaxis, np.newaxis]


def match_channels(image: Image, spec: ModelSpec) -> Image:
    """Repeats grey for a model of three channels, converts colour to luma for a model of one.

    Raises:
        DataError: the channels do not fit; the message names the training's channels.
    """
    found, needed = image.shape[2], spec.input_channels
    if found == needed:
        return image
    if (found, needed) == (1, 3):
        return np.repeat(image, 3, axis=2)
    if (found, needed) == (3, 1):
        return np.asarray(image.astype(np.float32) @ LUMA)[:, :, np.newaxis]
    raise DataError(
        f"The image has {_channels(found)}, but {spec.name} was trained on images with {_channels(needed)}. "
        f"Give it such images, or train a model on images with {_channels(found)}."
        + (" What a TIFF calls alpha counts where it is more than transparency." if found in (2, 4) else "")
    )


def check_finite(image: Image) -> None:
    """Rejects infinity, which would spread over the receptive field. NaN marks a missing pixel.

    Raises:
        DataError: values are infinite; the message gives their number and the first position.
    """
    if image.dtype.kind != "f" or not np.isinf(image).any():
        return
    rows, columns, _ = np.nonzero(np.isinf(image))
    raise DataError(
        f"{rows.size} values of the image are infinite, the first at row {rows[0]}, column {columns[0]}. "
        "Replace them by numbers, or by NaN where nothing is known."
    )


def _channels(number: int) -> str:
    return "1 channel" if number == 1 else f"{number} channels"
