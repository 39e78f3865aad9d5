"""What a receiver adds: the line of its own oscillator at 0 Hz, and by-products of strong signals."""

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.morphology import over_windows, window_means
from lmsc_unet.signals.noise import power_over_floor

Rows = NDArray[np.float32]
_AWAY = 1
"""How many columns beside 0 Hz the line may stand: a tuning error that software has corrected."""
_REACH = 2
"""Columns on each side of its strongest one that a line is seen in, through a Hann window."""
_STRETCH_ROWS = 16
_QUIET = 2.0
"""Stretches of so many times the least power beside the line tell: over the others something wider lies."""
_DEVIATES = 3.0
"""By how many standard deviations a line must stand above the columns beside it, in stretches of rows."""
_LEAST_SHARE = 0.5
"""Of these stretches; what is there for fewer is a signal."""
_STEADY = 1.5
"""A line's power in one row is at most so many times that of its strongest stretch; noise adds to a weak one."""
_MOST_OUTSIDE = 0.1
"""Of the strongest column's excess, what the second next ones may have at most: a tone gives them next to nothing,
anything that is modulated wider than a column gives them more."""


def without_dc_offset(rows_db: Rows) -> Rows:
    """Rows "T F" of dB of complex samples, the columns of a tone at 0 Hz filled from those beside them.

    Its level may change in steps, as a receiver changes its gain. What is there for less than half of the rows stays:
    it may be a signal. So does what is wider than a tone, and rows in which more than the tone is there.
    """
    column, level = find_dc_offset(rows_db)
    if level <= 0:
        return rows_db
    first, behind = column - _REACH, column + _REACH + 1
    is_line = power_over_floor(rows_db[:, column]) <= max(_STEADY * level, (np.sqrt(level) + _DEVIATES) ** 2)
    left, right = rows_db[is_line, first - _REACH : first], rows_db[is_line, behind : behind + _REACH]
    filled = rows_db.copy()
    filled[is_line, first:column] = left[:, ::-1]
    filled[is_line, column + 1 : behind] = right[:, ::-1]
    filled[is_line, column] = (left[:, 0] + right[:, -1]) / 2
    return filled


def find_dc_offset(rows_db: Rows) -> tuple[int, float]:
    """The column and the highest power of a tone by 0 Hz in at least half of rows "T F"; a power of 0 if none is."""
    middle, reach = rows_db.shape[1] // 2, _AWAY + 2 * _REACH + 1
    rows = rows_db[: len(rows_db) // _STRETCH_ROWS * _STRETCH_ROWS, max(0, middle - reach) : middle + reach + 1]
    if rows.shape[1] < 2 * reach + 1 or not len(rows):
        return middle, 0.0
    stretches = power_over_floor(rows).reshape(-1, _STRETCH_ROWS, rows.shape[1]).mean(axis=1)
    beside = np.hstack([stretches[:, : reach - _AWAY - _REACH], stretches[:, reach + _AWAY + _REACH + 1 :]])
    level = beside.mean(axis=1)
    is_quiet = level <= _QUIET * level.min()
    excess = stretches[is_quiet] - level[is_quiet, np.newaxis]
    place = int(np.argmax(excess.mean(axis=0)[reach - _AWAY : reach + _AWAY + 1])) + reach - _AWAY
    is_on = excess[:, place] > _DEVIATES * np.median(beside[is_quiet].std(axis=1))
    if is_on.mean() < _LEAST_SHARE:
        return middle, 0.0
    line = excess[is_on].mean(axis=0)
    is_tone = max(line[place - _REACH], line[place + _REACH]) <= _MOST_OUTSIDE * line[place]
    return middle - reach + place, float(excess[is_on, place].max()) if is_tone else 0.0


DYNAMIC_DB = 27.0
"""Cells so far under the strongest of their time are its splatter and its image, as receivers make them."""
NEAR_ROWS = 4
"""How many rows away is the same time."""
_SMOOTH = 5  # rows and columns averaged


def without_spurs(mask: NDArray[np.uint8], rows_db: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A mask "T F" without the cells that are by-products of what is far stronger at the same time.

    Pictures end at 40 dB, so a network cannot see how far above its surroundings a strong signal is.
    """
    if not mask.any() or rows_db.max(initial=0) < DYNAMIC_DB:
        return mask
    smooth = window_means(power_over_floor(rows_db), _SMOOTH, _SMOOTH)
    strongest = over_windows(np.maximum, smooth.max(axis=1, keepdims=True), 2 * NEAR_ROWS + 1, 1)
    level = strongest * np.float32(10 ** (-DYNAMIC_DB / 10))
    return np.where((smooth > level) | (level < 1), mask, 0).astype(np.uint8)  # under the noise there is no telling
