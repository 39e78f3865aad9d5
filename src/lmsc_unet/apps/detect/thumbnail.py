"""A spectrogram of any length in a few hundred lines, made as its rows pass by."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]


class Thumbnail:
    """Keeps mean and maximum of as many rows a line as it takes for at most `2 * num_lines` lines.

    The mean alone would hide a short burst in a long recording, the maximum alone would turn noise bright;
    what is drawn is halfway between the two.
    """

    def __init__(self, num_lines: int = 512) -> None:
        self.num_lines = num_lines
        self.rows_per_line = 1
        self.num_rows = 0
        self._pending: Rows | None = None
        self._mean: list[Rows] = []
        self._highest: list[Rows] = []
        self._count = 0

    def add(self, rows_db: Rows) -> None:
        """Takes the next rows "T F" in."""
        self.num_rows += len(rows_db)
        rows = rows_db if self._pending is None else np.concatenate([self._pending, rows_db])
        whole = len(rows) - len(rows) % self.rows_per_line
        self._pending = rows[whole:].copy()
        if whole:
            lines = rows[:whole].reshape(-1, self.rows_per_line, rows.shape[1])
            self._mean.append(lines.mean(axis=1))
            self._highest.append(lines.max(axis=1))
            self._count += len(lines)
        while self._count >= 2 * self.num_lines:
            self._halve()

    def lines(self) -> Rows:
        """The picture so far "lines F" in dB; its last line may stand for fewer rows than the others."""
        mean, highest = list(self._mean), list(self._highest)
        if self._pending is not None and len(self._pending):
            mean.append(self._pending.mean(axis=0, keepdims=True))
            highest.append(self._pending.max(axis=0, keepdims=True))
        if not mean:
            return np.zeros((0, 0), np.float32)
        return np.asarray((np.concatenate(mean) + np.concatenate(highest)) / 2, np.float32)

    def _halve(self) -> None:
        """Joins lines in pairs; a last odd one goes back to the rows that wait, which loses its inner detail only."""
        mean, highest = np.concatenate(self._mean), np.concatenate(self._highest)
        even = len(mean) - len(mean) % 2
        if even < len(mean):
            assert self._pending is not None
            again = np.repeat((mean[even:] + highest[even:]) / 2, self.rows_per_line, axis=0)
            self._pending = np.concatenate([again, self._pending])
        self._mean = [mean[:even].reshape(even // 2, 2, -1).mean(axis=1)]
        self._highest = [highest[:even].reshape(even // 2, 2, -1).max(axis=1)]
        self._count = even // 2
        self.rows_per_line *= 2
