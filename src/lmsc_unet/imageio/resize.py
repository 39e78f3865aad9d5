"""Resizes images and masks.

Images are interpolated like OpenCV's `INTER_LINEAR`; for 8 bits the result differs from its fixed-point arithmetic by
at most one grey level.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.imageio.info import AnyArray

_BLOCK_VALUES = 1 << 17  # fits the second-level cache

Value = TypeVar("Value", bound=np.generic)
Taps = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """One side of an image, resized from `num_in` pixels to `num_out`."""

    num_in: int
    """Pixels before."""
    num_out: int
    """Pixels after."""

    def needed(self, start: int, stop: int) -> slice:
        """The input pixels that the output pixels `start` to `stop` depend on."""
        low, high, _ = self.taps(start, stop)
        return slice(int(low[0]), int(high[-1]) + 1)

    def taps(self, start: int, stop: int) -> Taps:
        """For each output pixel, its two input neighbours and the weight of the second."""
        at = (np.arange(start, stop) + 0.5) * (self.num_in / self.num_out) - 0.5  # centers lie at halves
        at = np.clip(at, 0, self.num_in - 1)
        low = np.floor(at).astype(np.intp)
        return low, np.minimum(low + 1, self.num_in - 1), (at - low).astype(np.float32)


def resize(image: AnyArray, height_px: int, width_px: int) -> AnyArray:
    """Resizes an image `H W C` by linear interpolation; type and channels stay.

    Linear for every factor, as in the paper: downscaling does not average.
    """
    if image.shape[:2] == (height_px, width_px):
        return image
    rows, columns = (
        Stretch(num_in=image.shape[0], num_out=height_px),
        Stretch(num_in=image.shape[1], num_out=width_px),
    )
    resized = np.empty((height_px, width_px, image.shape[2]), image.dtype)
    step = max(1, _BLOCK_VALUES // (image.shape[2] * max(width_px, image.shape[1])))
    for start in range(0, height_px, step):
        stop = min(start + step, height_px)
        resized[start:stop] = resize_rows(image[rows.needed(start, stop)], rows, columns, start, stop)
    return resized


def resize_rows(part: AnyArray, rows: Stretch, columns: Stretch, start: int, stop: int) -> AnyArray:
    """The rows `start` to `stop` of the result of `resize`, bit for bit, from a part of the image.

    Args:
        part: the image's rows `rows.needed(start, stop)`, "h W C".
        rows: the change of height.
        columns: the change of width.
        start: the first row.
        stop: one past the last row.
    """
    channels = part.shape[2]
    flat = part.reshape(len(part), -1)
    if rows.num_in == 2 * rows.num_out and columns.num_in == 2 * columns.num_out:
        return _halved(flat, channels).reshape(stop - start, -1, channels)
    low, high, share = rows.taps(start, stop)
    used, places = np.unique(np.concatenate([low, high]), return_inverse=True)
    places, num = places.reshape(-1), stop - start
    down = places[:num], places[num:], share[:, np.newaxis]
    mixed = _mix(flat[used - low[0]], _by_channel(columns.taps(0, columns.num_out), channels), down)
    return mixed.astype(part.dtype, copy=False).reshape(num, -1, channels)


def resize_mask(mask: NDArray[Value], height_px: int, width_px: int) -> NDArray[Value]:
    """Resizes a mask `H W` by the nearest pixel, so that no new values appear; ties take the second."""
    if mask.shape == (height_px, width_px):
        return mask
    rows, columns = (
        ((2 * np.arange(after) + 1) * before) // (2 * after)
        for before, after in zip(mask.shape, (height_px, width_px), strict=True)
    )
    resized: NDArray[Value] = np.take(mask[rows], columns, axis=1)
    return resized


def _by_channel(taps: Taps, channels: int) -> Taps:
    """Converts taps of pixels to taps of values with `channels` per pixel."""
    low, high, share = taps
    each = np.arange(channels)
    spread = [(index[:, np.newaxis] * channels + each).reshape(-1) for index in (low, high)]
    return spread[0], spread[1], np.repeat(share, channels)


def _halved(flat: AnyArray, channels: int) -> AnyArray:
    """Means of 2 x 2 pixels, which linear interpolation by one half amounts to; rounds like OpenCV."""
    wide = np.uint16 if flat.dtype == np.uint8 else np.float32
    pairs = np.add(flat[0::2], flat[1::2], dtype=wide)
    sums = np.empty((len(pairs), pairs.shape[1] // 2), wide)
    for channel in range(channels):
        first, second = pairs[:, channel :: 2 * channels], pairs[:, channels + channel :: 2 * channels]
        np.add(first, second, out=sums[:, channel::channels])
    if flat.dtype == np.uint8:
        return ((sums + np.uint16(2)) >> np.uint16(2)).astype(np.uint8)
    sums *= np.float32(0.25)
    return (np.rint(sums, out=sums) if flat.dtype.kind == "u" else sums).astype(flat.dtype, copy=False)


def _mix(flat: AnyArray, columns: Taps, rows: Taps) -> AnyArray:
    """Interpolates in float32; rounds for integers."""
    (left, right, right_share), (upper, lower, lower_share) = columns, rows
    across = np.take(flat, left, axis=1) * (1 - right_share)
    across += np.take(flat, right, axis=1) * right_share
    mixed = across[upper]
    mixed *= 1 - lower_share
    across = across[lower]
    across *= lower_share
    mixed += across
    return np.rint(mixed, out=mixed) if flat.dtype.kind == "u" else mixed
