"""A look at stretches all over a capture before it is searched: the noise floor, and how long a row should be."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.detection.background import Background, find_background
from lmsc_unet.signals.noise import NoiseFloor, above_floor_db
from lmsc_unet.signals.recording.recording import Capture, Recording
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import power_rows

Rows = NDArray[np.float32]
BASE_FRAMES = 8
"""Frames averaged per row unless the sample rate, the length or short bursts ask for fewer."""
ROW_S = 1e-3
"""The duration of a row at low sample rates: pulses of remote controls last 0.2 to 2 ms, telegrams 10 ms and more."""
LEAST_ROWS = 128
"""A short recording has at least this many rows."""
NORMALISED_HZ = 1e3
"""A lower sample rate is no rate of a receiver but a unit, so it says nothing about durations."""
_STRETCHES = 32
_STRETCH_ROWS = 32
_WIDE_COLUMNS = 16
"""A row over which the power spreads at least this wide holds a packet rather than a keyed carrier."""
_RISE, _SHARE = 4.0, 0.1
"""A packet's least power over the band: relative to the lowest rows, and to the highest."""
_CLICK_ROWS = 1
"""A keyed carrier's clicks are as wide as packets, but no longer than this."""
_FEWEST_BURSTS = 4


def survey(recording: Recording, capture: Capture, stft: Stft, *, channel: int = 0) -> Iterator[Rows]:
    """Rows "T F" of power from up to 32 stretches, evenly spread over a capture."""
    size = min(capture.num_samples, _STRETCH_ROWS * stft.row_samples)
    last_start = capture.num_samples - size
    for start in sorted({last_start * index // (_STRETCHES - 1) for index in range(_STRETCHES)}):
        yield from power_rows([recording.read(capture, start, size, channel=channel)], stft)


def survey_floor(recording: Recording, capture: Capture, stft: Stft, *, channel: int = 0) -> NoiseFloor:
    """A noise floor estimated from stretches all over a capture, so that it is valid for the first rows too."""
    floor = NoiseFloor()
    for power in survey(recording, capture, stft, channel=channel):
        floor.update(power)
    return floor


def survey_noise(
    recording: Recording, capture: Capture, stft: Stft, *, channel: int = 0
) -> tuple[NoiseFloor, Background]:
    """The noise floor and the background of a capture, both from stretches all over it."""
    floor, seen = NoiseFloor(), []
    for power in survey(recording, capture, stft, channel=channel):
        floor.update(power)
        seen.append(power)
    rows_db = above_floor_db(np.concatenate(seen), floor.level)
    has_zero_column = recording.datatype.is_complex
    return floor, find_background(rows_db, stft.frames_per_row, has_zero_column=has_zero_column)


def frames_by_rate(sample_rate_hz: float, stft: Stft) -> int:
    """Frames per row so that a row lasts about 1 ms, at most 8: what is known of a pipe."""
    if sample_rate_hz < NORMALISED_HZ:
        return BASE_FRAMES
    return _power_of_two(min(BASE_FRAMES, np.sqrt(2) * ROW_S * sample_rate_hz / stft.hop))


def frames_of(recording: Recording, stft: Stft, *, channel: int = 0) -> int:
    """Frames per row for a recording: by its sample rate, its length, and how short its packets are.

    Telegrams and packets that are shorter than a few rows melt into each other, or into noise.
    """
    capture = max(recording.captures, key=lambda one: one.num_samples)
    by_rate = frames_by_rate(recording.sample_rate_hz, stft)
    by_length = _power_of_two(capture.num_samples / (LEAST_ROWS * stft.hop))
    fewest = min(by_rate, by_length)
    if fewest == 1:
        return 1
    fine = replace(stft, frames_per_row=1)
    bursts = [run for rows in survey(recording, capture, fine, channel=channel) for run in packet_rows(rows)]
    if len(bursts) < _FEWEST_BURSTS:
        return fewest
    return min(fewest, _power_of_two(float(np.median(bursts)) / 2))


def packet_rows(power: Rows) -> list[int]:
    """The lengths of wideband packets that begin and end within rows "T F" of power."""
    total = power.sum(axis=1, dtype=np.float64)
    floor = max(float(np.quantile(total, 0.1)), 1e-30)
    wide = total**2 / np.maximum(np.square(power, dtype=np.float64).sum(axis=1), 1e-60)
    is_on = (total > max(_RISE * floor, _SHARE * float(total.max()))) & (wide >= _WIDE_COLUMNS)
    edges = np.flatnonzero(np.diff(is_on.astype(np.int8)))
    if len(edges) and is_on[0]:
        edges = edges[1:]
    lengths = [int(stop - start) for start, stop in zip(edges[0::2], edges[1::2], strict=False)]
    return [rows for rows in lengths if rows > _CLICK_ROWS]


def _power_of_two(limit: float) -> int:
    """The largest power of two up to a limit, at least 1."""
    return int(2 ** max(0, int(np.floor(np.log2(max(limit, 1))))))
