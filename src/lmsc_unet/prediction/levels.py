"""The lowest, the highest and the percentiles of an image's values, from blocks of its rows: no block need be kept.

Values of 8 and 16 bits are counted, each of them and by channel, so that their percentiles are exact. Floats are
taken from a regular grid of about 512 x 512 px over the image, whose percentiles come close. An image in one block
and the same image in many give the same numbers.
"""

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SAMPLED_PIXELS = 512 * 512
"""Of floats, percentiles are taken from about so many pixels."""


class Levels(Protocol):
    """Takes in the blocks "h W C" of an image from top to bottom."""

    def add(self, block: NDArray[Any]) -> None:
        """Takes the next rows in."""

    def percentiles(self, shares: tuple[float, ...], gains: tuple[float, ...] = (1.0,)) -> tuple[float, ...]:
        """The values that so many percent of all values, times their channel's gain, do not exceed.

        Channels with a gain of 0 are left out.
        """

    def by_channel(self, share: float) -> tuple[float, ...]:
        """The value that so many percent of each channel's values do not exceed."""

    def extremes(self) -> tuple[float, float]:
        """The lowest and the highest value."""


class CountedLevels:
    """Counts every value of 8 or 16 bits."""

    def __init__(self, dtype: np.dtype[Any], channels: int) -> None:
        self._counts: NDArray[np.int64] = np.zeros((channels, 2 ** (8 * dtype.itemsize)), np.int64)

    def add(self, block: NDArray[Any]) -> None:
        """Takes the next rows in."""
        for counts, channel in zip(self._counts, np.moveaxis(block, 2, 0), strict=True):
            values = np.ascontiguousarray(channel)
            if values.dtype == np.uint8:
                counts += _count_bytes(values)
            else:
                counts += np.bincount(values.reshape(-1), minlength=len(counts))

    def percentiles(self, shares: tuple[float, ...], gains: tuple[float, ...] = (1.0,)) -> tuple[float, ...]:
        """The values that so many percent of all values, times their channel's gain, do not exceed."""
        levels = np.arange(self._counts.shape[1])
        if set(gains) == {1.0}:
            return _percentiles(levels, self._counts.sum(axis=0), shares)
        is_kept = np.array(gains) > 0
        values = np.multiply.outer(np.array(gains)[is_kept], levels).reshape(-1)
        order = np.argsort(values, kind="stable")
        return _percentiles(values[order], self._counts[is_kept].reshape(-1)[order], shares)

    def by_channel(self, share: float) -> tuple[float, ...]:
        """The value that so many percent of each channel's values do not exceed."""
        levels = np.arange(self._counts.shape[1])
        return tuple(_percentiles(levels, counts, (share,))[0] for counts in self._counts)

    def extremes(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        found = np.flatnonzero(self._counts.sum(axis=0))
        return float(found[0]), float(found[-1])


class SampledLevels:
    """Keeps the values on a regular grid, of which there are few, and the extremes of all."""

    def __init__(self, height_px: int, width_px: int) -> None:
        self._step = max(1, round((height_px * width_px / SAMPLED_PIXELS) ** 0.5))
        self._next_row = 0
        self._kept: list[NDArray[Any]] = []
        self._low, self._high = np.inf, -np.inf

    def add(self, block: NDArray[Any]) -> None:
        """Takes the next rows in."""
        first = self._step // 2
        skipped = (first - self._next_row) % self._step
        self._kept.append(block[skipped :: self._step, first :: self._step].copy())
        self._next_row += len(block)
        self._low, self._high = min(self._low, float(block.min())), max(self._high, float(block.max()))

    def percentiles(self, shares: tuple[float, ...], gains: tuple[float, ...] = (1.0,)) -> tuple[float, ...]:
        """The values that so many percent of the grid's values, times their channel's gain, do not exceed."""
        kept = np.concatenate(self._kept)
        if set(gains) != {1.0}:
            is_kept = np.array(gains) > 0
            kept = kept[..., is_kept] * np.array(gains)[is_kept]
        found = np.percentile(kept, shares)
        return tuple(float(value) for value in found)

    def by_channel(self, share: float) -> tuple[float, ...]:
        """The value that so many percent of each channel's values on the grid do not exceed."""
        found = np.percentile(np.concatenate(self._kept), share, axis=(0, 1))
        return tuple(float(value) for value in found)

    def extremes(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return self._low, self._high


def gather_levels(blocks: Iterable[NDArray[Any]], height_px: int, width_px: int) -> Levels:
    """The levels of an image of at least one block."""
    levels: Levels | None = None
    for block in blocks:
        if levels is None:
            is_counted = block.dtype in (np.uint8, np.uint16)
            channels = block.shape[2]
            levels = CountedLevels(block.dtype, channels) if is_counted else SampledLevels(height_px, width_px)
        levels.add(block)
    assert levels is not None
    return levels


def _percentiles(values: NDArray[Any], counts: NDArray[np.int64], shares: tuple[float, ...]) -> tuple[float, ...]:
    """Of values in rising order, each so many times, linear between neighbours."""
    upto = np.cumsum(counts)
    at = (upto[-1] - 1) * np.array(shares) / 100
    low = values[np.searchsorted(upto, np.floor(at), side="right")]
    high = values[np.searchsorted(upto, np.ceil(at), side="right")]
    return tuple(float(value) for value in low + (high - low) * (at - np.floor(at)))


def _count_bytes(block: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pillow counts bytes several times as fast as NumPy."""
    picture = Image.frombuffer("L", (block.size // len(block), len(block)), block, "raw", "L", 0, 1)
    return np.array(picture.histogram(), np.int64)
