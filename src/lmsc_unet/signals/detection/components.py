"""Connected components of a mask: runs along rows, merged with the runs that they touch in the row above."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]
MIN_CELLS = 12
"""Components with fewer cells are noise."""
Signed = TypeVar("Signed", bound=np.signedinteger[Any])


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs:
    """The runs of cells along a mask's rows, in order, with their components."""

    starts: Indices
    """First cell of each run, in flat indices of a mask with one extra column, which separates rows."""
    stops: Indices
    """One past the last cell."""
    labels: Indices
    """Component number from 1, ordered by the components' first run."""
    shape: tuple[int, int]
    """Rows and columns of the mask."""

    @property
    def count(self) -> int:
        """Components."""
        return int(self.labels.max(initial=0))

    def limits(self) -> NDArray[np.int32]:
        """Left, top, width, height and area of each component; the first row is for the background and empty."""
        stride = self.shape[1] + 1
        rows, lefts = np.divmod(self.starts, stride)
        lengths = self.stops - self.starts
        limits = np.zeros((self.count + 1, 5), np.int32)
        limits[1:, :2] = max(self.shape)
        np.minimum.at(limits[:, 0], self.labels, lefts)
        np.minimum.at(limits[:, 1], self.labels, rows)
        np.maximum.at(limits[:, 2], self.labels, lefts + lengths)
        np.maximum.at(limits[:, 3], self.labels, rows + 1)
        limits[:, 2:4] -= limits[:, :2]
        limits[:, 4] = np.bincount(self.labels, lengths, len(limits))
        return limits

    def paint(self, values: NDArray[Signed]) -> NDArray[Signed]:
        """A plane "T F" with each run's value in its cells, and 0 elsewhere."""
        height, width = self.shape
        steps = np.zeros(height * (width + 1) + 1, values.dtype)
        steps[self.starts] = values
        steps[self.stops] = -values
        return np.add.accumulate(steps, out=steps)[:-1].reshape(height, width + 1)[:, :width]

    def at(self, cells: NDArray[np.bool_]) -> Indices:
        """The runs that contain at least one of the cells "T F"; cells outside all runs are ignored."""
        rows, columns = np.nonzero(cells)
        places = rows * (self.shape[1] + 1) + columns
        found = np.searchsorted(self.starts, places, "right") - 1
        is_inside = (found >= 0) & (places < self.stops[found]) if len(self.starts) else np.zeros(len(found), np.bool_)
        return found[is_inside]


def find_runs(mask: NDArray[np.uint8] | NDArray[np.bool_]) -> Runs:
    """The runs of nonzero cells of "T F"; cells that touch at a corner are connected."""
    height, width = mask.shape
    spaced = np.zeros((height, width + 1), np.bool_)
    np.not_equal(mask, 0, out=spaced[:, :width])
    flat = spaced.reshape(-1)
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat.size and flat[0]:
        edges = np.concatenate([[0], edges])
    starts, stops = edges[0::2], edges[1::2]
    return Runs(starts=starts, stops=stops, labels=_numbered(_roots(starts, stops, width + 1)), shape=(height, width))


def without_specks(mask: NDArray[np.uint8], min_cells: int = MIN_CELLS) -> NDArray[np.uint8]:
    """A mask "T F" of class ids without small components."""
    runs = find_runs(mask)
    is_kept = runs.limits()[:, 4] >= min_cells
    return np.where(is_kept[runs.paint(runs.labels)], mask, 0).astype(np.uint8)


def _roots(starts: Indices, stops: Indices, stride: int) -> Indices:
    """The first run of each run's component."""
    lower, upper = _touching(starts, stops, stride)
    roots = np.arange(len(starts))
    while len(lower):
        one, other = roots[lower], roots[upper]
        is_open = one != other
        lower, upper, one, other = lower[is_open], upper[is_open], one[is_open], other[is_open]
        np.minimum.at(roots, np.maximum(one, other), np.minimum(one, other))
        roots = _flat(roots)
    return roots


def _flat(roots: Indices) -> Indices:
    """Follows each entry to the end of its chain."""
    while True:
        further = roots[roots]
        if np.array_equal(further, roots):
            return roots
        roots = further


def _touching(starts: Indices, stops: Indices, stride: int) -> tuple[Indices, Indices]:
    """Pairs of runs in neighbouring rows, lower and upper, that share a side or a corner."""
    first = np.searchsorted(stops + stride, starts, "left")
    counts = np.searchsorted(starts + stride, stops, "right") - first
    lower = np.repeat(np.arange(len(starts)), counts)
    within = np.arange(len(lower)) - np.repeat(np.cumsum(counts) - counts, counts)
    return lower, first[lower] + within


def _numbered(roots: Indices) -> Indices:
    """Numbers the roots from 1 without gaps."""
    return np.cumsum(roots == np.arange(len(roots)))[roots]
