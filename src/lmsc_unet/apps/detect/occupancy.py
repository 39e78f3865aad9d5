"""The share of time that each channel was in use, by hour: as a table and as a picture."""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lmsc_unet.apps.detect.picture import INK, PAPER, VIRIDIS, make_ticks
from lmsc_unet.errors import DataError
from lmsc_unet.signals.annotations import band_hz
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.recording import Capture, Recording

MOST_CHANNELS = 4096
_MOST_LINES = 1_000_000
HOUR_S = 3600.0
COLUMNS = ("hour", "low_hz", "high_hz", "observed_s", "occupied_s", "share")
_LEFT_PX, _TOP_PX, _BOTTOM_PX, _RIGHT_PX, _WIDTH_PX = 130, 34, 50, 20, 768
_COLOURS = np.array([list(bytes.fromhex(colour)) for colour in VIRIDIS.split()], np.float64)
Intervals = list[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class OccupancyCell:
    """One channel in one hour."""

    hour: int
    """Hours since 1970 if the recording knows the time, otherwise since its first sample."""
    channel: int
    """The channel from `channel * width` to the next, in Hz."""
    observed_s: float
    """Seconds for which the channel was received."""
    occupied_s: float
    """Seconds of these in which there was a signal."""


def check_channels(recording: Recording, width_hz: float) -> None:
    """Rejects channels that are too narrow for a table, and recordings that are too long for one.

    Raises:
        DataError: there would be no channel, over 4096, or over a million lines.
    """
    number = sum(len(_channels(recording, capture, width_hz)) for capture in recording.captures[:1])
    if not 0 < number <= MOST_CHANNELS:
        raise DataError(
            f"{recording.path}: its band has {number} channels of {width_hz:g} Hz; 1 to {MOST_CHANNELS} can be "
            "counted. Give other --occupancy-hz."
        )
    if number * recording.duration_s / HOUR_S > _MOST_LINES:
        raise DataError(
            f"{recording.path}: {recording.duration_s / HOUR_S:.0f} hours of {number} channels are too many for a "
            "table. Leave --occupancy-hz out, or check the sample rate."
        )


def measure_occupancy(recording: Recording, boxes: Sequence[SignalBox], width_hz: float) -> list[OccupancyCell]:
    """The use of each channel in each hour; overlapping signals count once.

    A signal is in a channel that it fills by half, or that holds half of it.
    """
    observed: dict[tuple[int, int], float] = defaultdict(float)
    used: dict[tuple[int, int], Intervals] = defaultdict(list)
    has_times = has_utc(recording)
    for capture in recording.captures:
        channels = _channels(recording, capture, width_hz)
        begin_s = _begin_s(recording, capture, has_times)
        for hour, start_s, stop_s in _by_hour(begin_s, begin_s + capture.duration_s):
            for channel in channels:
                observed[hour, channel] += stop_s - start_s
        for box in boxes:
            if capture.start_sample <= box.start_sample < capture.stop_sample:
                places = [(place - capture.start_sample) / capture.sample_rate_hz for place in _span(box, capture)]
                for hour, start_s, stop_s in _by_hour(begin_s + places[0], begin_s + places[1]):
                    for channel in _channels_of(box, width_hz):
                        used[hour, channel].append((start_s, stop_s))
    return [
        OccupancyCell(hour=hour, channel=channel, observed_s=seconds, occupied_s=_covered_s(used[hour, channel]))
        for (hour, channel), seconds in sorted(observed.items())
    ]


def has_utc(recording: Recording) -> bool:
    """Whether all of a recording has a time."""
    return all(capture.start_utc is not None for capture in recording.captures)


def occupancy_csv(recording: Recording, cells: Sequence[OccupancyCell], width_hz: float) -> str:
    """A line per hour and channel."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    is_utc = has_utc(recording)
    for cell in cells:
        edges = (round(cell.channel * width_hz, 6), round((cell.channel + 1) * width_hz, 6))
        seconds = (round(cell.observed_s, 6), round(min(cell.occupied_s, cell.observed_s), 6))
        writer.writerow((_hour_name(cell.hour, is_utc), *edges, *seconds, round(_share(cell), 6)))
    return text.getvalue()


def draw_occupancy(recording: Recording, cells: Sequence[OccupancyCell], width_hz: float) -> NDArray[np.uint8]:
    """Hours downwards, channels to the right; from dark (never) to yellow (always), RGB "H W 3"."""
    hours, channels = sorted({cell.hour for cell in cells}), sorted({cell.channel for cell in cells})
    share = np.full((len(hours), channels[-1] - channels[0] + 1), np.nan)
    for cell in cells:
        share[hours.index(cell.hour), cell.channel - channels[0]] = _share(cell)
    row_px = max(2, min(24, 768 // len(hours)))
    height_px = row_px * len(hours)
    canvas = Image.new("RGB", (_LEFT_PX + _WIDTH_PX + _RIGHT_PX, _TOP_PX + height_px + _BOTTOM_PX), PAPER)
    canvas.paste(
        Image.fromarray(_coloured(share)).resize((_WIDTH_PX, height_px), Image.Resampling.NEAREST), (_LEFT_PX, _TOP_PX)
    )
    pen = ImageDraw.Draw(canvas)
    pen.text((_LEFT_PX, 8), f"{recording.name}: share of each hour in use (0 to 1: dark to yellow)", INK, _font(14))
    low_hz, high_hz = channels[0] * width_hz, (channels[-1] + 1) * width_hz
    ticks = make_ticks(low_hz, high_hz, "Hz", number=5)
    bottom_px = _TOP_PX + height_px
    for value, label in zip(ticks.values, ticks.labels, strict=True):
        x = _LEFT_PX + (value - low_hz) / (high_hz - low_hz) * _WIDTH_PX
        pen.line((x, bottom_px, x, bottom_px + 5), INK)
        pen.text((x, bottom_px + 7), label, INK, _font(12), anchor="ma")
    pen.text((_LEFT_PX + _WIDTH_PX / 2, bottom_px + 27), f"frequency ({ticks.unit})", INK, _font(13), anchor="ma")
    every = -(-14 // row_px)
    for index, hour in list(enumerate(hours))[::every]:
        place = (_LEFT_PX - 8, _TOP_PX + (index + 0.5) * row_px)
        pen.text(place, _hour_name(hour, has_utc(recording)), INK, _font(12), anchor="rm")
    return np.asarray(canvas)


def _share(cell: OccupancyCell) -> float:
    return min(1.0, cell.occupied_s / cell.observed_s) if cell.observed_s > 0 else 0.0


def _channels(recording: Recording, capture: Capture, width_hz: float) -> range:
    """The channels whose middle is in the band."""
    low_hz, high_hz = band_hz(recording, capture)
    return range(math.ceil(low_hz / width_hz - 0.5), math.floor(high_hz / width_hz - 0.5) + 1)


def _channels_of(box: SignalBox, width_hz: float) -> Iterator[int]:
    needed_hz = 0.5 * min(width_hz, box.bandwidth_hz)
    for channel in range(math.floor(box.low_hz / width_hz), math.floor(box.high_hz / width_hz) + 1):
        overlap_hz = min(box.high_hz, (channel + 1) * width_hz) - max(box.low_hz, channel * width_hz)
        if overlap_hz >= needed_hz * (1 - 1e-9):
            yield channel


def _begin_s(recording: Recording, capture: Capture, has_times: bool) -> float:
    if has_times and capture.start_utc is not None:
        return capture.start_utc.timestamp()
    return recording.seconds(capture.start_sample, within=capture)


def _span(box: SignalBox, capture: Capture) -> tuple[int, int]:
    return box.start_sample, min(box.stop_sample, capture.stop_sample)


def _by_hour(start_s: float, stop_s: float) -> Iterator[tuple[int, float, float]]:
    for hour in range(int(start_s // HOUR_S), math.ceil(stop_s / HOUR_S)):
        yield hour, max(start_s, hour * HOUR_S), min(stop_s, (hour + 1) * HOUR_S)


def _covered_s(intervals: Intervals) -> float:
    """The length of the union of intervals."""
    covered, reached = 0.0, -math.inf
    for start_s, stop_s in sorted(intervals):
        covered += max(0.0, stop_s - max(start_s, reached))
        reached = max(reached, stop_s)
    return covered


def _hour_name(hour: int, is_utc: bool) -> str:
    return datetime.fromtimestamp(hour * HOUR_S, UTC).strftime("%Y-%m-%dT%H:00Z") if is_utc else f"hour {hour}"


def _coloured(share: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Colours of shares "H W 3"; what was not received is white."""
    places = np.nan_to_num(share) * (len(_COLOURS) - 1)
    rgb = np.stack([np.interp(places, np.arange(len(_COLOURS)), channel) for channel in _COLOURS.T], axis=-1)
    return np.asarray(np.where(np.isnan(share)[..., np.newaxis], 255, rgb), np.uint8)


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
