"""Label images of any size in row strips: tiles are decoded with what surrounds them, and joined.

A tile sees objects near its border whole, since it is decoded with a halo. An object that it shares with the tiles
above and to the left keeps its number: in the halo both have it in the same place. Tiles depend on the image's size
alone, so the result does not depend on how its rows arrive.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lmsc_unet.imageio import RollingRows
from lmsc_unet.inference.instances import Regions, decode_instances
from lmsc_unet.inference.watershed import Labels, Mask

TILE_SIDE_PX = 1024
"""The longest side of a tile without its halo."""
HALO_PX = 96
"""What a tile sees around itself: objects up to this size are those of the whole image."""
STRIP_ROWS = 64
"""Rows yielded at a time."""
_SAME_IOU = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledRows:
    """A row strip of a label image."""

    labels: Labels
    """Objects numbered 1, 2, ... in the order of their first pixels, "h W"; 0 is background."""
    mask: Mask
    """The foreground, "h W"; small specks of it have no label."""


def label_image(regions: Regions) -> Labels:
    """The objects of a whole image "H W", numbered 1, 2, ... in the order of their first pixels; 0 is background."""
    return np.concatenate([rows.labels for rows in label_rows([regions], *regions.shape)])


def label_rows(strips: Iterable[Regions], height_px: int, width_px: int) -> Iterator[LabelledRows]:
    """Labels an image that arrives in strips "h W" from top to bottom; holds one row of tiles."""
    held, everything = RollingRows(strip[:, :, np.newaxis] for strip in strips), slice(0, width_px)
    names, above = _Names(), np.zeros((0, width_px), np.int32)
    for top, bottom in pairwise(edges(height_px)):
        first = top - len(above)
        regions = held.window(slice(first, min(height_px, bottom + HALO_PX)), everything)[:, :, 0]
        labels = np.concatenate([above, np.zeros((bottom - top, width_px), np.int32)])
        for left, right in pairwise(edges(width_px)):
            _add_tile(regions, labels, slice(top - first, bottom - first), slice(left, right), names)
        for start in range(top - first, bottom - first, STRIP_ROWS):
            rows = slice(start, min(start + STRIP_ROWS, bottom - first))
            yield LabelledRows(labels=names.numbered(labels[rows]), mask=regions[rows] > 0)
        above = labels[-HALO_PX:].copy()
        del labels, regions  # before the next row of tiles is decoded


def edges(length_px: int) -> list[int]:
    """The borders of the tiles along a side, as evenly as possible."""
    num_tiles = -(-length_px // TILE_SIDE_PX)
    return [place * length_px // num_tiles for place in range(num_tiles + 1)]


class _Names:
    """Names of objects in the order in which they are found, and their numbers in the order of their first pixels."""

    def __init__(self) -> None:
        self._numbers = np.zeros(1024, np.int32)  # by name; longer than needed, so that it seldom grows
        self._num_names, self._num_numbered = 1, 0  # 0 is the background

    def new(self, count: int) -> Labels:
        """The names of objects that no tile had before."""
        start, self._num_names = self._num_names, self._num_names + count
        if self._num_names > len(self._numbers):
            self._numbers = np.concatenate([self._numbers, np.zeros(self._num_names, np.int32)])
        return np.arange(start, self._num_names, dtype=np.int32)

    def numbered(self, labels: Labels) -> Labels:
        """The next rows by numbers instead of names."""
        flat = labels.ravel()
        unnumbered = flat[(self._numbers[flat] == 0) & (flat > 0)]
        names, firsts = np.unique(unnumbered, return_index=True)
        start = self._num_numbered + 1
        self._numbers[names[np.argsort(firsts)]] = np.arange(start, start + len(names), dtype=np.int32)
        self._num_numbered += len(names)
        return self._numbers[labels]


def _add_tile(regions: Regions, labels: Labels, rows: slice, columns: slice, names: _Names) -> None:
    """Decodes a tile with its halo and writes its names into the labels, in which those above and to the left are."""
    first = max(0, columns.start - HALO_PX)
    found = decode_instances(regions[:, first : columns.stop + HALO_PX])
    known = labels[:, first : columns.stop + HALO_PX].copy()
    known[rows, columns.start - first :] = 0  # of this tile, and not decided yet
    name_of = np.zeros(int(found.max(initial=0)) + 1, np.int32)
    is_decided = np.ones(known.shape, np.bool_)
    is_decided[rows, columns.start - first :] = False
    own, other = _same_objects(found[: len(known)][is_decided], known[is_decided])
    name_of[own] = other
    is_new = name_of == 0
    is_new[0] = False
    name_of[is_new] = names.new(int(is_new.sum()))
    labels[rows, columns] = name_of[found[rows, columns.start - first : columns.stop - first]]


def _same_objects(found: Labels, known: Labels) -> tuple[Labels, Labels]:
    """The labels of objects in both label images of the same pixels: those with an IoU above one half."""
    is_both = (found > 0) & (known > 0)
    size = int(known.max(initial=0)) + 1
    pairs, shared_px = np.unique(found[is_both].astype(np.int64) * size + known[is_both], return_counts=True)
    own, other = (labels.astype(np.int32) for labels in np.divmod(pairs, size))
    unions_px = np.bincount(found, minlength=1)[own] + np.bincount(known, minlength=1)[other] - shared_px
    is_same = shared_px > _SAME_IOU * unions_px
    return own[is_same], other[is_same]
