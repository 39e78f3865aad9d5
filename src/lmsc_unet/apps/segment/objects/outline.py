"""Outlines along pixel edges: polygons that hold exactly the pixels of an object.

Each row of vertices has corners where the pixels above and below it differ: two by two, they are the ends of horizontal
edges, and along columns those of vertical edges. Where two pixels touch at a corner only, each keeps its own corner, so
that the pieces of an object are polygons of their own and no ring crosses or touches itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.apps.segment.objects.image_object import ImageObject, Indices

Point = tuple[int, int]
"""x and y in pixels; the first pixel of an image reaches from 0 to 1."""
Ring = list[Point]
"""The corners of a closed line; the first is not repeated. The object lies to the right of each edge."""


@dataclass(frozen=True, kw_only=True)
class PixelPolygon:
    """A piece of an object whose pixels share sides."""

    exterior: Ring
    """Its outline, clockwise as the image is displayed."""
    holes: tuple[Ring, ...] = ()
    """What lies in it and does not belong to it, counterclockwise."""


@lru_cache(maxsize=1)  # several formats ask in turn
def polygons_of(shape: ImageObject) -> tuple[PixelPolygon, ...]:
    """The pieces of an object, in the order of their first pixels."""
    rings = list(_rings(shape))
    areas = [_doubled_area(ring) for ring in rings]
    exteriors = [ring for ring, area in zip(rings, areas, strict=True) if area > 0]
    holes = [ring for ring, area in zip(rings, areas, strict=True) if area < 0]
    if len(exteriors) == 1:
        return (PixelPolygon(exterior=exteriors[0], holes=tuple(holes)),)
    piece_of = _Pieces(shape)
    inner: dict[int, list[Ring]] = {piece_of.ring(ring): [] for ring in exteriors}
    for hole in holes:
        inner[piece_of.ring(hole)].append(hole)
    return tuple(PixelPolygon(exterior=ring, holes=tuple(inner[piece_of.ring(ring)])) for ring in exteriors)


def one_path(polygons: Sequence[PixelPolygon]) -> Ring:
    """All rings as one closed line, joined by lines without width, for formats that know no holes and no pieces.

    Filled by either rule (even-odd or nonzero), it holds the pixels of the polygons.
    """
    first, *others = (ring for polygon in polygons for ring in (polygon.exterior, *polygon.holes))
    path = list(first)
    for ring in others:
        path += [first[0], *ring, ring[0]]
    return [*path, first[0]] if others else path


def _rings(shape: ImageObject) -> Iterator[Ring]:
    """All rings, in the order of their first corners; none touches itself."""
    x, y, is_start, is_below, touches = _corners(shape)
    order = np.lexsort((is_start, y, x))
    above_or_below = np.empty(len(x), np.int64)
    above_or_below[order[0::2]], above_or_below[order[1::2]] = order[1::2], order[0::2]
    has_object_below = np.flatnonzero((is_start == is_below)[0::2]) * 2  # between a left end and its right end
    points, vertical = list(zip(x.tolist(), y.tolist(), strict=True)), above_or_below.tolist()
    is_done = bytearray(len(points))
    for first in has_object_below.tolist():
        if is_done[first]:
            continue
        ring, corner = [], first
        while not is_done[corner]:
            is_done[corner] = True
            ring += [points[corner], points[corner ^ 1]]
            corner = vertical[corner ^ 1]
        yield from _without_touching(ring) if touches else [ring]


def _corners(shape: ImageObject) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], bool]:
    """The corners in raster order: x, y, whether a run starts or stops there, and whether it lies below or above.

    Also whether pixels touch at corners only: there are two corners, that of the left horizontal edge first.
    """
    rows, starts, stops = shape.rows, shape.starts, shape.stops
    x = np.concatenate([starts, stops, starts, stops])
    y = np.concatenate([rows + 1, rows + 1, rows, rows])
    is_start = np.repeat([True, False, True, False], len(rows))
    is_below = np.repeat([False, True], 2 * len(rows))
    order = np.lexsort((is_below, x, y))
    x, y, is_start, is_below = x[order], y[order], is_start[order], is_below[order]
    is_twice = np.flatnonzero((x[1:] == x[:-1]) & (y[1:] == y[:-1]))
    is_straight = is_start[is_twice] == is_start[is_twice + 1]
    kept = np.ones(len(x), np.bool_)
    kept[is_twice[is_straight]] = kept[is_twice[is_straight] + 1] = False
    return x[kept], y[kept], is_start[kept], is_below[kept], not is_straight.all()


def _without_touching(ring: Ring) -> Iterator[Ring]:
    """Cuts a ring where it comes back to one of its corners."""
    path: Ring = []
    places: dict[Point, int] = {}
    for point in ring:
        if point in places:
            start = places[point]
            yield path[start:]
            for passed in path[start:]:
                del places[passed]
            del path[start:]
        places[point] = len(path)
        path.append(point)
    yield path


def _doubled_area(ring: Ring) -> int:
    """Twice the area; negative for holes."""
    return sum(x * below - right * y for (x, y), (right, below) in zip(ring, [*ring[1:], ring[0]], strict=True))


class _Pieces:
    """The pieces of an object, by the pixels on the right of rings."""

    def __init__(self, shape: ImageObject) -> None:
        self._stride = int(shape.stops.max()) + 1
        self._starts = shape.rows * self._stride + shape.starts
        self._parents = list(range(len(self._starts)))
        for lower, upper in zip(*_sharing_sides(self._starts, self._starts + shape.stops - shape.starts, self._stride)):  # noqa: B905
            one, other = self._root(int(lower)), self._root(int(upper))
            self._parents[max(one, other)] = min(one, other)

    def ring(self, ring: Ring) -> int:
        """The piece of a ring."""
        x, y = next(one for one, other in pairwise([*ring, ring[0]]) if other[0] > one[0])
        return self._root(int(np.searchsorted(self._starts, y * self._stride + x, "right")) - 1)

    def _root(self, run: int) -> int:
        while self._parents[run] != run:
            self._parents[run] = self._parents[self._parents[run]]
            run = self._parents[run]
        return run


def _sharing_sides(starts: Indices, stops: Indices, stride: int) -> tuple[Indices, Indices]:
    """Pairs of runs in neighbouring rows, lower and upper, that share the side of a pixel."""
    first = np.searchsorted(stops + stride, starts, "right")
    counts = np.maximum(np.searchsorted(starts + stride, stops, "left") - first, 0)
    lower = np.repeat(np.arange(len(starts)), counts)
    within = np.arange(len(lower)) - np.repeat(np.cumsum(counts) - counts, counts)
    return lower, first[lower] + within
