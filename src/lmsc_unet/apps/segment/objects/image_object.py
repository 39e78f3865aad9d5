"""One object of an image as runs of pixels along rows: exact, and small whatever its size."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
_MOST_PAINTED_PX = 1 << 22


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageObject:
    """The pixels of one object, and the sums of the image's values there."""

    label: int
    """Its number, from 1."""
    class_id: int
    """Its class."""
    rows: Indices
    """The row of each run. Runs are in raster order; no two of a row touch."""
    starts: Indices
    """The first column of each run."""
    stops: Indices
    """One past the last column."""
    sums: NDArray[np.float64]
    """The sum of the values of each channel."""

    @property
    def area_px(self) -> int:
        """Its pixels."""
        return int((self.stops - self.starts).sum())

    @property
    def box_px(self) -> tuple[int, int, int, int]:
        """Left, top, width and height."""
        left, top = int(self.starts.min()), int(self.rows[0])
        return left, top, int(self.stops.max()) - left, int(self.rows[-1]) + 1 - top

    def paint(self, rows: slice, columns: slice) -> NDArray[np.bool_]:
        """Its pixels in a window "h w" of the image; the window may reach beyond the image."""
        first, last = np.searchsorted(self.rows, [rows.start, rows.stop])
        height, width = rows.stop - rows.start, columns.stop - columns.start
        lefts = np.clip(self.starts[first:last] - columns.start, 0, width)
        rights = np.clip(self.stops[first:last] - columns.start, 0, width)
        places = (self.rows[first:last] - rows.start) * (width + 1)
        steps = np.zeros(height * (width + 1) + 1, np.int8)
        np.add.at(steps, places + lefts, np.int8(1))
        np.subtract.at(steps, places + rights, np.int8(1))
        painted = np.add.accumulate(steps, out=steps)[:-1].reshape(height, width + 1)[:, :width]
        return painted.view(np.bool_)

    def bands(self) -> Iterator[slice]:
        """Its rows in slices whose windows as wide as the object are small enough to be painted."""
        _, top, width, height = self.box_px
        step = max(1, _MOST_PAINTED_PX // width)
        return (slice(start, min(start + step, top + height)) for start in range(top, top + height, step))
