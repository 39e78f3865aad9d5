"""Minimum, maximum and percentiles of an image's values, from blocks of its rows in constant memory.

Values of 8 and 16 bits are counted per channel, so their percentiles are exact. Floats are sampled on a regular grid
of about 512 x 512 px, with close percentiles. The way an image is cut into blocks does not change the result. NaN
marks a missing pixel and is ignored.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SAMPLED_PIXELS = 512 * 512
"""Percentiles of floats use about this many pixels."""


class IntensityStats(Protocol):
    """Receives the blocks "h W C" of an image from top to bottom."""

    def add(self, block: NDArray[Any]) -> None:
        """Adds the next rows."""

    def percentiles(self, shares: tuple[float, ...], gains: tuple[float, ...] = (1.0,)) -> tuple[float, ...]:
        """The given percentiles of all values, each multiplied by its channel's gain.

        Channels with a gain of 0 are excluded.
        """

    def by_channel(self, share: float) -> tuple[float, ...]:
        """The given percentile of each channel."""

    def beside(self, value: float, shares: tuple[float, float]) -> tuple[float, float]:
        """Two percentiles of the values other than `value`, rounded inwards to values that occur.

        Returns `value` twice if there are no others.
        """

    def extremes(self) -> tuple[float, float]:
        """The minimum and the maximum."""

    def each(self) -> "Sequence[IntensityStats]":
        """The statistics of each channel."""

    @property
    def has_missing(self) -> bool:
        """Whether a value is NaN."""


class CountedStats:
    """Counts every value of 8 or 16 bits, or of bits."""

    has_missing = False

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self._counts = counts

    @classmethod
    def of(cls, dtype: np.dtype[Any], channels: int) -> "CountedStats":
        """Empty statistics for values of a type."""
        return cls(np.zeros((channels, 2 ** (8 * dtype.itemsize)), np.int64))

    def add(self, block: NDArray[Any]) -> None:
        """Adds the next rows."""
        for counts, channel in zip(self._counts, np.moveaxis(block, 2, 0), strict=True):
            values = np.ascontiguousarray(channel)
            values = values.view(np.uint8) if values.dtype == np.bool_ else values
            if values.dtype == np.uint8:
                counts += _count_bytes(values)
            else:
                counts += np.bincount(values.reshape(-1), minlength=len(counts))

    def percentiles(self, shares: tuple[float, ...], gains: tuple[float, ...] = (1.0,)) -> tuple[float, ...]:
        """The given percentiles of all values, each multiplied by its channel's gain."""
        levels = np.arange(self._counts.shape[1])
        if set(gains) == {1.0}:
            return _percentiles(levels, self._counts.sum(axis=0), shares)
        is_kept = np.array(gains) > 0
        values = np.multiply.outer(np.array(gains)[is_kept], levels).reshape(-1)
        order = np.argsort(values, kind="stable")
        return _percentiles(values[order], self._counts[is_kept].reshape(-1)[order], shares)

    def by_channel(self, share: float) -> tuple[float, ...]:
        """The given percentile of each channel."""
        levels = np.arange(self._counts.shape[1])
        return tuple(_percentiles(levels, counts, (share,))[0] for counts in self._counts)

    def beside(self, value: float, shares: tuple[float, float]) -> tuple[float, float]:
        """Two percentiles of the values other than `value`, rounded inwards to values that occur."""
        counts = self._counts.sum(axis=0)
        counts[int(value)] = 0
        return _inner(np.arange(len(counts)), counts, shares) if counts.any() else (value, value)

    def extremes(self) -> tuple[float, float]:
        """The minimum and the maximum."""
        found = np.flatnonzero(self._counts.sum(axis=0))
        return float(found[0]), float(found[-1])

    def each(self) -> "Sequence[IntensityStats]":
        """The statistics of each channel."""
        return [CountedStats(counts[np.newaxis]) for counts in self._counts]


class SampledStats:
    """Keeps the values on a sparse regular grid, and the extremes of all values."""

    def __init__(self, height_px: int, width_px: int) -> None:
        self._step = max(1, round((height_px * width_px / SAMPLED_PIXELS) ** 0.5))
        self._top, self._left = (min(self._step // 2, side - 1) for side in (height_px, width_px))
        self._next_row = 0
        self._kept: list[NDArray[Any]] = []
        self._lows: NDArray[Any] = np.array(np.nan)
        self._highs: NDArray[Any] = np.array(np.nan)
        self.has_missing = False

    def add(self, block: NDArray[Any]) -> None:
        """Adds the next rows."""
        skipped = (self._top - self._next_row) % self._step
        self._kept.append(block[skipped :: self._step, self._left :: self._step].copy())
        self._next_row += len(block)
        channels = np.moveaxis(block, 2, 0)
        self._lows = np.fmin(self._lows, [np.fmin.reduce(channel, axis=None) for channel in channels])
        self._highs = np.fmax(self._highs, [np.fmax.reduce(channel, axis=None) for channel in channels])
        self.has_missing |= bool(block.dtype.kind == "f" and np.isnan(block).any())

    def percentiles(self, shares: tuple[float, ...], gains: tuple[float, ...] = (1.0,)) -> tuple[float, ...]:
        """The given percentiles of the grid's values, each multiplied by its channel's gain."""
        kept = self._known
        if set(gains) != {1.0}:
            is_kept = np.array(gains) > 0
            kept = kept[..., is_kept] * np.array(gains)[is_kept]
        found = np.percentile(kept, shares)
        return tuple(float(value) for value in found)

    def by_channel(self, share: float) -> tuple[float, ...]:
        """The given percentile of each channel's values on the grid."""
        found = np.percentile(self._known, share, axis=0)
        return tuple(float(value) for value in found)

    def beside(self, value: float, shares: tuple[float, float]) -> tuple[float, float]:
        """Two percentiles of the grid's values other than `value`; the overall extremes if there are no others."""
        kept = self._known
        values, counts = np.unique(kept[kept != value], return_counts=True)
        return _inner(values, counts, shares) if len(values) else self.extremes()

    def extremes(self) -> tuple[float, float]:
        """The minimum and the maximum; zeros if no value is known."""
        if np.isnan(self._lows).all():
            return 0.0, 0.0
        return float(np.nanmin(self._lows)), float(np.nanmax(self._highs))

    def each(self) -> "Sequence[IntensityStats]":
        """The statistics of each channel."""
        return [self._only(channel) for channel in range(self._known.shape[1])]

    def _only(self, channel: int) -> "SampledStats":
        one = SampledStats(1, 1)
        one._kept = [self._known[np.newaxis, :, channel : channel + 1]]
        one._lows, one._highs = self._lows[channel : channel + 1], self._highs[channel : channel + 1]
        one.has_missing = self.has_missing
        return one

    @property
    def _known(self) -> NDArray[Any]:
        """The grid's pixels "N C" that are not missing; the extremes if all are missing."""
        kept = np.concatenate([block.reshape(-1, block.shape[2]) for block in self._kept])
        if self.has_missing:
            kept = kept[~np.isnan(kept).any(axis=1)]
        return kept if len(kept) else np.nan_to_num(np.stack([self._lows, self._highs]))


def gather_intensity(blocks: Iterable[NDArray[Any]], height_px: int, width_px: int) -> IntensityStats:
    """Collects the statistics of an image of at least one block."""
    levels: IntensityStats | None = None
    for block in blocks:
        if levels is None:
            is_counted = block.dtype in (np.uint8, np.uint16, np.bool_)
            if is_counted:
                levels = CountedStats.of(block.dtype, block.shape[2])
            else:
                levels = SampledStats(height_px, width_px)
        levels.add(block)
    assert levels is not None
    return levels


def _percentiles(values: NDArray[Any], counts: NDArray[np.int64], shares: tuple[float, ...]) -> tuple[float, ...]:
    """Percentiles of sorted values with their counts, linear between neighbours."""
    upto = np.cumsum(counts)
    at = (upto[-1] - 1) * np.array(shares) / 100
    low = values[np.searchsorted(upto, np.floor(at), side="right")]
    high = values[np.searchsorted(upto, np.ceil(at), side="right")]
    return tuple(float(value) for value in low + (high - low) * (at - np.floor(at)))


def _inner(values: NDArray[Any], counts: NDArray[np.int64], shares: tuple[float, float]) -> tuple[float, float]:
    """Two percentiles of sorted values with their counts; the lower one is rounded up, the other down."""
    upto = np.cumsum(counts)
    low, high = ((upto[-1] - 1) * share / 100 for share in shares)
    low, high = sorted((np.ceil(low), np.floor(high)))  # between two values this selects both
    found = values[np.searchsorted(upto, [low, high], side="right")]
    return float(found[0]), float(found[1])


def _count_bytes(block: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Counts with Pillow, which is several times as fast as NumPy for bytes."""
    picture = Image.frombuffer("L", (block.size // len(block), len(block)), block, "raw", "L", 0, 1)
    return np.array(picture.histogram(), np.int64)
