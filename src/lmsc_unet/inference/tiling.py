"""Where tiles lie along a side, and how much each of them has to say at each pixel.

What a network says near a tile's border depends on what it cannot see. So overlapping tiles drop the margin at
their inner borders and fade into each other over the rest of the overlap: the weights of all tiles add up to 1.
A tile starts at a multiple of the pooling grid, so that it pools the same pixels as the whole image would. Tiles
overlap by no more than that takes, and are no larger than their number needs: what two tiles see is work done twice.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Side:
    """The tiles along one side of an image."""

    length_px: int
    """The side of the image."""
    padded_px: int
    """The side once padded at its end to a multiple of the grid."""
    tile_px: int
    """The side of each tile; the padded side where that is not longer."""
    starts_px: tuple[int, ...]
    """Where each tile starts, in rising order; the last ends with the padded side."""
    weights: NDArray[np.float32]
    """What each tile counts for at each of its pixels, "tiles tile_px"; they add up to 1 at each pixel of the side."""


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How sides of any length are cut into tiles."""

    tile_px: int
    """The longest side of a tile; a shorter image is one tile."""
    multiple_px: int
    """Tiles start at, and images are padded to, multiples of it."""
    margin_px: int
    """What a tile drops at each inner border."""
    ramp_px: int = 1
    """Over how many pixels at least neighbouring tiles fade into each other: beyond their margins they agree."""

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
        """The least overlap of neighbouring tiles, on the grid."""
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
    """The next multiple that is not less."""
    return -(-length_px // multiple_px) * multiple_px


def starts(length_px: int, tile_px: int, overlap_px: int, multiple_px: int = 1) -> tuple[int, ...]:
    """The fewest tiles that cover a side with at least the overlap, spread evenly on the grid.

    All lengths are multiples of `multiple_px`, and the tile is longer than the overlap or as long as the side.
    """
    if tile_px >= length_px:
        return (0,)
    num_gaps = -(-(length_px - tile_px) // (tile_px - overlap_px))
    num_steps = (length_px - tile_px) // multiple_px
    return tuple(index * num_steps // num_gaps * multiple_px for index in range(num_gaps + 1))


def weights(starts_px: tuple[int, ...], tile_px: int, margin_px: int) -> NDArray[np.float32]:
    """Linear fades between neighbours, nothing in the margin at inner borders; "tiles tile_px", sums to 1."""
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
