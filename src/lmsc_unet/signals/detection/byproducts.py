"""By-products of a stronger signal: what comes and goes with it, far below it.

Clicks, skirts, images and mixing products of a receiver have the times of the signal that causes them. What has other
times than the stronger signal is a signal, however weak it is.
"""

from collections.abc import Iterable
from enum import Enum, auto

from lmsc_unet.signals.detection.joining import begins, ends, may_be_tones
from lmsc_unet.signals.detection.pieces import Piece, joined

BY_PRODUCT_DB = 10.0
"""What comes and goes with a signal this far above it is its by-product."""
_PART_DB = 2.0
"""How much further below a shorter by-product must be, of which only a part was seen."""
_ALIKE_DB = 6.0
"""Signals of the same start and stop, less apart than this, are tones of one signal."""
_AFTERGLOW_DB = 18.0
"""What directly precedes or follows a signal in its band, this far below it, is the transmitter's own carrier."""
_AFTERGLOW = 0.5
"""How long that lasts in units of the signal's duration."""
_INSIDE, _SAME, _LARGE = 0.7, 0.7, 1 / 3
"""Shares of time: of the weak one under the strong one, and of the strong one that the weak one covers."""
_SLACK_ROWS = 2.0


class _Fate(Enum):
    KEPT = auto()
    PART = auto()
    DROPPED = auto()


def without_by_products(
    pieces: Iterable[Piece], stop_row: float, *, by_product_db: float = BY_PRODUCT_DB, merges: bool = True
) -> list[Piece]:
    """The pieces without by-products; parts of a stronger piece are added to it.

    Args:
        pieces: Pieces whose times may overlap.
        stop_row: The last row: what lasts until then has no end of its own.
        by_product_db: How far below a stronger signal by-products are.
        merges: Whether pieces of similar power are merged; else they are kept.
    """
    kept: list[Piece] = []
    for piece in sorted(pieces, key=lambda one: -one.power):
        for index, strong in enumerate(kept):
            fate = _fate(piece, strong, stop_row, by_product_db, merges=merges)
            if fate is _Fate.PART:
                kept[index] = joined(strong, piece, at_once=True)
            if fate is not _Fate.KEPT:
                break
        else:
            kept.append(piece)
    return kept


def _fate(weak: Piece, strong: Piece, stop_row: float, by_product_db: float, *, merges: bool) -> _Fate:
    """What a weak piece is beside a stronger one."""
    below_db = strong.peak_db - weak.peak_db
    is_near = _is_near(weak, strong)
    if is_near and below_db >= max(by_product_db, _AFTERGLOW_DB) and _glows(weak, strong, stop_row):
        return _Fate.DROPPED
    common = min(strong.bottom_px + _SLACK_ROWS, weak.bottom_px) - max(strong.top_px - _SLACK_ROWS, weak.top_px)
    if common < _INSIDE * weak.num_rows:
        return _Fate.KEPT
    has_start, has_end = begins(strong), ends(strong, stop_row)
    covered = common / strong.num_rows
    if below_db < by_product_db:
        has_its_times = (has_start or has_end) and covered >= _SAME and below_db < _ALIKE_DB
        is_part = _is_within(weak, strong) or (has_its_times and may_be_tones(weak, strong))
        return _Fate.PART if merges and is_part else _Fate.KEPT
    is_skirt = is_near and (has_start or has_end or below_db >= max(by_product_db, _AFTERGLOW_DB))
    has_its_times = (has_start or has_end) and covered >= _LARGE
    is_inside = has_start and has_end and below_db >= by_product_db + _PART_DB
    return _Fate.DROPPED if is_skirt or has_its_times or is_inside else _Fate.KEPT


def _is_near(weak: Piece, strong: Piece) -> bool:
    """Whether a piece lies within the band of a stronger one or at most a bandwidth beside it."""
    (low, high), (weak_low, weak_high) = strong.whole_band, weak.whole_band
    width, middle = high - low, (weak_low + weak_high) / 2
    return low - width <= middle <= high + width or min(high, weak_high) > max(low, weak_low)


def _is_within(weak: Piece, strong: Piece) -> bool:
    """Whether more than half of a piece's band lies in that of a stronger one."""
    (low, high), (weak_low, weak_high) = strong.whole_band, weak.main_band
    return min(high, weak_high) - max(low, weak_low) > (weak_high - weak_low) / 2


def _glows(weak: Piece, strong: Piece, stop_row: float) -> bool:
    """Whether a piece lies within the time of a stronger one or directly beside it."""
    reach = _AFTERGLOW * strong.num_rows
    is_close = strong.top_px - reach <= weak.top_px and weak.bottom_px <= strong.bottom_px + reach
    return is_close and begins(weak) and ends(weak, stop_row)
