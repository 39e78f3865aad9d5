"""Refines the edges of a signal by its power, to a fraction of a mask pixel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.detection.region import END_ROWS, Region
from lmsc_unet.signals.stft import Grid

_SHORT_ROWS = 8
"""In longer regions, the rest of a row matters little."""


@dataclass(frozen=True, kw_only=True)
class Edges:
    """The edges of a signal in pixels, and its signal-to-noise ratio."""

    left_px: float
    """Lower edge in frequency."""
    top_px: float
    """Start."""
    right_px: float
    """Upper edge in frequency."""
    bottom_px: float
    """End."""
    snr_db: float
    """Signal power relative to the noise power between its frequency edges."""


def to_box(
    edges: Edges, grid: Grid, *, first_sample: int, num_samples: int | None = None, label: str, confidence: float
) -> SignalBox:
    """Edges in samples and hertz; `first_sample` is the sample of row 0, `num_samples` the recording's length."""
    half_row = grid.stft.row_samples // 2
    start, stop = round(grid.sample(edges.top_px)), round(grid.sample(edges.bottom_px))
    if start < half_row:  # a signal in the first row starts with the first sample
        start = 0
    if num_samples is not None and stop > num_samples - half_row:
        stop = num_samples
    lowest_hz, highest_hz = grid.hz(0.5), grid.hz(grid.num_columns + 0.5)
    return SignalBox(
        start_sample=first_sample + start,
        stop_sample=first_sample + max(start + 1, stop),
        low_hz=min(max(grid.hz(edges.left_px), lowest_hz), highest_hz),
        high_hz=max(lowest_hz, min(grid.hz(edges.right_px), highest_hz)),
        label=label,
        snr_db=edges.snr_db,
        confidence=confidence,
    )


def columns_with(power: NDArray[np.float64], share: float) -> tuple[float, float]:
    """The edges of the columns with a share of the power, half of the rest on each side; a cell is uniform."""
    total = power.sum()
    if total <= 0:
        return 0.0, float(len(power))
    summed = np.concatenate([[0.0], np.cumsum(power)]) / total
    edges = np.interp([(1 - share) / 2, (1 + share) / 2], *_rising(summed))
    return float(edges[0]), float(edges[1])


def _rising(summed: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums and edges without flat stretches, where an edge would be ambiguous."""
    keep = np.concatenate([[True], np.diff(summed) > 0])
    keep[:-1] |= keep[1:]
    return summed[keep] + 1e-12 * np.arange(keep.sum()), np.flatnonzero(keep).astype(np.float64)


def time_edges(region: Region) -> tuple[float, float]:
    """First and last row: where power reaches half of its typical value; a row counts in proportion to its power.

    So does the row before and the row after a short region: a burst seldom begins with a row.
    """
    power = np.concatenate([_row_powers(region, rows) for rows in region.end_rows])
    typical = float(np.median(power[power >= np.median(power)]))
    if typical <= 0:
        return float(region.first_row), float(region.stop_row)
    top, bottom = (_edge(power, typical), _edge(power[::-1], typical)) if len(power) > 1 else (0.0, 0.0)
    if len(power) <= _SHORT_ROWS:
        top -= _beside(region, region.before, typical) if top < 1 else 0.0
        bottom -= _beside(region, region.after, typical) if bottom < 1 else 0.0
    return region.first_row + top, region.stop_row - bottom


def _row_powers(region: Region, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """The power of rows "T F" above the noise in the region's columns."""
    columns = slice(region.low_column, region.stop_column)
    return np.asarray(rows[:, columns].sum(axis=1, dtype=np.float64) - (region.stop_column - region.low_column))


def _beside(region: Region, row: NDArray[np.float32] | None, typical: float) -> float:
    """The share of a row beside a region that the signal fills."""
    return 0.0 if row is None else float(np.clip(_row_powers(region, row)[0] / typical, 0, 1))


def _edge(power: NDArray[np.float64], typical: float) -> float:
    """Distance in rows from the region's end to the signal's start."""
    filled = np.clip(power[:END_ROWS] / typical, 0, 1)
    strong = np.flatnonzero(filled >= 0.5)
    first = int(strong[0]) if len(strong) else 0
    return first + 1 - float(filled[first]) - (float(filled[first - 1]) if first else 0.0)
