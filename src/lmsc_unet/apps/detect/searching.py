"""Searches a recording or a pipe once and keeps what its files and its picture need."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import numpy as np

from lmsc_unet.apps.detect.lag import TOLD_S, LagMeter, describe_lag
from lmsc_unet.apps.detect.limits import SignalLimits
from lmsc_unet.apps.detect.picture import Panel, Thumbnail, with_unit
from lmsc_unet.apps.detect.recent import RecentSamples
from lmsc_unet.apps.detect.steady import State, SteadySignals
from lmsc_unet.core.stopping import is_asked, waiting
from lmsc_unet.errors import DataError
from lmsc_unet.inference.detector import SignalDetector
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.cutting import SampleRange
from lmsc_unet.signals.detection import capture_grid, find_boxes, find_in_capture, in_order
from lmsc_unet.signals.detection.pipeline import FLOOR_ROWS
from lmsc_unet.signals.recording import Capture, Recording, Stream
from lmsc_unet.signals.recording.datatypes import Samples
from lmsc_unet.signals.recording.sanity import remarks_on_samples
from lmsc_unet.signals.stft import Grid

OnSignal = Callable[[SignalBox, State, Recording], None]
"""Called with each signal as soon as it has ended, and while it goes on if it lasts."""
OnCut = Callable[[SignalBox, Recording, SampleRange], None]
"""Called with a signal, its recording and the samples around it."""
KEEP_S = 60.0
"""How often the signals of an open pipe are saved."""
STEADY_S = 10.0
"""How often a signal is told that goes on."""
_LOOKED_AT = 1 << 16
"""The first samples of a pipe that are looked at."""
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
    remarks: tuple[str, ...] = ()
    """What was odd about the search."""
    frames_per_row: int = 1
    """Frames averaged per row."""


Keep = Callable[[SearchResult], None]
"""Called with the signals found so far."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SignalSearch:
    """How recordings are searched, and who is told of their signals."""

    finder: SignalDetector
    """The detector."""
    limits: SignalLimits = field(default_factory=SignalLimits)
    """Signals beyond these are not reported."""
    steady_s: float = STEADY_S
    """A signal that goes on for so long is told, and told again."""
    on_signal: OnSignal | None = None
    """Who is told."""
    on_cut: OnCut | None = None
    """Takes each signal that has ended, and the samples that it can be cut out of."""
    on_remark: Callable[[str], None] = lambda _: None
    """Who is told at once that the search of a pipe falls behind."""

    def reports(self, box: SignalBox, recording: Recording) -> bool:
        """Whether a box is a signal to report."""
        return self.finder.keeps(box) and self.limits.allow(box, recording)

    def reported(self, boxes: Iterable[SignalBox], recording: Recording) -> list[SignalBox]:
        """The boxes that are signals to report."""
        return [box for box in boxes if self.reports(box, recording)]

    def tell_ended(
        self, boxes: Iterable[SignalBox], recording: Callable[[], Recording], samples: Callable[[], SampleRange]
    ) -> Iterator[SignalBox]:
        """The signals to report among those that have ended, each told and cut out."""
        for box in boxes:
            known = recording()
            if self.reports(box, known):
                self.tell(box, "ended", known)
                if self.on_cut is not None:
                    self.on_cut(box, known, samples())
                yield box

    def tell(self, box: SignalBox, state: State, recording: Recording) -> None:
        """Tells of a signal, if anyone listens."""
        if self.on_signal is not None:
            self.on_signal(box, state, recording)

    def steady_signals(self, rate_hz: float, recording: Callable[[], Recording]) -> SteadySignals:
        """Tells of the signals that go on and last."""
        return SteadySignals(self.steady_s * rate_hz, lambda box, state: self.tell(box, state, recording()))


def search_recording(
    recording: Recording, channel: int, search: SignalSearch, *, is_drawn: bool = True
) -> SearchResult:
    """Searches one channel over all captures; memory use grows only with the number of signals.

    Raises:
        DataError: a sample is NaN or infinite, or the channel does not exist.
    """
    finder = search.finder.for_recording(recording, channel)
    boxes: list[SignalBox] = []
    panels: list[Panel] = []

    def itself() -> Recording:
        return recording

    for number, capture in enumerate(recording.captures):
        thumbnail = Thumbnail() if is_drawn and number < MAX_PANELS else None
        steady = search.steady_signals(capture.sample_rate_hz, itself)
        ended = find_in_capture(
            recording,
            capture,
            finder.stft,
            finder.masker,
            channel=channel,
            class_names=finder.class_names,
            grouping=finder.grouping,
            block_rows=finder.block_rows,
            at_once=finder.at_once,
            watch=None if thumbnail is None else thumbnail.add,
            ongoing=partial(_watch, search, steady, recording) if search.on_signal is not None else None,
        )
        here = list(search.tell_ended(ended, itself, partial(_samples_of, recording, capture, channel)))
        boxes += here
        if thumbnail is not None:
            grid = capture_grid(recording, capture, finder.stft)
            title = _title(recording, capture, channel, len(here), grid)
            panels.append(_panel(title, thumbnail, grid, capture, here))
    return SearchResult(
        recording=recording, boxes=in_order(boxes), panels=panels, frames_per_row=finder.stft.frames_per_row
    )


def search_stream(
    stream: Stream,
    search: SignalSearch,
    keep: Keep = lambda _: None,
    *,
    every_s: float = KEEP_S,
) -> SearchResult:
    """Searches samples as they arrive, until the pipe closes or Ctrl-C.

    Args:
        stream: The pipe.
        search: The detector, and who is told.
        keep: Called with the signals found so far, and those that go on.
        every_s: The interval between calls of `keep`.

    Raises:
        DataError: no sample arrived, or one is NaN or infinite.
    """
    finder = search.finder.for_rate(stream.sample_rate_hz)
    grid = Grid(
        stft=finder.stft,
        sample_rate_hz=stream.sample_rate_hz,
        center_hz=stream.center_hz,
        is_complex=stream.datatype.is_complex,
    )
    thumbnail, boxes, running = Thumbnail(), list[SignalBox](), list[SignalBox]()
    recent, odd = RecentSamples(), list[str]()

    def received() -> Recording:
        return stream.as_recording(meter.num_samples, start_utc=meter.start_utc)

    def found() -> SearchResult:
        recording, known = received(), in_order([*boxes, *running])
        capture = recording.captures[0]
        panel = _panel(_title(recording, capture, 0, len(known), grid), thumbnail, grid, capture, known)
        behind_s = meter.lag.longest_s
        behind = [f"{stream.name}: at times {describe_lag(behind_s)}."] if behind_s >= TOLD_S else []
        frames = finder.stft.frames_per_row
        return SearchResult(
            recording=recording, boxes=known, panels=[panel], remarks=(*odd, *behind), frames_per_row=frames
        )

    def watch_running(some: Iterable[SignalBox]) -> None:
        running[:] = search.reported(some, received())
        steady.watch(running)

    lag = LagMeter(stream.sample_rate_hz, lambda lag_s: search.on_remark(f"{stream.name}: {describe_lag(lag_s)}."))
    chunks = _looked_at(stream, odd, search.on_remark)
    meter = _Meter(stream, lag, lambda: keep(found()), every_s)
    steady = search.steady_signals(stream.sample_rate_hz, received)
    ended = find_boxes(
        meter.through(recent.follow(chunks) if search.on_cut is not None else chunks),
        grid,
        finder.masker,
        class_names=finder.class_names,
        grouping=finder.grouping,
        block_rows=min(finder.block_rows, FLOOR_ROWS),
        watch=thumbnail.add,
        ongoing=watch_running,
        name=stream.name,
    )
    for box in search.tell_ended(ended, received, recent.range):
        boxes.append(box)
    running.clear()
    if meter.num_samples == 0:
        raise DataError(f"{stream.name}: it was stopped before a sample came.")
    return found()


def _watch(search: SignalSearch, steady: SteadySignals, recording: Recording, some: Iterable[SignalBox]) -> None:
    steady.watch(search.reported(some, recording))


def _looked_at(stream: Stream, odd: list[str], tell: Callable[[str], None]) -> Iterator[Samples]:
    """The chunks of a stream; tells what is odd about the first samples as soon as there are enough."""
    seen: list[Samples] | None = []
    for chunk in stream.chunks():
        if seen is not None:
            seen.append(chunk)
            if sum(map(len, seen)) >= _LOOKED_AT:
                odd.extend(remarks_on_samples(np.concatenate(seen), stream.datatype, stream.name))
                seen = None
                for remark in odd:
                    tell(remark)
        yield chunk


def _samples_of(recording: Recording, capture: Capture, channel: int) -> SampleRange:
    def read(first: int, count: int) -> Samples:
        return recording.read(capture, first - capture.start_sample, count, channel=channel)

    return SampleRange(first_sample=capture.start_sample, stop_sample=capture.stop_sample, read=read)


class _Meter:
    """Counts samples, treats a stop as their end, and saves signals at intervals."""

    def __init__(self, stream: Stream, lag: LagMeter, keep: Callable[[], None], every_s: float) -> None:
        self.num_samples, self.lag = 0, lag
        self.start_utc = stream.start_utc
        self._is_live = stream.is_live
        self._keep, self._every_s = keep, every_s
        self._kept_s = time.monotonic()

    def through(self, chunks: Iterator[Samples]) -> Iterator[Samples]:
        """The same chunks; a stop ends waiting for a chunk at once, and the search of a chunk at its end."""
        while not is_asked():
            chunk = None
            self.lag.ask()
            with waiting():
                chunk = next(chunks, None)
            if chunk is None:
                return
            self.lag.get(chunk.size)
            if self._is_live and self.start_utc is None:
                self.start_utc = datetime.now(UTC)
            self.num_samples += chunk.size
            yield chunk
            if time.monotonic() - self._kept_s >= self._every_s:
                self._keep()
                self._kept_s = time.monotonic()


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


def _title(recording: Recording, capture: Capture, channel: int, num_boxes: int, grid: Grid) -> str:
    parts = [recording.name]
    if recording.num_channels > 1:
        parts.append(f"channel {channel}")
    if len(recording.captures) > 1:
        parts.append(f"capture at {with_unit(capture.center_hz, 'Hz')}")
    row_s = grid.stft.row_samples / grid.sample_rate_hz
    rows = f"rows of {grid.stft.frames_per_row} x {grid.stft.nfft} samples ({with_unit(row_s, 's')})"
    return f"{', '.join(parts)}: {num_boxes} {'signal' if num_boxes == 1 else 'signals'}, {rows}"
