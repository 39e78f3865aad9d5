"""A connected region of a mask: bounds, sums and the power per column."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Power = NDArray[np.float32]
END_ROWS = 64
"""Rows at each end in which a signal's start and stop are located."""


@dataclass(kw_only=True, eq=False)
class Region:
    """A connected part of the mask. Powers are in units of the noise per cell."""

    first_row: int
    """First row, counted over all blocks."""
    stop_row: int
    """One past the last row."""
    low_column: int
    """Lowest column."""
    stop_column: int
    """One past the highest column."""
    num_cells: int
    """Number of mask pixels."""
    confidence_sum: float
    """Sum of the mask's confidences, weighted by power."""
    weight: float
    """Sum of these weights."""
    is_seeded: bool
    """Whether it holds a cell that a region may start from."""
    votes: NDArray[np.int64]
    """Pixels per class."""
    column_power: NDArray[np.float64]
    """Power per column of the spectrogram over the region's rows, each row counted once."""
    head: Power
    """The first rows "T F" of an open region, up to `END_ROWS`."""
    end_rows: list[Power] = field(default_factory=list)
    """Of a finished region: its rows "T F" in order; for a long one, those near its ends."""
    before: Power | None = None
    """Of a finished region that is not long: the row "1 F" before its first one."""
    after: Power | None = None
    """The row after its last one."""

    @property
    def confidence(self) -> float:
        """Mean confidence of the mask, weighted by power: what noise adds to a signal counts little."""
        return self.confidence_sum / max(1e-9, self.weight)

    @property
    def class_id(self) -> int:
        """The most frequent class of its pixels."""
        return int(np.argmax(self.votes))

    def absorb(self, other: "Region") -> None:
        """Merges another region into this one.

        Merged regions reach the same row, so the rows of the earlier region cover both.
        """
        if other.first_row < self.first_row:
            self.column_power, self.head = other.column_power, other.head
        self.first_row, self.stop_row = min(self.first_row, other.first_row), max(self.stop_row, other.stop_row)
        self.low_column = min(self.low_column, other.low_column)
        self.stop_column = max(self.stop_column, other.stop_column)
        self.num_cells += other.num_cells
        self.confidence_sum += other.confidence_sum
        self.weight += other.weight
        self.is_seeded |= other.is_seeded
        self.votes = self.votes + other.votes
