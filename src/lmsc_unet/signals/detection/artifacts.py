"""Receiver artifacts: the DC offset (local-oscillator leakage) at 0 Hz, and spurs of strong signals."""

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.morphology import over_windows, window_means
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


def without_dc_offset(rows_db: Rows) -> Rows:
    """Rows "T F" in dB of complex samples, with the columns of a tone at 0 Hz replaced by their neighbours.

    Its level may change in steps with the receiver's gain. A line in less than half of the rows may be a signal and is
    kept, as are anything wider than a tone and rows with more than the tone.
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
    """The column and highest power of a tone near 0 Hz in at least half of the rows "T F"; power 0 without one."""
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
"""Cells this far below the strongest cell of their time are its spurs: intermodulation and images of the receiver."""
NEAR_ROWS = 4
"""Rows within which cells count as simultaneous."""
_SMOOTH = 5  # rows and columns averaged


def without_spurs(mask: NDArray[np.uint8], rows_db: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A mask "T F" without the spurs of much stronger simultaneous signals.

    Images are clipped at 40 dB, so a network cannot see how strong a signal is.
    """
    if not mask.any() or rows_db.max(initial=0) < DYNAMIC_DB:
        return mask
    smooth = window_means(power_over_floor(rows_db), _SMOOTH, _SMOOTH)
    strongest = over_windows(np.maximum, smooth.max(axis=1, keepdims=True), 2 * NEAR_ROWS + 1, 1)
    level = strongest * np.float32(10 ** (-DYNAMIC_DB / 10))
    return np.where((smooth > level) | (level < 1), mask, 0).astype(np.uint8)  # no limit below the noise
