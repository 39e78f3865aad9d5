"""From an image of any depth to a network's input: channels matched, values scaled, then standardised.

Training, evaluation and prediction all pass through `preprocess`, or through its three steps where an image is
cut up in between: the limits are the whole image's, never those of a crop or tile. An image in memory and one that
is read by rows find theirs by the same function.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError
from lmsc_unet.imageio import RowSource, as_source
from lmsc_unet.inference.intensity import LIMITS, IntensityWindow
from lmsc_unet.inference.intensity_stats import IntensityStats, gather_intensity
from lmsc_unet.inference.spec import ModelSpec

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""
OVERSHOOT = 1.0
"""How far beyond 0..1 a value may lie: bright nuclei that fill under 1 % keep their contrast, a hot pixel is capped."""
Image = NDArray[Any]


def preprocess(image: Image, spec: ModelSpec) -> NDArray[np.float32]:
    """Turns an image "H W C" of any depth into a network's input "C H W".

    Raises:
        DataError: the channels do not fit the model, or a value is infinite.
    """
    return normalize(image, find_limits(image, spec), spec)


def find_limits(image: Image, spec: ModelSpec) -> IntensityWindow:
    """The limits of a whole image "H W C" by the spec's scaling.

    Raises:
        DataError: the channels do not fit the model, or a value is infinite.
    """
    check_finite(image)
    return limits_of(as_source(image), spec)


def limits_of(source: RowSource, spec: ModelSpec) -> IntensityWindow:
    """The limits of an image that comes in rows by the spec's scaling; reads it once, or not at all.

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
    """Scales an image or a piece of one, "H W C" to "C H W": (scaled - mean) / std.

    A missing pixel, NaN, is as the median of each channel: to a network, it is like much of the image.

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
    """One value, or one for each channel, beside pixels "C H W"."""
    return np.array(values, dtype=np.float32)[:, np.newaxis, np.newaxis]


def match_channels(image: Image, spec: ModelSpec) -> Image:
    """Grey is repeated for a model of three channels, colour becomes luma for a model of one.

    Raises:
        DataError: the image's channels fit in no way; says what the model was trained on.
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
    """Refuses infinity, which would spread over all that a network sees of it. NaN marks a pixel as missing.

    Raises:
        DataError: a value is infinite; says how many and where the first is.
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
