"""A connected region of a mask, with the power in it.

Memory does not grow with its length: it keeps its limits, sums, the power of its columns, and of its rows
those near its two ends.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_KEPT_ROWS = 64  # at each end
_THIN_ABOVE = 1024


@dataclass(kw_only=True)
class Region:
    """A connected part of the mask. Powers are in units of the noise of one cell."""

    first_row: int
    """Its first row, counted from the first of all rows."""
    stop_row: int
    """The row behind its last."""
    low_column: int
    """Its lowest column."""
    stop_column: int
    """The column above its highest."""
    num_cells: int
    """Pixels of the mask."""
    column_power: NDArray[np.float64]
    """For every column of the spectrogram, the power in the region's rows."""
    row_power: dict[int, float]
    """For rows near its ends, the power between its lowest and highest column."""
    confidence_sum: float
    """The mask's confidences, summed over its pixels."""
    votes: NDArray[np.int64]
    """Pixels of each class."""

    @property
    def confidence(self) -> float:
        """How sure the mask is of it, on average."""
        return self.confidence_sum / max(1, self.num_cells)

    @property
    def class_id(self) -> int:
        """The class that most of its pixels have."""
        return int(np.argmax(self.votes))

    def absorb(self, other: "Region") -> None:
        """Becomes one with another region."""
        self.first_row, self.stop_row = min(self.first_row, other.first_row), max(self.stop_row, other.stop_row)
        self.low_column = min(self.low_column, other.low_column)
        self.stop_column = max(self.stop_column, other.stop_column)
        self.num_cells += other.num_cells
        self.column_power = self.column_power + other.column_power
        self.confidence_sum += other.confidence_sum
        self.votes = self.votes + other.votes
        for row, power in other.row_power.items():
            self.row_power[row] = self.row_power.get(row, 0.0) + power
        self._thin()

    def _thin(self) -> None:
        """Forgets rows in the middle of a long region."""
        if len(self.row_power) > _THIN_ABOVE:
            for row in sorted(self.row_power)[_KEPT_ROWS : -2 * _KEPT_ROWS]:
                del self.row_power[row]


def find_parts(
    mask: NDArray[np.uint8],
    power: NDArray[np.float32],
    confidence: NDArray[np.float32] | None,
    stats: NDArray[np.int32],
    labels: NDArray[np.int32],
    first_row: int,
) -> dict[int, Region]:
    """A region for each labelled component of a block of rows; `stats` holds its left, top, width, height and area."""
    return {
        label: _part(label, mask, power, confidence, tuple(stats[label].tolist()), labels, first_row)
        for label in range(1, len(stats))
        if stats[label][4]
    }


def _part(
    label: int,
    mask: NDArray[np.uint8],
    power: NDArray[np.float32],
    confidence: NDArray[np.float32] | None,
    limits: tuple[int, ...],
    labels: NDArray[np.int32],
    first_row: int,
) -> Region:
    left, top, width, height, area = limits
    rows, columns = slice(top, top + height), slice(left, left + width)
    inside = labels[rows, columns] == label
    sums = power[rows, columns].sum(axis=1, dtype=np.float64).tolist()
    return Region(
        first_row=first_row + top,
        stop_row=first_row + top + height,
        low_column=left,
        stop_column=left + width,
        num_cells=area,
        column_power=power[rows].sum(axis=0, dtype=np.float64),
        row_power=dict(enumerate(sums, start=first_row + top)),
        confidence_sum=float(area if confidence is None else confidence[rows, columns][inside].sum()),
        votes=np.bincount(mask[rows, columns][inside], minlength=256),
    )
