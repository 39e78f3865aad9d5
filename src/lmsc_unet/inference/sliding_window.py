"""Positions of tiles along a side, and their blending weights.

Near a tile's border the receptive field is cut off. So overlapping tiles discard the margin at inner borders and are
blended linearly over the rest of the overlap; the weights of all tiles sum to 1. Tiles start on the pooling grid, so
that pooling is the same as in the whole image. Overlap and tile size are as small as possible, to avoid computing
pixels twice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Side:
    """The tiles along one side of an image."""

    length_px: int
    """The side of the image."""
    padded_px: int
    """The side padded at its end to a multiple of the grid."""
    tile_px: int
    """The side of each tile; at most the padded side."""
    starts_px: tuple[int, ...]
    """The start of each tile, ascending; the last tile ends with the padded side."""
    weights: NDArray[np.float32]
    """The weight of each tile at each of its pixels, "tiles tile_px"; the sum at every pixel is 1."""


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How sides of any length are cut into tiles."""

    tile_px: int
    """The longest side of a tile; a shorter image is one tile."""
    multiple_px: int
    """The grid: tile starts and padded sides are multiples of it."""
    margin_px: int
    """Pixels discarded at each inner border of a tile."""
    ramp_px: int = 1
    """The least width in pixels of the linear blend between tiles; beyond their margins tiles agree."""

    def __post_init__(self) -> None:
        if self.tile_px < 1 or self.tile_px % self.multiple_px:
            raise ConfigError(
                f"tile_px is {self.tile_px}; the network takes multiples of {self.multiple_px}. "
                f"Try {max(1, round(self.tile_px / self.multiple_px)) * self.multiple_px}."
            )
        if self.tile_px <= self.overlap_px:
            raise ConfigError(
                f"tile_px is {self.tile_px}, but neighbouring tiles overlap by {self.overlap_px} px (twice the model's "
                f"margin of {self.margin_px} px and a ramp). Use at least {self.overlap_px + self.multiple_px}."
            )

    @property
    def overlap_px(self) -> int:
        """The least overlap of neighbouring tiles, rounded up to the grid."""
        return round_up(2 * self.margin_px + self.ramp_px, self.multiple_px)

    def side(self, length_px: int) -> Side:
        """Cuts one side of an image into tiles."""
        padded_px = round_up(length_px, self.multiple_px)
        num_tiles = max(1, -(-(padded_px - self.overlap_px) // (self.tile_px - self.overlap_px)))
        tile_px = round_up(-(-(padded_px + (num_tiles - 1) * self.overlap_px) // num_tiles), self.multiple_px)
        starts_px = starts(padded_px, tile_px, self.overlap_px, self.multiple_px)
        return Side(
            length_px=length_px,
            padded_px=padded_px,
            tile_px=tile_px,
            starts_px=starts_px,
            weights=weights(starts_px, tile_px, self.margin_px),
        )


def round_up(length_px: int, multiple_px: int) -> int:
    """The smallest multiple that is at least `length_px`."""
    return -(-length_px // multiple_px) * multiple_px


def starts(length_px: int, tile_px: int, overlap_px: int, multiple_px: int = 1) -> tuple[int, ...]:
    """The fewest tiles that cover a side with at least the overlap, spread evenly on the grid.

    All lengths are multiples of `multiple_px`; the tile is longer than the overlap, or as long as the side.
    """
    if tile_px >= length_px:
        return (0,)
    num_gaps = -(-(length_px - tile_px) // (tile_px - overlap_px))
    num_steps = (length_px - tile_px) // multiple_px
    return tuple(index * num_steps // num_gaps * multiple_px for index in range(num_gaps + 1))


def weights(starts_px: tuple[int, ...], tile_px: int, margin_px: int) -> NDArray[np.float32]:
    """Linear blending between neighbours, zero in the margin at inner borders; "tiles tile_px", sums to 1."""
    shares = np.ones((len(starts_px), tile_px))
    place = np.arange(tile_px) + 0.5
    for index, (here, there) in enumerate(pairwise(starts_px)):
        fade_px = tile_px - (there - here) - 2 * margin_px
        rise = np.clip((place - margin_px) / fade_px, 0, 1)
        shares[index + 1] = rise
        shares[index] = np.minimum(shares[index], rise[::-1])
    summed = np.zeros(starts_px[-1] + tile_px)
    for start, share in zip(starts_px, shares, strict=True):
        summed[start : start + tile_px] += share
    return np.stack(
        [share / summed[start : start + tile_px] for start, share in zip(starts_px, shares, strict=True)]
    ).astype(np.float32)


ReadWindow = Callable[[slice, slice], NDArray[Any]]
"""Reads pixels "h w C" of the given rows and columns, always inside the image and never above the last window."""
Infer = Callable[[Sequence[NDArray[Any]]], NDArray[np.float32]]
"""Maps equally large windows "h w C" to probabilities "B K h w"."""
BAND_PIXELS = 1 << 18
"""The largest size of a row strip, approximately."""


def stream(
    read_window: ReadWindow, rows: Side, columns: Side, infer: Infer, batch: int
) -> Iterator[NDArray[np.float32]]:
    """Yields the probabilities "K rows W" of an image in row strips from top to bottom.

    A row strip is final when yielded: no later tile covers its rows.
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
            yield finished[:, top : top + step].copy()  # a view would keep the whole row of tiles alive
        unfinished = blended[:, end - start :].copy()
        del blended, finished  # before the next row of tiles is computed


def _blend(
    read_window: ReadWindow, top_px: int, rows: Side, columns: Side, infer: Infer, batch: int
) -> NDArray[np.float32]:
    """Blends one row of tiles along the columns, "K tile W"."""
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
    """The window of one tile, "h w C"; beyond the image's end it is padded by reflection."""
    bottom_px, right_px = top_px + rows.tile_px, left_px + columns.tile_px
    window = read_window(
        slice(top_px, min(bottom_px, rows.length_px)), slice(left_px, min(right_px, columns.length_px))
    )
    missing = ((0, rows.tile_px - window.shape[0]), (0, columns.tile_px - window.shape[1]), (0, 0))
    return np.pad(window, missing, mode="symmetric") if missing[0][1] or missing[1][1] else window
