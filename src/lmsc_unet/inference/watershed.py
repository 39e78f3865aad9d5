"""Splits a mask into its objects: a watershed on the distance to the background.

Every pixel climbs to its highest neighbour, so that each hill of the distance map is a basin. Two basins are one object
if the pass between them is nearly as high as the lower of their peaks: objects that touch at a neck are separated, an
uneven outline separates nothing. That depends on proportions, not on a size in pixels.
"""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]
Heights = NDArray[np.uint16]

MOST_PX = 127
"""Distances are cut here: wider objects have a plateau instead of a peak."""
LEVELS = 16
"""Levels of height per pixel of distance."""
NUM_SMOOTHINGS = 2
"""Passes of the filter 1 2 1 over the distance map, which take off the peaks of uneven outlines."""
_BLOCK_VALUES = 1 << 17  # fits the second-level cache
_SELF = 4
_POWERS_OF_2 = (1, 2, 4, 8, 16, 32, 64)


def basins(mask: Mask, least_pass: float, kept: NDArray[np.uint8] | None = None) -> Labels:
    """Objects of a mask "H W" as labels in no order; 0 outside the mask.

    Two basins are one object from a pass of `least_pass` times the lower of their peaks on. Of its height, a pixel
    keeps `kept` / 255, all if not given.
    """
    levels = distance_levels(mask)
    if kept is not None:
        levels = (levels.astype(np.uint32) * kept // 255).astype(np.uint16)
    heights = smooth(levels, NUM_SMOOTHINGS)
    width = mask.shape[1] + 2  # a border of background, so that every pixel has eight neighbours
    padded = np.zeros((mask.shape[0] + 2, width), np.uint16)
    np.maximum(heights, 1, out=padded[1:-1, 1:-1], where=mask)
    steps = np.array([-width - 1, -width, -width + 1, -1, 0, 1, width - 1, width, width + 1], np.int32)
    flat = np.flatnonzero(padded > 0).astype(np.int32)
    if not len(flat):
        return np.zeros(mask.shape, np.int32)
    hills, peaks = _climb(padded, flat, steps)
    labels = np.zeros(padded.size, np.int32)
    labels[flat] = hills
    merged = _merge(labels, padded.ravel(), flat, steps, padded.ravel()[peaks], least_pass)
    labels[flat] = merged[hills]
    return labels.reshape(padded.shape)[1:-1, 1:-1]


def distance_levels(mask: Mask) -> Heights:
    """The Euclidean distance of each pixel of a mask "H W" to the nearest background, in 1/16 px, up to 127 px.

    What lies beyond the image is not background.
    """
    squares = _vertical_px(mask).astype(np.int16)
    squares *= squares
    roots = np.rint(LEVELS * np.sqrt(np.arange(MOST_PX**2 + 1))).astype(np.uint16)
    levels = np.empty(mask.shape, np.uint16)
    step = max(1, _BLOCK_VALUES // max(1, mask.shape[1]))
    for top in range(0, len(mask), step):
        levels[top : top + step] = roots[_nearest(squares[top : top + step])]
    return levels


def _vertical_px(mask: Mask) -> NDArray[np.uint8]:
    """The distance to the nearest background in the same column, at most `MOST_PX`."""
    distance_px = mask * np.uint8(MOST_PX)
    for rows in (distance_px, distance_px[::-1]):
        for shift in _POWERS_OF_2:  # every distance is a sum of these
            np.minimum(rows[shift:], rows[:-shift] + np.uint8(shift), out=rows[shift:])
    return distance_px


def _nearest(squares: NDArray[np.int16]) -> NDArray[np.int16]:
    """The least of square + shift^2 over all shifts along the rows, from squares of vertical distances."""
    nearest, shifted = squares.copy(), np.empty_like(squares)
    shift = 1
    while shift < squares.shape[1] and shift * shift < nearest.max():
        further = np.add(squares, np.int16(shift * shift), out=shifted)
        np.minimum(nearest[:, shift:], further[:, :-shift], out=nearest[:, shift:])
        np.minimum(nearest[:, :-shift], further[:, shift:], out=nearest[:, :-shift])
        shift += 1
    return nearest


def smooth(heights: Heights, num_passes: int) -> Heights:
    """The filter 1 2 1 along rows and columns; the edge is repeated."""
    for _ in range(num_passes):
        for axis in (0, 1):
            wide = np.pad(heights, [(1, 1) if axis == side else (0, 0) for side in (0, 1)], mode="edge")
            before, after = (wide[:-2], wide[2:]) if axis == 0 else (wide[:, :-2], wide[:, 2:])
            heights = np.asarray((before + after + 2 * heights + 2) >> 2, np.uint16)
    return heights


def _climb(
    heights: Heights, flat: NDArray[np.int32], steps: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The hill of each pixel of the mask, from 1, and the flat index of each hill's peak.

    Of equally high neighbours the last one is taken, so that no path is a circle.
    """
    keys = np.zeros(heights.shape, np.uint16)
    inner, raised = keys[1:-1, 1:-1], heights << 4
    height, width = inner.shape
    block = max(1, _BLOCK_VALUES // width)
    for top in range(0, height, block):
        rows = inner[top : top + block]
        for code in range(len(steps)):
            down, right = divmod(code, 3)
            moved = raised[top + down : top + down + len(rows), right : right + width]
            np.maximum(rows, moved | np.uint16(code), out=rows)
    places = np.zeros(heights.size, np.int32)
    places[flat] = np.arange(len(flat), dtype=np.int32)
    up = places[flat + steps[keys.ravel()[flat] & 15]]
    while True:
        further = up[up]
        if np.array_equal(further, up):
            break
        up = further
    is_peak = up == np.arange(len(up))
    numbers = np.cumsum(is_peak, dtype=np.int32)
    return numbers[up], flat[is_peak]


def _merge(
    labels: Labels,
    heights: Heights,
    flat: NDArray[np.int32],
    steps: NDArray[np.int32],
    peaks: Heights,
    least_pass: float,
) -> Labels:
    """The object of each hill, from 1; the first is for the background."""
    one, other, passes = _passes(labels, heights, flat, steps[_SELF + 1 :], len(peaks) + 1)
    parents, tops = list(range(len(peaks) + 1)), [0, *peaks.tolist()]
    for first, second, saddle in zip(one.tolist(), other.tolist(), passes.tolist(), strict=True):
        left, right = _root(parents, first), _root(parents, second)
        if left == right:
            continue
        low, high = (left, right) if tops[left] <= tops[right] else (right, left)
        if saddle >= least_pass * tops[low]:
            parents[low] = high
    return np.array([_root(parents, hill) for hill in range(len(parents))], np.int32)


def _root(parents: list[int], hill: int) -> int:
    while parents[hill] != hill:
        parents[hill] = parents[parents[hill]]
        hill = parents[hill]
    return hill


def _passes(
    labels: Labels, heights: Heights, flat: NDArray[np.int32], steps: NDArray[np.int32], num_labels: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Each pair of neighbouring hills with the height of the highest pass between them, the highest pass first."""
    own, own_height = labels[flat], heights[flat]
    keys = []
    for step in steps:
        beside = labels[flat + step]
        is_edge = np.flatnonzero((beside != own) & (beside > 0))
        left, right = own[is_edge].astype(np.int64), beside[is_edge]
        saddle = np.minimum(own_height[is_edge], heights[flat[is_edge] + step])
        keys.append((np.minimum(left, right) * num_labels + np.maximum(left, right)) << 12 | saddle)
    together = np.sort(np.concatenate(keys))
    pairs = together >> 12
    highest = together[np.flatnonzero(np.diff(pairs, append=-1))]
    highest = highest[np.argsort(-(highest & 4095), kind="stable")]
    one, other = np.divmod(highest >> 12, num_labels)
    return one, other, highest & 4095
