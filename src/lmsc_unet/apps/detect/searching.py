"""Searches a recording or a pipe once and keeps what its files and its picture need."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lmsc_unet.apps.detect.picture import Panel, Thumbnail, with_unit
from lmsc_unet.core.stopping import is_asked, waiting
from lmsc_unet.errors import DataError
from lmsc_unet.inference.detector import SignalDetector
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.detection import capture_grid, find_boxes, find_in_capture, in_order
from lmsc_unet.signals.detection.pipeline import FLOOR_ROWS
from lmsc_unet.signals.recording import Capture, Recording, Stream
from lmsc_unet.signals.recording.datatypes import Samples
from lmsc_unet.signals.stft import Grid

OnSignal = Callable[[SignalBox], None]
"""Called with each signal as soon as it has ended."""
KEEP_S = 60.0
"""How often the signals of an open pipe are saved."""
MAX_PANELS = 6
"""The most captures that are drawn; the others are searched too."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchResult:
    """The signals of one channel of a recording."""

    recording: Recording
    """The recording; for a pipe, what it would be as a file."""
    boxes: list[SignalBox]
    """The signals in order of their start."""
    panels: list[Panel]
    """Its captures as pictures."""


Keep = Callable[[SearchResult], None]
"""Called with the signals found so far."""


def search_recording(
    recording: Recording, channel: int, finder: SignalDetector, on_detection: OnSignal, *, is_drawn: bool = True
) -> SearchResult:
    """Searches one channel over all captures; memory use grows only with the number of signals.

    Raises:
        DataError: a sample is NaN or infinite, or the channel does not exist.
    """
    boxes: list[SignalBox] = []
    panels: list[Panel] = []
    for number, capture in enumerate(recording.captures):
        thumbnail = Thumbnail() if is_drawn and number < MAX_PANELS else None
        ended = find_in_capture(
            recording,
            capture,
            finder.stft,
            finder.masker,
            channel=channel,
            class_names=finder.class_names,
            block_rows=finder.block_rows,
            at_once=finder.at_once,
            watch=None if thumbnail is None else thumbnail.add,
        )
        here = _reported(filter(finder.keeps, ended), on_detection)
        boxes += here
        if thumbnail is not None:
            grid = capture_grid(recording, capture, finder.stft)
            panels.append(_panel(_title(recording, capture, channel, len(here)), thumbnail, grid, capture, here))
    return SearchResult(recording=recording, boxes=in_order(boxes), panels=panels)


def search_stream(
    stream: Stream,
    finder: SignalDetector,
    on_detection: OnSignal,
    keep: Keep = lambda _: None,
    *,
    every_s: float = KEEP_S,
) -> SearchResult:
    """Searches samples as they arrive, until the pipe closes or Ctrl-C.

    Args:
        stream: The pipe.
        finder: The detector.
        on_detection: Called with each signal as soon as it has ended.
        keep: Called with the signals found so far.
        every_s: The interval between calls of `keep`.

    Raises:
        DataError: no sample arrived, or one is NaN or infinite.
    """
    grid = Grid(
        stft=finder.stft,
        sample_rate_hz=stream.sample_rate_hz,
        center_hz=stream.center_hz,
        is_complex=stream.datatype.is_complex,
    )
    thumbnail, boxes = Thumbnail(), list[SignalBox]()

    def found() -> SearchResult:
        recording = stream.as_recording(meter.num_samples)
        capture = recording.captures[0]
        panel = _panel(_title(recording, capture, 0, len(boxes)), thumbnail, grid, capture, boxes)
        return SearchResult(recording=recording, boxes=in_order(boxes), panels=[panel])

    meter = _Meter(lambda: keep(found()), every_s)
    ended = find_boxes(
        meter.through(stream.chunks()),
        grid,
        finder.masker,
        class_names=finder.class_names,
        block_rows=min(finder.block_rows, FLOOR_ROWS),
        watch=thumbnail.add,
        name=stream.name,
    )
    for box in filter(finder.keeps, ended):
        on_detection(box)
        boxes.append(box)
    if meter.num_samples == 0:
        raise DataError(f"{stream.name}: it was stopped before a sample came.")
    return found()


class _Meter:
    """Counts samples, treats a stop as their end, and saves signals at intervals."""

    def __init__(self, keep: Callable[[], None], every_s: float) -> None:
        self.num_samples = 0
        self._keep, self._every_s = keep, every_s
        self._kept_s = time.monotonic()

    def through(self, chunks: Iterator[Samples]) -> Iterator[Samples]:
        """The same chunks; a stop ends waiting for a chunk at once, and the search of a chunk at its end."""
        while not is_asked():
            chunk = None
            with waiting():
                chunk = next(chunks, None)
            if chunk is None:
                return
            self.num_samples += chunk.size
            yield chunk
            if time.monotonic() - self._kept_s >= self._every_s:
                self._keep()
                self._kept_s = time.monotonic()


def _reported(ended: Iterator[SignalBox], on_detection: OnSignal) -> list[SignalBox]:
    boxes = []
    for box in ended:
        on_detection(box)
        boxes.append(box)
    return boxes


def _panel(title: str, thumbnail: Thumbnail, grid: Grid, capture: Capture, boxes: list[SignalBox]) -> Panel:
    return Panel(
        title=title,
        lines=thumbnail.lines(),
        rows_per_line=thumbnail.rows_per_line,
        num_rows=thumbnail.num_rows,
        grid=grid,
        first_sample=capture.start_sample,
        boxes=boxes,
    )


def _title(recording: Recording, capture: Capture, channel: int, num_boxes: int) -> str:
    parts = [recording.name]
    if recording.num_channels > 1:
        parts.append(f"channel {channel}")
    if len(recording.captures) > 1:
        parts.append(f"capture at {with_unit(capture.center_hz, 'Hz')}")
    return f"{', '.join(parts)}: {num_boxes} {'signal' if num_boxes == 1 else 'signals'}"
