"""Signals as boxes in time and frequency, and boxes as masks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ConfigError
from lmsc_unet.signals.stft import Grid


@dataclass(frozen=True, kw_only=True)
class SignalBox:
    """The extent of a signal in time and frequency, and its label."""

    start_sample: int
    """Its first sample, counted from the first of the recording's file."""
    stop_sample: int
    """One past its last sample."""
    low_hz: float
    """Lower edge; at radio frequency if the capture's center is known."""
    high_hz: float
    """Upper edge."""
    label: str = "signal"
    """The modulation, or `signal`."""
    snr_db: float | None = None
    """Signal-to-noise ratio in its own band, if known."""
    confidence: float | None = None
    """The detector's confidence, 0 to 1."""

    def __post_init__(self) -> None:
        if self.stop_sample < self.start_sample or self.high_hz < self.low_hz:
            raise ConfigError(
                f"A box from sample {self.start_sample} to {self.stop_sample} and {self.low_hz} to {self.high_hz} Hz "
                "is reversed; the start and the lower edge come first."
            )

    @property
    def num_samples(self) -> int:
        """Duration in samples."""
        return self.stop_sample - self.start_sample

    @property
    def bandwidth_hz(self) -> float:
        """Bandwidth."""
        return self.high_hz - self.low_hz


def boxes_xyxy_px(boxes: Sequence[SignalBox], grid: Grid, *, first_sample: int = 0) -> NDArray[np.float64]:
    """Boxes as rows of edges (left, top, right, bottom) in pixels of a spectrogram that starts at `first_sample`."""
    rows = [
        (
            grid.column_px(box.low_hz),
            grid.row_px(box.start_sample - first_sample),
            grid.column_px(box.high_hz),
            grid.row_px(box.stop_sample - first_sample),
        )
        for box in boxes
    ]
    return np.array(rows, np.float64).reshape(-1, 4)


def draw_mask(
    boxes: Iterable[SignalBox],
    grid: Grid,
    *,
    num_rows: int,
    class_ids: dict[str, int] | None = None,
    first_sample: int = 0,
) -> NDArray[np.uint8]:
    """Draws boxes as a mask "T F": 0 is noise, 1 a signal, or the class id of its label.

    A pixel belongs to a box that covers at least half of it in each direction; a box inside the spectrogram has at
    least one pixel.
    """
    mask = np.zeros((num_rows, grid.num_columns), np.uint8)
    for box in boxes:
        left, top, right, bottom = boxes_xyxy_px([box], grid, first_sample=first_sample)[0]
        rows, columns = _pixels(top, bottom, num_rows), _pixels(left, right, grid.num_columns)
        mask[rows, columns] = 1 if class_ids is None else class_ids[box.label]
    return mask


def _pixels(low_px: float, high_px: float, num_px: int) -> slice:
    """The pixels of which an interval covers at least half, at least one; none if it lies outside."""
    if high_px <= 0 or low_px >= num_px:
        return slice(0, 0)
    low, high = round(low_px), round(high_px)
    if high <= low:
        low = int((low_px + high_px) / 2)
        high = low + 1
    return slice(max(0, min(low, num_px - 1)), min(num_px, max(high, 1)))
