"""Streams an image of any size through a network: windows go in, finished rows come out.

Memory holds one row of tiles, whatever the height: windows can be read from a file, and bands written as they come.
A row of tiles of a wide image is given in several bands, so that what is made of a band stays small.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.inference.tiling import Side

ReadWindow = Callable[[slice, slice], NDArray[Any]]
"""Pixels "h w C" of the given rows and columns of an image; never asked for what lies outside of it, nor for rows
above those of the last window."""
Infer = Callable[[Sequence[NDArray[Any]]], NDArray[np.float32]]
"""Probabilities "B K h w" of equally large windows "h w C"."""
BAND_PIXELS = 1 << 18
"""A band has about so many at most."""


def stream(
    read_window: ReadWindow, rows: Side, columns: Side, infer: Infer, batch: int
) -> Iterator[NDArray[np.float32]]:
    """Yields the probabilities "K rows W" of an image from top to bottom; the bands joined are the whole image.

    Each band is final when it is yielded: no later tile has anything to say about its rows.
    """
    ends_px = (*rows.starts_px[1:], rows.padded_px)
    unfinished: NDArray[np.float32] | None = None
    for start, end, weight in zip(rows.starts_px, ends_px, rows.weights, strict=True):
        blended = _blend(read_window, start, rows, columns, infer, batch)
        blended *= weight[:, np.newaxis]
        if unfinished is not None:
            blended[:, : unfinished.shape[1]] += unfinished
        finished = blended[:, : min(end, rows.length_px) - start, : columns.length_px]
        step = max(1, BAND_PIXELS // columns.length_px)
        for top in range(0, finished.shape[1], step):
            yield finished[:, top : top + step].copy()  # who holds a band holds no more of the row than that
        unfinished = blended[:, end - start :].copy()
        del blended, finished  # before the next row of tiles is made


def _blend(
    read_window: ReadWindow, top_px: int, rows: Side, columns: Side, infer: Infer, batch: int
) -> NDArray[np.float32]:
    """One row of tiles blended along the columns, "K tile W"."""
    row: NDArray[np.float32] | None = None
    for first in range(0, len(columns.starts_px), batch):
        lefts_px = columns.starts_px[first : first + batch]
        tiles = infer([read_padded(read_window, top_px, left, rows, columns) for left in lefts_px])
        if row is None:
            row = np.zeros((*tiles.shape[1:3], columns.padded_px), dtype=np.float32)
        for left, tile, weight in zip(lefts_px, tiles, columns.weights[first:], strict=False):
            row[:, :, left : left + columns.tile_px] += tile * weight
    assert row is not None
    return row


def read_padded(read_window: ReadWindow, top_px: int, left_px: int, rows: Side, columns: Side) -> NDArray[Any]:
    """The window of one tile, "h w C"; what lies beyond the image's end is its reflection."""
    bottom_px, right_px = top_px + rows.tile_px, left_px + columns.tile_px
    window = read_window(
        slice(top_px, min(bottom_px, rows.length_px)), slice(left_px, min(right_px, columns.length_px))
    )
    missing = ((0, rows.tile_px - window.shape[0]), (0, columns.tile_px - window.shape[1]), (0, 0))
    return np.pad(window, missing, mode="symmetric") if missing[0][1] or missing[1][1] else window
