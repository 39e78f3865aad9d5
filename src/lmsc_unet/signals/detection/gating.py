"""Restricts a mask to cells with power: above the noise, and not far under a stronger signal beside them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.detection.energy import EnergyMask
from lmsc_unet.signals.morphology import highest_around, window_means

Power = NDArray[np.float32]
_NEAR_ROWS = 2
"""Rows before and after within which a stronger signal limits a cell."""
_SKIRTS = ((1 / 32, 18.0), (1 / 8, 24.0), (1.0, 36.0))
"""Skirts of a strong signal: within this share of the band, cells this many dB below it belong to it."""
_CORE_DB = 12.0
"""A signal grows from its strongest cells to those at most this far below them."""
_FALL_DB = 7.0
"""A row this far below its neighbours in the same columns is a gap."""
_FALL_COLUMNS = 9
_LOW_DEVIATES, _HIGH_DEVIATES = 2.0, 5.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Gated:
    """Masks after the comparison with power."""

    mask: NDArray[np.uint8]
    """Class ids "T F"."""
    is_seed: NDArray[np.bool_]
    """Cells "T F" at least one of which a region must have."""


def gated(
    mask: NDArray[np.uint8],
    confidence: NDArray[np.float32] | None,
    power: Power,
    frames_per_row: int,
    *,
    sure: float = 0.0,
) -> Gated:
    """A mask "T F" without cells that lack power.

    Args:
        mask: class ids.
        confidence: of each cell.
        power: in units of the noise.
        frames_per_row: frames averaged per row.
        sure: the least confidence of a cell from which a region may start.
    """
    levels = EnergyMask(frames_per_row=frames_per_row, low_deviates=_LOW_DEVIATES, deviates=_HIGH_DEVIATES)
    smooth = window_means(power, levels.smooth_rows, levels.smooth_columns)
    is_kept = (smooth > levels.threshold(_LOW_DEVIATES)) & (window_means(power, 1, 3) > _skirts(power)) & ~_gaps(power)
    is_kept &= smooth > _core(smooth)
    is_sure = True if confidence is None else confidence >= sure
    is_seed = is_kept & (mask > 0) & is_sure & (smooth > levels.threshold(_HIGH_DEVIATES))
    return Gated(mask=np.where(is_kept, mask, 0).astype(np.uint8), is_seed=np.asarray(is_seed, np.bool_))


def _skirts(power: Power) -> Power:
    """The power "T F" that a cell must exceed to be more than the skirt of a stronger signal."""
    highest = highest_around(window_means(power, 1, 3), _NEAR_ROWS, axis=0)
    limits = [
        highest_around(highest, max(1, round(share * power.shape[1])), axis=1) * np.float32(10 ** (-down_db / 10))
        for share, down_db in _SKIRTS
    ]
    return np.asarray(np.maximum.reduce(limits), np.float32)


def _core(smooth: Power) -> Power:
    """The power "T F" that a cell must exceed to belong to the signal beside it rather than to the noise around."""
    highest = highest_around(smooth, max(1, smooth.shape[1] // 32), axis=1)
    return np.asarray(highest * np.float32(10 ** (-_CORE_DB / 10)), np.float32)


def _gaps(power: Power) -> NDArray[np.bool_]:
    """Cells "T F" of a pause between two strong pieces of a signal, which smoothing would fill."""
    beside = window_means(power, 1, _FALL_COLUMNS)
    least = highest_around(beside, _NEAR_ROWS, axis=0) * np.float32(10 ** (-_FALL_DB / 10))
    return np.asarray((beside <= least) & (least >= 1), np.bool_)
