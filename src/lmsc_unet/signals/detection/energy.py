"""The energy detector: smoothed power above a threshold. The classical baseline."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ConfigError
from lmsc_unet.signals.detection.components import find_runs
from lmsc_unet.signals.morphology import closed, window_means
from lmsc_unet.signals.noise import power_over_floor

NEIGHBOURS_ALIKE = 1.74
"""A Hann window correlates neighbouring columns: this many count as one."""


@dataclass(frozen=True, kw_only=True)
class EnergyMask:
    """Marks cells whose smoothed power exceeds a threshold; settings are in rows and columns.

    Hysteresis with two thresholds: a region must reach the higher one and extends to the lower one.
    """

    smooth_rows: int = 5
    """Rows averaged per cell."""
    smooth_columns: int = 5
    """Columns averaged per cell."""
    deviates: float = 5.0
    """Higher threshold in standard deviations of Gaussian noise: 5 is a false alarm in 3.5 million cells."""
    low_deviates: float = 3.0
    """Lower threshold."""
    close_rows: int = 5
    """Longest gap in rows that is closed within a signal."""
    close_columns: int = 3
    """Widest gap in columns that is closed within a signal."""
    frames_per_row: int = 1
    """Frames averaged per row: more reduce the noise variance."""

    def __post_init__(self) -> None:
        if not 0 < self.low_deviates <= self.deviates:
            raise ConfigError(
                f"low_deviates is {self.low_deviates}; it must be above 0 and at most deviates ({self.deviates})."
            )

    @property
    def halo_rows(self) -> int:
        """Rows above and below that affect a row's mask."""
        return self.smooth_rows + 2 * self.close_rows

    @property
    def sure(self) -> float:
        """Any cell may start a region: the higher threshold says enough."""
        return 0.0

    def __call__(self, rows_db: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Maps rows "T F" in dB above the noise floor to a mask of 0 and 1, and the confidence of each cell."""
        power = power_over_floor(rows_db)
        smooth = window_means(power, self.smooth_rows, self.smooth_columns)
        low = (smooth > self.threshold(self.low_deviates)).astype(np.uint8)
        whole = closed(low, self.close_rows, self.close_columns)
        mask = _reaching(whole, smooth > self.threshold(self.deviates))
        return mask, np.asarray(1 - 1 / np.maximum(smooth, 1), np.float32)

    def threshold(self, deviates: float) -> float:
        """The power that smoothed noise of mean 1 exceeds as rarely as a normal deviate (Wilson and Hilferty 1931)."""
        num_cells = self.smooth_rows * self.smooth_columns * self.frames_per_row / NEIGHBOURS_ALIKE
        return float((1 - 1 / (9 * num_cells) + deviates / (3 * num_cells**0.5)) ** 3)


def _reaching(mask: NDArray[np.uint8], seeds: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The components of the mask that contain a seed."""
    runs = find_runs(mask)
    is_kept = np.zeros(runs.count + 1, np.int8)
    is_kept[runs.labels[runs.at(seeds)]] = 1
    return runs.paint(is_kept[runs.labels]).astype(np.uint8)
