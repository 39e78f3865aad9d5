"""Pieces of a transmission: regions with their spectrum. Pieces that belong together add up to one."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.detection.edges import Edges, columns_with, time_edges
from lmsc_unet.signals.detection.region import Region

Spectrum = NDArray[np.float64]
_SKIRT_DB = 30.0
"""A signal's skirt is followed down to this far below its peak."""
_LEAST = 0.3
"""A skirt ends where less than this share of the noise is above it."""
_RISE = 4.0
"""A skirt ends where power rises by this factor: another signal begins."""
_MOST_LENGTHS = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """A part of a transmission, or all of it. Rows and columns are edges of a spectrogram."""

    top_px: float
    """Start."""
    bottom_px: float
    """End."""
    first_column: int
    """The column of the spectrum's first value."""
    spectrum: Spectrum
    """Power above the noise per column, summed over rows, in units of the noise."""
    on_rows: float
    """Rows with the signal on, so without the gaps between pieces."""
    lengths: tuple[float, ...]
    """The rows of its pieces, the last 64 of them."""
    num_cells: int
    """Mask cells."""
    votes: NDArray[np.int64]
    """Mask cells per class."""
    weighted_confidence: float
    """Sum of its cells' confidence, weighted by their power."""
    weight: float
    """Sum of these weights."""

    @property
    def num_rows(self) -> float:
        """Duration in rows."""
        return self.bottom_px - self.top_px

    @property
    def power(self) -> float:
        """Power above the noise, summed over rows and columns."""
        return float(self.spectrum.sum())

    @cached_property
    def peak_db(self) -> float:
        """The strongest column's power over the noise while the signal is on."""
        return _db(float(self.spectrum.max()) / self.on_rows)

    @cached_property
    def whole_band(self) -> tuple[float, float]:
        """The columns' edges with 99 % of the power."""
        return self._band(0.99)

    @cached_property
    def main_band(self) -> tuple[float, float]:
        """The columns' edges with 90 % of the power."""
        return self._band(0.9)

    @cached_property
    def core_columns(self) -> float:
        """How many columns hold 80 % of the power, at least one."""
        low, high = self._band(0.8)
        return max(1.0, high - low)

    @cached_property
    def edges(self) -> Edges:
        """Its box in pixels, and its signal-to-noise ratio."""
        left_px, right_px = self.whole_band
        snr_db = _db(self.power / (max(0.5, right_px - left_px) * self.on_rows))
        return Edges(left_px=left_px, top_px=self.top_px, right_px=right_px, bottom_px=self.bottom_px, snr_db=snr_db)

    def _band(self, share: float) -> tuple[float, float]:
        low, high = columns_with(self.spectrum, share)
        return self.first_column + low, self.first_column + high


def to_piece(region: Region) -> Piece:
    """A region with its time edges refined, and the spectrum down its skirts."""
    top_px, bottom_px = time_edges(region)
    num_rows = region.stop_row - region.first_row
    above = np.maximum(region.column_power - num_rows, 0.0)
    first, stop = _down_the_skirts(above / num_rows, region.low_column, region.stop_column)
    on_rows = max(0.1, bottom_px - top_px)
    return Piece(
        top_px=top_px,
        bottom_px=top_px + on_rows,
        first_column=first,
        spectrum=above[first:stop],
        on_rows=on_rows,
        lengths=(on_rows,),
        num_cells=region.num_cells,
        votes=region.votes,
        weighted_confidence=region.confidence_sum,
        weight=region.weight,
    )


def joined(one: Piece, other: Piece, *, at_once: bool = False) -> Piece:
    """Two pieces as one; if they are on at the same times, the rows of the first count alone."""
    first = min(one.first_column, other.first_column)
    stop = max(one.first_column + len(one.spectrum), other.first_column + len(other.spectrum))
    spectrum = np.zeros(stop - first)
    for piece in (one, other):
        start = piece.first_column - first
        spectrum[start : start + len(piece.spectrum)] += piece.spectrum
    return Piece(
        top_px=min(one.top_px, other.top_px),
        bottom_px=max(one.bottom_px, other.bottom_px),
        first_column=first,
        spectrum=spectrum,
        on_rows=one.on_rows if at_once else one.on_rows + other.on_rows,
        lengths=one.lengths if at_once else (one.lengths + other.lengths)[-_MOST_LENGTHS:],
        num_cells=one.num_cells + other.num_cells,
        votes=one.votes + other.votes,
        weighted_confidence=one.weighted_confidence + other.weighted_confidence,
        weight=one.weight + other.weight,
    )


def _down_the_skirts(above: Spectrum, low: int, stop: int) -> tuple[int, int]:
    """The columns from a signal's core outwards to where its skirts end or another signal begins."""
    smooth = np.convolve(above, np.full(3, 1 / 3), "same")
    least = max(_LEAST, float(above[low:stop].max()) * 10 ** (-_SKIRT_DB / 10))
    right = _skirt(smooth[stop - 1 :], least)
    left = _skirt(smooth[low::-1], least)
    return low - left, stop + right


def _skirt(smooth: Spectrum, least: float) -> int:
    """How many columns a skirt has that falls from the first value on."""
    falling = np.minimum.accumulate(smooth)
    ends = np.flatnonzero((smooth[1:] <= least) | (smooth[1:] > _RISE * falling[:-1]))
    if not len(ends):
        return len(smooth) - 1
    end = int(ends[0]) + 1
    return end if smooth[end] <= least else int(np.argmin(smooth[:end]))


def _db(ratio: float) -> float:
    return float(10 * np.log10(max(ratio, 1e-6)))
