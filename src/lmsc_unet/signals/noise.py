"""The noise floor of a spectrogram, and rows in decibels above it."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError
from lmsc_unet.signals.morphology import window_means
from lmsc_unet.signals.settings import DbRange

_BIN_DB = 0.25
_LOWEST_DB, _HIGHEST_DB = -200.0, 200.0
_WINDOW_BINS = 8  # 2 dB: the spread of averaged noise
_NUM_BINS = int((_HIGHEST_DB - _LOWEST_DB) / _BIN_DB)
_TINY = np.float32(1e-30)


class NoiseFloor:
    """Estimates the noise level: the lowest level that a large share of all cells has.

    Counts cells, averaged over 5 x 5 neighbours, by level. Averaged noise spreads over 2 dB; the lowest histogram mode
    with at least `share` of the cells is the floor. So signals may fill most of the plane, and the
    receiver's roll-off at the band's edges is not mistaken for noise unless it fills that share. Old rows decay
    slowly, so that the floor follows a receiver that warms up.
    """

    def __init__(self, *, share: float = 0.15, memory_rows: int = 4096) -> None:
        self.share = share
        self.memory_rows = memory_rows
        self._counts: NDArray[np.float64] = np.zeros(_NUM_BINS)

    def update(self, power: NDArray[np.float32]) -> float:
        """Adds rows "T F" of linear power and returns the updated floor (linear)."""
        self._counts *= 0.5 ** (len(power) / self.memory_rows)
        with np.errstate(over="ignore", invalid="ignore"):  # callers report values that are not finite
            smooth = window_means(power, 5, 5)
        smooth = smooth[smooth > _TINY]
        levels = 10 * np.log10(smooth) if smooth.size else smooth
        bins = np.clip((levels - _LOWEST_DB) / _BIN_DB, 0, _NUM_BINS - 1).astype(np.int64)
        self._counts += np.bincount(bins, minlength=_NUM_BINS)
        return self.level

    @property
    def level(self) -> float:
        """The floor as linear power; 0 before the first row and if all samples are zero."""
        heaps = np.convolve(self._counts, np.ones(_WINDOW_BINS), "same")
        if not heaps.any():
            return 0.0
        is_peak = (heaps >= self.share * self._counts.sum()) & (heaps >= _wide_max(heaps))
        peak = int(np.argmax(is_peak)) if is_peak.any() else int(np.argmax(heaps))
        near = slice(max(0, peak - _WINDOW_BINS), peak + _WINDOW_BINS + 1)
        centers_db = _LOWEST_DB + _BIN_DB * (np.arange(_NUM_BINS)[near] + 0.5)
        return float(np.average(10 ** (centers_db / 10), weights=self._counts[near] + 1e-12))


def _wide_max(heaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest mode within 2 dB of each."""
    padded = np.pad(heaps, _WINDOW_BINS)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * _WINDOW_BINS + 1).max(axis=1))


def db_rows(
    blocks: Iterable[NDArray[np.float32]], floor: NoiseFloor | None = None, *, name: str = "the recording"
) -> Iterator[NDArray[np.float32]]:
    """Converts rows of linear power to dB above the current floor.

    Raises:
        DataError: a power is NaN or infinite, because samples are, or their squares overflow.
    """
    floor = floor or NoiseFloor()
    for power in blocks:
        if not np.isfinite(power.sum(dtype=np.float64)):
            raise DataError(f"{name}: the power of its samples is NaN or infinite. Check the datatype and byte order.")
        yield above_floor_db(power, floor.update(power))


def above_floor_db(power: NDArray[np.float32], level: float) -> NDArray[np.float32]:
    """Linear power as dB above a level; -200 everywhere if the level is 0 (all samples are zero)."""
    if level <= 0:
        return np.full_like(power, _LOWEST_DB)
    ratio = power * np.float32(1 / level) if level > 1e-30 else (power.astype(np.float64) / level).astype(np.float32)
    np.maximum(ratio, np.float32(1e-20), out=ratio)
    np.log10(ratio, out=ratio)
    ratio *= np.float32(10)
    return ratio


def power_over_floor(rows_db: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inverse of dB above the floor: linear power in units of the floor."""
    return np.asarray(np.power(np.float32(10), rows_db * np.float32(0.1)), np.float32)


def to_picture(rows_db: NDArray[np.float32], shown: DbRange | None = None) -> NDArray[np.uint8]:
    """Rows of dB above the floor as a grey image "T F", the network's input."""
    shown = shown or DbRange()
    scale = np.float32(255 / (shown.high_db - shown.low_db))
    return np.asarray(np.rint(np.clip((rows_db - np.float32(shown.low_db)) * scale, 0, 255)), np.uint8)
