"""Images that continue each other at an edge: neighbouring crops of one picture, which a split must not separate.

The last row of one is nearly the first row of the other. No pair of NuInsSeg's 665 patches is found, which are no
neighbours; of the 2018 Data Science Bowl's 535 images, 396 are crops of 103 pictures (`lmsc data check`).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_PX = 64
"""Shorter edges resemble each other by chance."""
LEAST_CORRELATION = 0.9
"""Of two edges."""
LEAST_DETAIL = 0.8
"""The same without what is smoother than `WINDOW_PX`, such as the light's own course."""
LEAST_SHARE = 0.05
"""Of that detail in an edge; an edge that is only smooth says nothing."""
WINDOW_PX = 33
MOST_STEP = 0.3
"""Difference of the edges' means, by the smaller standard deviation."""
_BLOCK = 1024
Edge = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageEdges:
    """The outermost pixels of an image, mean over its channels."""

    top: Edge
    """From left to right, as `bottom`."""
    bottom: Edge
    left: Edge
    """From top to bottom, as `right`."""
    right: Edge


def edges_of(image: NDArray[Any]) -> ImageEdges:
    """The edges of an image "H W C"; missing pixels are 0."""
    top, bottom, left, right = (
        np.nan_to_num(edge.astype(np.float32).mean(axis=1)) for edge in (image[0], image[-1], image[:, 0], image[:, -1])
    )
    return ImageEdges(top=top, bottom=bottom, left=left, right=right)


def neighbours(images: Sequence[ImageEdges]) -> Iterator[tuple[int, int]]:
    """The pairs of images of which the second continues the first below or at its right."""
    for one, other in (("bottom", "top"), ("right", "left")):
        by_length: dict[int, list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            by_length[len(getattr(image, one))].append(index)
        for length, indices in by_length.items():
            if length >= LEAST_PX and len(indices) > 1:
                first, second = (np.stack([getattr(images[index], side) for index in indices]) for side in (one, other))
                yield from ((indices[a], indices[b]) for a, b in _continued(first, second))


def groups_of(number: int, pairs: Sequence[tuple[int, int]]) -> Mapping[int, list[int]]:
    """The images from 0 to `number` that pairs connect, by the first of each group of two and more."""
    group = list(range(number))

    def first(index: int) -> int:
        while group[index] != index:
            group[index] = index = group[group[index]]
        return index

    for pair in pairs:
        low, high = sorted(map(first, pair))
        group[high] = low
    members: dict[int, list[int]] = defaultdict(list)
    for index in range(number):
        members[first(index)].append(index)
    return {one: found for one, found in members.items() if len(found) > 1}


def _continued(first: NDArray[np.float32], second: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    """The rows of two tables "N length" of edges that fit, without an image to itself."""
    shapes, fine = ([of(edges) for edges in (first, second)] for of in (_without_mean, _detail))
    plain = [_unit(edges, np.linalg.norm(edges, axis=1)) for edges in shapes]
    detail = [
        _unit(edges, np.maximum(np.linalg.norm(edges, axis=1), LEAST_SHARE * np.linalg.norm(whole, axis=1)))
        for edges, whole in zip(fine, shapes, strict=True)
    ]
    means, deviations = first.mean(1), first.std(1)
    for start in range(0, len(first), _BLOCK):
        rows = slice(start, start + _BLOCK)
        fits = (plain[0][rows] @ plain[1].T >= LEAST_CORRELATION) & (detail[0][rows] @ detail[1].T >= LEAST_DETAIL)
        for a, b in zip(*np.nonzero(fits), strict=True):
            row = start + int(a)
            spread = min(deviations[row], second[b].std())
            if row != b and abs(means[row] - second[b].mean()) <= MOST_STEP * spread:
                yield row, int(b)


def _without_mean(edges: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(edges - edges.mean(axis=1, keepdims=True), np.float32)


def _detail(edges: NDArray[np.float32]) -> NDArray[np.float32]:
    """The edges without their ends, less the mean of a window around each pixel."""
    half, sums = WINDOW_PX // 2, np.cumsum(np.pad(edges, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    return np.asarray(edges[:, half:-half] - (sums[:, WINDOW_PX:] - sums[:, :-WINDOW_PX]) / WINDOW_PX, np.float32)


def _unit(edges: NDArray[np.float32], lengths: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(edges / np.maximum(lengths, 1e-6)[:, np.newaxis], np.float32)
