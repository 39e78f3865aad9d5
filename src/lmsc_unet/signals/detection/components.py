"""Connected components of a mask: its runs along rows, joined with those they touch in the row above."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]
MIN_CELLS = 12
"""Cells of a mask: components of fewer are noise."""
Signed = TypeVar("Signed", bound=np.signedinteger[Any])


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs:
    """The runs of cells along the rows of a mask, in order, and the component of each."""

    starts: Indices
    """First cell of each run, counted along rows of one cell more than the mask has: it parts the rows."""
    stops: Indices
    """The cell behind its last."""
    labels: Indices
    """Number of its component, from 1, in the order in which the components begin."""
    shape: tuple[int, int]
    """Rows and columns of the mask."""

    @property
    def count(self) -> int:
        """Components."""
        return int(self.labels.max(initial=0))

    def limits(self) -> NDArray[np.int32]:
        """Left, top, width, height and area of each component; the first row is the background's and empty."""
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
        """A plane "T F" in which the cells of each run have the run's value, and all others 0."""
        height, width = self.shape
        steps = np.zeros(height * (width + 1) + 1, values.dtype)
        steps[self.starts] = values
        steps[self.stops] = -values
        return np.add.accumulate(steps, out=steps)[:-1].reshape(height, width + 1)[:, :width]

    def at(self, cells: NDArray[np.bool_]) -> Indices:
        """The runs that hold one of some cells "T F", which may lie outside of all runs."""
        rows, columns = np.nonzero(cells)
        places = rows * (self.shape[1] + 1) + columns
        found = np.searchsorted(self.starts, places, "right") - 1
        is_inside = (found >= 0) & (places < self.stops[found]) if len(self.starts) else np.zeros(len(found), np.bool_)
        return found[is_inside]


def find_runs(mask: NDArray[np.uint8] | NDArray[np.bool_]) -> Runs:
    """The runs of the cells of "T F" that are not 0; cells that touch at a corner are of one component."""
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
    """A mask "T F" of class ids without its components of fewer cells."""
    runs = find_runs(mask)
    is_kept = runs.limits()[:, 4] >= min_cells
    return np.where(is_kept[runs.paint(runs.labels)], mask, 0).astype(np.uint8)


def _roots(starts: Indices, stops: Indices, stride: int) -> Indices:
    """For each run the first run of its component."""
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
    """Each entry led on to where its chain ends."""
    while True:
        further = roots[roots]
        if np.array_equal(further, roots):
            return roots
        roots = further


def _touching(starts: Indices, stops: Indices, stride: int) -> tuple[Indices, Indices]:
    """Pairs of runs of neighbouring rows, the lower and the upper, that share a side or a corner."""
    first = np.searchsorted(stops + stride, starts, "left")
    counts = np.searchsorted(starts + stride, stops, "right") - first
    lower = np.repeat(np.arange(len(starts)), counts)
    within = np.arange(len(lower)) - np.repeat(np.cumsum(counts) - counts, counts)
    return lower, first[lower] + within


def _numbered(roots: Indices) -> Indices:
    """Roots as numbers from 1 without gaps."""
    return np.cumsum(roots == np.arange(len(roots)))[roots]
