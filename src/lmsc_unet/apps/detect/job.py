"""`lmsc detect` as a function: searches recordings into a results folder; a bad recording does not stop the others."""

import errno
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lmsc_unet.apps.detect.cuts import CutWriter
from lmsc_unet.apps.detect.inputs import Channel, RawFormat, channels_of
from lmsc_unet.apps.detect.limits import SignalLimits
from lmsc_unet.apps.detect.occupancy import check_channels
from lmsc_unet.apps.detect.results import DetectionsFolder, RecordingEntry, add_entry, is_complete
from lmsc_unet.apps.detect.searching import STEADY_S, SearchResult, SignalSearch, search_recording, search_stream
from lmsc_unet.apps.detect.steady import State
from lmsc_unet.apps.detect.writers import PICTURE, TABLE, write_found, write_signals
from lmsc_unet.apps.items import Item
from lmsc_unet.core.stopping import postponed
from lmsc_unet.errors import DataError, LmscError, OutputError
from lmsc_unet.inference.detector import SignalDetector
from lmsc_unet.signals.annotations import check_annotatable, read_boxes
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.recording import Recording, RecordingWarning, Stream
from lmsc_unet.signals.recording.sanity import remarks_on

OnDetection = Callable[[str, SignalBox, State, Recording], None]
"""Called with a recording's name in the results, a signal, whether it has ended, and the recording."""


_OF_A_NAME = (errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.EILSEQ, errno.EINVAL)


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectJob:
    """The recordings to search and the results folder."""

    finder: SignalDetector
    """The detector."""
    items: tuple[Item, ...] = ()
    """The files to search; empty for a pipe."""
    remarks: tuple[str, ...] = ()
    """Notes about the inputs."""
    stream: Stream | None = None
    """The pipe to search."""
    folder: DetectionsFolder | None
    """The open results folder; None writes no files."""
    raw: RawFormat = field(default_factory=RawFormat)
    """What files without metadata do not say themselves."""
    channels: tuple[int, ...] = ()
    """The channels to search; none means all."""
    is_checked: bool = True
    """Whether data is compared with the SHA-512 in its metadata."""
    limits: SignalLimits = field(default_factory=SignalLimits)
    """Signals beyond these are not reported."""
    steady_s: float = STEADY_S
    """A signal that goes on for so long is told, and told again."""
    on_detection: OnDetection | None = None
    """Called with each signal as soon as it has ended, and while it goes on if it lasts."""

    cuts: CutWriter | None = None
    """Writes each signal as a recording of its own."""
    occupancy_hz: float | None = None
    """The width of the channels whose use is measured; None measures none."""
    on_remark: Callable[[str], None] = lambda _: None
    """Called with what is odd about a pipe while it is searched."""

    def search(self, path: str, name: str, channel: int = 0) -> SignalSearch:
        """The search of one channel of a recording, with its name in the results."""
        return SignalSearch(
            finder=self.finder,
            limits=self.limits,
            steady_s=self.steady_s,
            on_signal=None if self.on_detection is None else partial(self.on_detection, name),
            on_cut=None if self.cuts is None else partial(self.cuts.write, path, name, channel),
            on_remark=self.on_remark,
        )


def run_job(job: DetectJob) -> Iterator[RecordingEntry]:
    """Yields an entry for each recording and channel, once its files and its line are written.

    Recordings that an earlier run finished, and whose files exist, are skipped.

    Raises:
        OutputError: a result cannot be written; earlier ones are kept.
        KeyboardInterrupt: a pipe was stopped; everything is written.
    """
    entries: list[RecordingEntry] = []
    if job.stream is not None:
        yield _run_stream(job, job.stream)
    for item in job.items:
        for entry in _search_item(job, item):
            entries.append(entry)
            yield entry
    if job.folder is not None and job.folder.done:
        job.folder.rewrite(entries)


def close_job(job: DetectJob, entries: Sequence[RecordingEntry]) -> int:
    """Closes the results folder; returns the number of failed recordings."""
    num_failed = sum(entry.status == "failed" for entry in entries)
    if job.folder is not None:
        job.folder.close(recordings=len(entries), failed=num_failed)
    if job.cuts is not None:
        job.cuts.close()
    return num_failed


def release(job: DetectJob) -> None:
    """Lets the folders go when a job ends early."""
    for folder in (job.folder, job.cuts):
        if folder is not None:
            folder.release()


def _search_item(job: DetectJob, item: Item) -> list[RecordingEntry]:
    """A failure becomes the recording's own line; only a disk that accepts no more data ends the job."""
    entries: list[RecordingEntry] = []
    with noted_warnings() as odd:
        try:
            channels = channels_of(item, job.raw, job.channels, is_checked=job.is_checked)
            for channel in channels:
                known = _known(job, channel)
                entries.append(known or _finished(job, _search(job, item, channel, odd)))
        except BrokenPipeError:
            raise
        except OutputError as error:
            if _is_of_the_disk(error):
                release(job)
                raise
            entries.append(_finished(job, _failed(str(item.path), item.name, odd, error)))
        except Exception as error:  # one recording must not stop the others
            entries.append(_finished(job, _failed(str(item.path), item.name, odd, error)))
    return entries


def _is_of_the_disk(error: OutputError) -> bool:
    """Whether nothing more can be written at all, not just this recording's files."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno not in _OF_A_NAME


def _run_stream(job: DetectJob, stream: Stream) -> RecordingEntry:
    """Searches a pipe until it closes or Ctrl-C; in both cases the signals found until then are written.

    Table and metadata are also written every minute.

    Raises:
            OutputError: a result cannot be written.
            KeyboardInterrupt: the search was stopped; everything is written.
    """
    started_s = time.perf_counter()

    def keep(found: SearchResult) -> None:
        if job.folder is not None:
            write_signals(job.folder.path, stream.name, found, job.occupancy_hz)

    with postponed():
        try:
            if job.occupancy_hz is not None:
                check_channels(stream.as_recording(0), job.occupancy_hz)
            found = search_stream(stream, job.search(stream.source, stream.name), keep)
            return _finished(job, _entry(job, stream.source, stream.name, found, found.remarks, started_s))
        except DataError as error:
            return _finished(job, _failed(stream.source, stream.name, [], error))
        finally:
            stream.close()


def _search(job: DetectJob, item: Item, channel: Channel, odd: list[str]) -> RecordingEntry:
    started_s = time.perf_counter()
    recording = channel.recording
    odd.extend(remark for remark in remarks_on(recording, channel.number) if remark not in odd)
    if job.occupancy_hz is not None:
        check_channels(recording, job.occupancy_hz)
    fault = _fault_of(recording)
    if fault is None:
        _check_annotations(recording, odd)
    search = job.search(str(item.path), channel.name, channel.number)
    found = search_recording(recording, channel.number, search, is_drawn=channel.is_drawn)
    return _entry(job, str(item.path), channel.name, found, tuple(odd), started_s, fault)


def _fault_of(recording: Recording) -> str | None:
    """Why the recording's metadata cannot store annotations; its samples are searched anyway."""
    try:
        check_annotatable(recording)
    except DataError as error:
        return f"{error} Its signals are in {TABLE} and {PICTURE}."
    return None


def _check_annotations(recording: Recording, odd: list[str]) -> None:
    """Reports annotations that are not boxes and keeps them as they are; the samples are searched anyway."""
    try:
        read_boxes(recording)
    except DataError as error:
        odd.append(f"{error} The annotation is kept as it is.")


def _entry(
    job: DetectJob,
    path: str,
    name: str,
    found: SearchResult,
    odd: tuple[str, ...],
    started_s: float,
    fault: str | None = None,
) -> RecordingEntry:
    folder = job.folder
    files = (
        () if folder is None else write_found(folder.path, name, found, job.occupancy_hz, is_annotatable=fault is None)
    )
    return RecordingEntry(
        path=path,
        status="ok" if fault is None or folder is None else "failed",
        name=name,
        signals=len(found.boxes),
        duration_s=found.recording.duration_s,
        frames_per_row=found.frames_per_row,
        ms=round(1e3 * (time.perf_counter() - started_s), 1),
        warnings=odd,
        error=fault if folder is not None else None,
        files=files,
    )


def _failed(path: str, name: str, odd: list[str], error: BaseException) -> RecordingEntry:
    reason = str(error)
    if isinstance(error, MemoryError):
        reason = "it does not fit into memory."
    elif isinstance(error, OSError) and error.filename is not None:
        reason = f"{error.filename}: {error.strerror}. See that it is there and may be read."
    elif not isinstance(error, LmscError | OSError | ValueError):
        reason = f"{type(error).__name__}: {reason}. This is a bug in lmsc-unet; please report it."
    return RecordingEntry(path=path, status="failed", name=name, warnings=tuple(odd), error=reason)


def _known(job: DetectJob, channel: Channel) -> RecordingEntry | None:
    """The entry of a channel that an earlier run has finished."""
    if job.folder is None:
        return None
    known = job.folder.done.get(channel.name)
    return known if known is not None and is_complete(job.folder.path, known) else None


def _finished(job: DetectJob, entry: RecordingEntry) -> RecordingEntry:
    if job.folder is not None:
        add_entry(job.folder, entry)
    return entry


@contextmanager
def noted_warnings() -> Iterator[list[str]]:
    """Collects warnings about recordings, each once, instead of letting Python print them."""
    odd: list[str] = []
    show = warnings.showwarning

    def note(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, RecordingWarning):
            show(message, category, *place, **more)
        elif str(message) not in odd:
            odd.append(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", RecordingWarning)
        warnings.showwarning = note
        yield odd
