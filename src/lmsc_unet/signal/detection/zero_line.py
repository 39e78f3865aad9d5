"""The line that many receivers draw at 0 Hz, where their own oscillator leaks in: it is no signal."""

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signal.noise import power_over_floor

Rows = NDArray[np.float32]
_REACH = 2
"""Columns on each side of the middle one that a strong line is seen in, through a Hann window."""
_STRETCH_ROWS = 16
_QUIET = 2.0
"""Stretches of so many times the least power beside the line tell: over the others something wider lies."""
_DEVIATES = 3.0
"""By how many standard deviations a line must stand above the columns beside it, in stretches of rows."""
_LEAST_SHARE = 0.5
"""Of these stretches; what is there for fewer is a signal."""
_STEADY = 1.5
"""A line's power in one row is at most so many times its mean; noise adds to a weak one."""
_MOST_BESIDE = 0.5
"""Of the middle column's excess, what the next ones may have at most: a tone at 0 Hz gives them a quarter, anything
that is modulated as wide as a column gives them more."""


def without_zero_line(rows_db: Rows) -> Rows:
    """Rows "T F" of dB of complex samples, the columns of a steady tone at 0 Hz filled from those beside them.

    What is there for less than half of the rows stays: it may be a signal. So does what is wider than a tone, and rows
    in which more than the tone is there.
    """
    level = zero_line_level(rows_db)
    if level <= 0:
        return rows_db
    middle = rows_db.shape[1] // 2
    first, behind = middle - _REACH, middle + _REACH + 1
    is_line = power_over_floor(rows_db[:, middle]) <= max(_STEADY * level, (np.sqrt(level) + _DEVIATES) ** 2)
    left, right = rows_db[is_line, first - _REACH : first], rows_db[is_line, behind : behind + _REACH]
    filled = rows_db.copy()
    filled[is_line, first:middle] = left[:, ::-1]
    filled[is_line, middle + 1 : behind] = right[:, ::-1]
    filled[is_line, middle] = (left[:, 0] + right[:, -1]) / 2
    return filled


def zero_line_level(rows_db: Rows) -> float:
    """The power of a tone that stands in the middle column of rows "T F" for at least half of them; 0 if none does."""
    middle, reach = rows_db.shape[1] // 2, 2 * _REACH + 1
    if middle < reach:
        return 0.0
    rows = rows_db[: len(rows_db) // _STRETCH_ROWS * _STRETCH_ROWS, middle - reach : middle + reach + 1]
    if not len(rows):
        return 0.0
    stretches = power_over_floor(rows).reshape(-1, _STRETCH_ROWS, rows.shape[1]).mean(axis=1)
    beside = np.hstack([stretches[:, : reach - _REACH], stretches[:, reach + _REACH + 1 :]])
    level = beside.mean(axis=1)
    is_quiet = level <= _QUIET * level.min()
    excess = stretches[is_quiet, reach - 1 : reach + 2] - level[is_quiet, np.newaxis]
    is_on = excess[:, 1] > _DEVIATES * np.median(beside[is_quiet].std(axis=1))
    if is_on.mean() < _LEAST_SHARE:
        return 0.0
    left, line, right = excess[is_on].mean(axis=0)
    return float(line) if max(left, right) <= _MOST_BESIDE * line else 0.0
