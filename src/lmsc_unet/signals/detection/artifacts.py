"""A receiver's DC offset: local-oscillator leakage at 0 Hz."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.noise import power_over_floor

Rows = NDArray[np.float32]
_AWAY = 1
"""The largest distance of the line from 0 Hz in columns, after a tuning error was corrected in software."""
_REACH = 2
"""Columns on each side of the strongest one that a line covers under a Hann window."""
_STRETCH_ROWS = 16
_QUIET = 2.0
"""Only stretches with at most this multiple of the least power beside the line count; elsewhere a wider signal lies."""
_DEVIATES = 3.0
"""Standard deviations by which a line must exceed the neighbouring columns, in stretches of rows."""
_LEAST_SHARE = 0.5
"""The least share of these stretches; a shorter line is a signal."""
_STEADY = 1.5
"""The most power of a line in one row, relative to its strongest stretch; noise adds to a weak line."""
_MOST_OUTSIDE = 0.1
"""The most excess of the second-next columns, relative to the strongest: a tone gives them almost none, a modulated
signal wider than a column more."""


@dataclass(frozen=True, kw_only=True)
class DcOffset:
    """A tone near 0 Hz."""

    column: int
    """Its column."""
    level: float
    """Its highest power above the noise, in units of the noise floor."""


def fill_dc_offset(rows_db: Rows, offset: DcOffset) -> Rows:
    """Rows "T F" in dB with the columns of a tone replaced by their neighbours.

    Its level may change in steps with the receiver's gain. Rows with more than the tone are kept.
    """
    column, level = offset.column, offset.level
    first, behind = column - _REACH, column + _REACH + 1
    is_line = power_over_floor(rows_db[:, column]) <= max(_STEADY * level, (np.sqrt(level) + _DEVIATES) ** 2)
    left, right = rows_db[is_line, first - _REACH : first], rows_db[is_line, behind : behind + _REACH]
    filled = rows_db.copy()
    filled[is_line, first:column] = left[:, ::-1]
    filled[is_line, column + 1 : behind] = right[:, ::-1]
    filled[is_line, column] = (left[:, 0] + right[:, -1]) / 2
    return filled


def find_dc_offset(rows_db: Rows) -> DcOffset | None:
    """The tone near 0 Hz in at least half of the rows "T F" of complex samples.

    A line in less than half of the rows may be a signal, as may anything wider than a tone.
    """
    middle, reach = rows_db.shape[1] // 2, _AWAY + 2 * _REACH + 1
    rows = rows_db[: len(rows_db) // _STRETCH_ROWS * _STRETCH_ROWS, max(0, middle - reach) : middle + reach + 1]
    if rows.shape[1] < 2 * reach + 1 or not len(rows):
        return None
    stretches = power_over_floor(rows).reshape(-1, _STRETCH_ROWS, rows.shape[1]).mean(axis=1)
    beside = np.hstack([stretches[:, : reach - _AWAY - _REACH], stretches[:, reach + _AWAY + _REACH + 1 :]])
    level = beside.mean(axis=1)
    is_quiet = level <= _QUIET * level.min()
    excess = stretches[is_quiet] - level[is_quiet, np.newaxis]
    place = int(np.argmax(excess.mean(axis=0)[reach - _AWAY : reach + _AWAY + 1])) + reach - _AWAY
    is_on = excess[:, place] > _DEVIATES * np.median(beside[is_quiet].std(axis=1))
    if is_on.mean() < _LEAST_SHARE:
        return None
    line = excess[is_on].mean(axis=0)
    if max(line[place - _REACH], line[place + _REACH]) > _MOST_OUTSIDE * line[place]:
        return None
    return DcOffset(column=middle - reach + place, level=float(excess[is_on, place].max()))
