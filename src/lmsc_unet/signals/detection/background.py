"""What a receiver adds: roll-off, steady lines, gain steps. Rows relative to it look like white noise."""

from dataclasses import dataclass, replace
from math import erfc

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.detection.artifacts import DcOffset, fill_dc_offset, find_dc_offset
from lmsc_unet.signals.detection.energy import NEIGHBOURS_ALIKE
from lmsc_unet.signals.morphology import window_means
from lmsc_unet.signals.noise import power_over_floor

Rows = NDArray[np.float32]
_LEAST_ROWS = 24
"""Fewer rows do not show whether a line is steady."""
_LOWEST_SHARE, _LOW, _HIGH = 0.1, 0.3, 0.7
"""Quantiles of a column over time: what is off in a tenth of it is no steady line."""
_DEVIATE = 0.5244
"""The distance of the low and the high one from the median in standard deviations."""
_NEIGHBOURS, _AROUND = 17, 33
"""Columns whose median is the roll-off, and the level beside a line."""
_LINE_COLUMNS = 4
"""The most columns of a line under a Hann window."""
_RISE = 1.25
"""The least power of a line relative to its neighbours."""
_STEADIER, _GAIN_STEPS = 0.6, 1.35
"""A tone's quantiles differ less than those of noise, by this power of their ratio, or by what gain steps do to it."""
_WEAK = 3.0
"""Below this power, a line cannot be told from a modulated signal, nor the signal from noise."""
_STRONG = 100.0
"""A steady line of more power is reported: a carrier in the next channel is a signal, a receiver's spurs are weaker."""
_ROLL_OFF, _RIPPLE = 0.1, 1.1
"""Limits of the roll-off; a wide signal present all the time must not raise it."""
_ROW_COLUMNS = 3
_LEAST_LEVEL = 0.05
_DEAD_BAND = 0.2
"""Steps of less than this, in natural units of power, are chance."""
_BLOCK_PX = 16
"""Sides of the blocks whose powers show how even the noise is."""
_QUIETEST, _QUIET = (0.05, -1.645), (0.25, -0.674)
"""Quantiles of these powers, and their normal deviates: low ones, which signals do not reach."""
_UNEVEN = 20.0
"""A signal's least power in units of the noise's deviations from place to place."""
MIN_SNR_DB = 3.0
"""The same where the noise is more uneven, as that of most receivers is, or where this is unknown (docs/log.md)."""
_DOWN = 10**-2.5
"""The noise of a row is raised by a strong signal's skirt at most to this share of the signal."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Background:
    """The background of one capture, relative to its noise floor; the same for all its rows."""

    level: NDArray[np.float32]
    """Level per column "F"; empty if unknown."""
    lines: tuple[int, ...] = ()
    """Columns of steady lines."""
    dc_offset: DcOffset | None = None
    """The tone at 0 Hz."""
    frames_per_row: int = 1
    """Frames averaged per row."""
    min_snr_db: float = MIN_SNR_DB
    """The least SNR of a signal; what is weaker may be unevenness of the noise."""

    def flatten(self, rows_db: Rows) -> Rows:
        """Rows "T F" in dB above the noise floor, as dB above their own noise."""
        filled = rows_db if self.dc_offset is None else fill_dc_offset(rows_db, self.dc_offset)
        power = power_over_floor(filled)
        if self.level.size:
            power /= self.level
        power /= row_levels(power, self.frames_per_row)[:, np.newaxis]
        return np.asarray(10 * np.log10(np.maximum(power, np.float32(1e-20))), np.float32)


def find_background(rows_db: Rows, frames_per_row: int, *, has_zero_column: bool) -> Background:
    """The background of rows "T F" in dB above the noise floor, from all over a capture."""
    alive = rows_db[rows_db.max(axis=1, initial=-np.inf) > -100]  # not those that a squelch muted
    dc_offset = find_dc_offset(alive) if has_zero_column else None
    if len(alive) < _LEAST_ROWS:
        return Background(level=np.zeros(0, np.float32), dc_offset=dc_offset, frames_per_row=frames_per_row)
    power = power_over_floor(alive if dc_offset is None else fill_dc_offset(alive, dc_offset))
    lowest, low, high = np.quantile(power, (_LOWEST_SHARE, _LOW, _HIGH), axis=0)
    noise_low, noise_high = (noise_quantile(frames_per_row, sign * _DEVIATE) for sign in (-1, 1))
    is_tone = high < max((noise_high / noise_low) ** _STEADIER, _GAIN_STEPS) * low
    low = low / noise_low
    beside = sliding_median(low, _NEIGHBOURS)
    level = np.clip(beside, _ROLL_OFF, _RIPPLE)
    least_rise = _RISE + 3 / np.sqrt(frames_per_row * len(alive))
    around = sliding_median(low, _AROUND)
    is_always_on = lowest > noise_quantile(frames_per_row, 0) * around
    is_raised = is_always_on & (low > least_rise * around)
    is_line = _lines(is_raised, low / around, is_tone)
    found = Background(
        level=np.where(is_line, np.maximum(level, low), level).astype(np.float32),
        lines=tuple(np.flatnonzero(is_line).tolist()),
        dc_offset=dc_offset,
        frames_per_row=frames_per_row,
    )
    return replace(found, min_snr_db=least_snr_db(power_over_floor(found.flatten(alive)), frames_per_row))


def least_snr_db(power: Rows, frames_per_row: int) -> float:
    """The least SNR of a signal among noise "T F" of mean 1: the lower, the more even the noise is."""
    height, width = (side // _BLOCK_PX for side in power.shape)
    blocks = power[: height * _BLOCK_PX, : width * _BLOCK_PX].reshape(height, _BLOCK_PX, width, _BLOCK_PX)
    means = blocks.mean(axis=(1, 3), dtype=np.float64)
    quietest, quiet = np.quantile(means, [share for share, _ in (_QUIETEST, _QUIET)])
    num_frames = frames_per_row * _BLOCK_PX**2 / NEIGHBOURS_ALIKE
    by_chance = noise_quantile(num_frames, _QUIET[1]) / noise_quantile(num_frames, _QUIETEST[1])
    spread = np.log(quiet / max(quietest, 1e-9)) ** 2 - np.log(by_chance) ** 2
    deviation = np.sqrt(max(spread, 0.0)) / (_QUIET[1] - _QUIETEST[1])
    return float(min(10 * np.log10(max(_UNEVEN * deviation, 1e-6)), MIN_SNR_DB))


def row_levels(power: Rows, frames_per_row: int) -> Rows:
    """The noise of each row "T": lower after a gain step, higher under the skirts of a strong signal, else 1."""
    smooth = window_means(power, 1, _ROW_COLUMNS)
    num_frames = frames_per_row * _ROW_COLUMNS / NEIGHBOURS_ALIKE
    level = np.quantile(smooth, _LOW, axis=1) / noise_quantile(num_frames, -_DEVIATE)
    level = sliding_median(level, 5 if frames_per_row == 1 else 3)
    level = np.where(np.abs(np.log(np.maximum(level, 1e-9))) < _DEAD_BAND, 1, level)
    raised = np.minimum(level, smooth.max(axis=1) * _DOWN)
    return np.asarray(np.maximum(np.maximum(np.minimum(level, 1), raised), _LEAST_LEVEL), np.float32)


def noise_quantile(num_frames: float, deviate: float) -> float:
    """The quantile of averaged noise of mean 1 at a normal deviate (Wilson and Hilferty 1931)."""
    if num_frames == 1:
        return float(-np.log(0.5 * erfc(deviate / 2**0.5)))
    return float((1 - 1 / (9 * num_frames) + deviate / (3 * num_frames**0.5)) ** 3)


def sliding_median(values: NDArray[np.floating], size: int) -> NDArray[np.floating]:
    """The median of `size` neighbours of each value, mirrored at the ends."""
    padded = np.pad(values, size // 2, mode="reflect" if len(values) > size // 2 else "edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, size), axis=-1))


def _lines(is_raised: NDArray[np.bool_], rise: NDArray[np.floating], is_tone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Columns of runs that are as narrow and as steady as a tone, and not so strong that someone may look for it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_raised.astype(np.int8), [0]])))
    is_line = np.zeros_like(is_raised)
    for start, stop in zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True):
        peak = start + int(np.argmax(rise[start:stop]))
        is_steady = is_tone[peak] or rise[peak] < _WEAK
        is_line[start:stop] = stop - start <= _LINE_COLUMNS and is_steady and rise[peak] < _STRONG
    return is_line
