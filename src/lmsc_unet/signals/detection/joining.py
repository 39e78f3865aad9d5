"""Which pieces are one transmission: pulses of a telegram, the two tones of FSK, the parts of a chirp."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from lmsc_unet.signals.detection.pieces import Piece, joined

_ALIKE_DB = 22.0
"""Pieces of the same band differ at most this much: fading, and a receiver whose gain settles."""
_TONES_DB = 7.0
"""Tones of the same signal differ at most this much."""
_TONE_DISTANCE = 8.0
"""The widest gap in frequency between tones, in units of the sum of their bandwidths."""
_TONE_WIDTHS = 4.0
"""The largest ratio of their bandwidths."""
_DRIFT = 1.0
"""The same where one piece begins as another one ends: a carrier drifts, or a chirp goes on."""
_HANDOVER = 0.5
"""Share of the shorter piece that two tones may overlap or be apart where they take turns."""
_AT_ONCE_ROWS = 1.5
"""Times closer than this are the same."""
_SHARED = 0.4
_SYMBOLS = 60.0
"""The longest gap within a telegram in units of 1 / bandwidth, which is about a symbol."""
_PULSES = 12.0
"""The same in units of its pulses, for a keyed carrier, whose bandwidth is narrower than the columns show."""
_CARRIER_COLUMNS, _UNMODULATED = 4.0, 16.0
"""A pulse is unmodulated if neither its columns nor its product of bandwidth and duration are more."""
_LONGEST_GAP_S = 0.016
"""Longer gaps are between telegrams: devices pause for 16 ms and more before they repeat one."""
_LEAST_GAP_ROWS = 4.0
"""Where a row is long, such a gap is a few frames, whatever it lasts."""
_NOTCH = 0.05
"""A gap of this share of the shorter piece is fading."""


@dataclass(frozen=True, kw_only=True)
class Joining:
    """Joins pieces of a spectrogram with given rows."""

    frames_per_row: int
    """Frames averaged per row."""
    row_s: float
    """Duration of a row."""

    @property
    def longest_gap_rows(self) -> float:
        """No gap within a transmission is longer."""
        return max(_LONGEST_GAP_S / self.row_s, _LEAST_GAP_ROWS)

    def __call__(self, pieces: Iterable[Piece], stop_row: float) -> list[Piece]:
        """The transmissions of the pieces; those that last until `stop_row` have no end of their own."""
        bursts = _gathered(pieces, lambda one, other: self._touch(one, other, stop_row), _AT_ONCE_ROWS)
        return _gathered(bursts, self._belong, self.longest_gap_rows)

    def _touch(self, one: Piece, other: Piece, stop_row: float) -> bool:
        """Whether the second piece goes on without a gap, in the same band or in the next tone."""
        gap = other.top_px - one.bottom_px
        apart_db = abs(one.peak_db - other.peak_db)
        if gap <= 0 and apart_db <= _ALIKE_DB and share_band(one, other):
            return True
        follows = abs(gap) <= max(_AT_ONCE_ROWS, _HANDOVER * min(one.num_rows, other.num_rows))
        starts = begins(one) and abs(one.top_px - other.top_px) <= _AT_ONCE_ROWS
        stops = ends(one, stop_row) and abs(one.bottom_px - other.bottom_px) <= _AT_ONCE_ROWS
        if apart_db > _TONES_DB:
            return False
        return (follows and _apart(one, other) <= _DRIFT) or ((follows or starts or stops) and may_be_tones(one, other))

    def _belong(self, one: Piece, other: Piece) -> bool:
        """Whether the second piece goes on after a gap that is natural for such a signal."""
        if abs(one.peak_db - other.peak_db) > _ALIKE_DB or not share_band(one, other):
            return False
        columns = min(one.core_columns, other.core_columns)
        longest = _SYMBOLS / (columns * self.frames_per_row)
        pulse = max(1.0, float(np.median(one.lengths)))
        if columns <= _CARRIER_COLUMNS and columns * pulse * self.frames_per_row <= _UNMODULATED:
            longest = max(longest, _PULSES * pulse)
        longest = max(longest, _NOTCH * min(one.num_rows, other.num_rows))
        return other.top_px - one.bottom_px <= min(longest, self.longest_gap_rows)


def begins(piece: Piece) -> bool:
    """Whether a piece has a start of its own, not that of the recording."""
    return piece.top_px >= 1


def ends(piece: Piece, stop_row: float) -> bool:
    """Whether a piece has an end of its own, not that of the recording."""
    return piece.bottom_px <= stop_row - 1


def share_band(one: Piece, other: Piece) -> bool:
    """Whether the narrower of two bands lies in or beside the other."""
    (low, high), (other_low, other_high) = one.main_band, other.main_band
    narrower = min(high - low, other_high - other_low)
    common = min(high, other_high) - max(low, other_low) + narrower / 2
    return common >= _SHARED * max(0.5, narrower)


def may_be_tones(one: Piece, other: Piece) -> bool:
    """Whether two bands overlap, or are as two tones of FSK: each narrower than the gap, which is not wide."""
    widths = [high - low for low, high in (one.main_band, other.main_band)]
    if max(widths) > _TONE_WIDTHS * min(widths):
        return False
    apart = _apart(one, other)
    return apart <= 0 or max(widths) / max(0.5, sum(widths)) <= apart <= _TONE_DISTANCE


def _apart(one: Piece, other: Piece) -> float:
    """The gap between two bands in units of the sum of their widths; negative if they overlap."""
    (low, high), (other_low, other_high) = one.main_band, other.main_band
    return (max(low, other_low) - min(high, other_high)) / max(0.5, high - low + other_high - other_low)


def _gathered(pieces: Iterable[Piece], belong: Callable[[Piece, Piece], bool], longest_gap: float) -> list[Piece]:
    """Adds pieces to each other until none belongs to another."""
    found = _gathered_once(pieces, belong, longest_gap)
    while len(fewer := _gathered_once(found, belong, longest_gap)) < len(found):
        found = fewer
    return found


def _gathered_once(pieces: Iterable[Piece], belong: Callable[[Piece, Piece], bool], longest_gap: float) -> list[Piece]:
    """Adds each piece, in order of its start, to the transmission that it fits best; else it begins one."""
    ended: list[Piece] = []
    going_on: list[Piece] = []
    for piece in sorted(pieces, key=lambda one: (one.top_px, one.first_column)):
        ended += [one for one in going_on if one.bottom_px + longest_gap < piece.top_px]
        going_on = [one for one in going_on if one.bottom_px + longest_gap >= piece.top_px]
        fitting = [one for one in going_on if belong(one, piece)]
        if fitting:
            best = min(fitting, key=lambda one: (abs(one.peak_db - piece.peak_db), one.top_px))
            going_on[going_on.index(best)] = joined(best, piece)
        else:
            going_on.append(piece)
    return ended + going_on
