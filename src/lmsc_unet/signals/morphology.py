"""Mean, maximum and minimum filters over small windows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]
_BLOCK_VALUES = 1 << 16  # fits the second-level cache


def window_means(values: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """The mean of the `rows` x `columns` window around each cell of "T F", mirrored at the edges.

    The sum of each window is computed separately, so a strong cell leaves no rounding error behind.
    """
    means = over_windows(np.add, values, rows, columns)
    means *= np.float32(1 / (rows * columns))
    return means


def closed(mask: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Fills gaps of less than `rows` or `columns` cells in a mask "T F" (morphological closing)."""
    grown = over_windows(np.maximum, mask, rows, columns)
    return over_windows(np.minimum, grown[::-1, ::-1], rows, columns)[::-1, ::-1]


def over_windows(combine: np.ufunc, values: AnyArray, rows: int, columns: int) -> AnyArray:
    """Combines the `rows` x `columns` window around each cell of "T F", mirrored at the edges.

    For maxima and minima this equals ignoring cells beyond the edge.
    """
    before = [(size // 2, size - 1 - size // 2) for size in (rows, columns)]
    padded = np.pad(values, before, mode="symmetric")
    combined = np.empty_like(values)
    step = max(1, _BLOCK_VALUES // max(1, values.shape[1]))
    for start in range(0, len(values), step):
        block = padded[start : start + step + rows - 1]
        _slide(combine, _slide(combine, block.T, columns).T, rows, combined[start : start + step])
    return combined


def _slide(combine: np.ufunc, values: AnyArray, size: int, out: AnyArray | None = None) -> AnyArray:
    """Combines `size` consecutive rows, for each first row."""
    count = len(values) - size + 1
    if out is None:
        out = np.empty_like(values[:count])
    np.copyto(out, values[:count])
    for shift in range(1, size):
        combine(out, values[shift : shift + count], out=out)
    return out


def highest_around(values: AnyArray, reach: int, *, axis: int) -> AnyArray:
    """The highest value within `reach` cells on both sides along an axis; cells beyond the edge are ignored.

    Doubles the window in each step, so that wide windows are cheap.
    """
    moved = np.moveaxis(values, axis, 0)
    size = min(2 * reach + 1, 2 * len(moved) - 1)
    reach = size // 2
    pad = [(reach, reach)] + [(0, 0)] * (moved.ndim - 1)
    best, width = np.pad(moved, pad, mode="edge"), 1
    while 2 * width <= size:
        best = np.maximum(best[: len(best) - width], best[width:])
        width *= 2
    if width < size:
        best = np.maximum(best[: len(best) - (size - width)], best[size - width :])
    return np.moveaxis(best, 0, axis)
