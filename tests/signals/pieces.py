"""Pieces of transmissions for tests of the rules."""

import numpy as np

from lmsc_unet.signals.detection.pieces import Piece


def piece(top, bottom, low, high, peak_db=30.0):
    """A piece with the same power in all of its columns."""
    num_rows = float(bottom - top)
    return Piece(
        top_px=float(top),
        bottom_px=float(bottom),
        first_column=low,
        spectrum=np.full(high - low, num_rows * 10 ** (peak_db / 10)),
        on_rows=num_rows,
        lengths=(num_rows,),
        num_cells=int(num_rows) * (high - low),
        votes=np.array([0, int(num_rows) * (high - low)]),
        weighted_confidence=1.0,
        weight=1.0,
    )


def extents(pieces):
    """Start, end and the columns of pieces, in order."""
    return sorted((one.top_px, one.bottom_px, *map(round, one.whole_band)) for one in pieces)
