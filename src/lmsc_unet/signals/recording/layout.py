"""The position of each capture's samples in the data file."""

import warnings
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording.datatypes import HEAD_BYTES, refuse_containers
from lmsc_unet.signals.recording.metadata import CaptureEntry, Metadata
from lmsc_unet.signals.recording.recording import Capture, Recording, RecordingWarning
from lmsc_unet.signals.recording.times import parse_utc, shifted

CLOCK_ERROR_S = 0.1
"""Captures whose times differ less from the number of samples between them are one stretch: clocks are not exact."""


def build_recording(
    metadata: Metadata, *, name: str, path: Path, data: Path, start_byte: int, num_bytes: int, keep_alive: object = None
) -> Recording:
    """Combines metadata with `num_bytes` of samples at offset `start_byte` of the file `data`.

    Raises:
        DataError: there are no samples, or the data is a file of another format.
    """
    if not metadata.captures[0].header_bytes:
        _check_head(data, start_byte, path)
    captures = _lay_out(metadata, start_byte, num_bytes, path)
    return Recording(
        name=name,
        path=path,
        data=data,
        datatype=metadata.datatype,
        sample_rate_hz=metadata.sample_rate_hz,
        captures=_joined(captures, metadata),
        num_channels=metadata.num_channels,
        first_index=metadata.first_index,
        metadata=metadata.whole,
        keep_alive=keep_alive,
    )


def _check_head(data: Path, start_byte: int, path: Path) -> None:
    with data.open("rb") as file:
        file.seek(start_byte)
        refuse_containers(file.read(HEAD_BYTES), path)


def _lay_out(metadata: Metadata, start_byte: int, num_bytes: int, path: Path) -> list[Capture]:
    num_samples = _count_samples(metadata, num_bytes, path)
    entries = _with_first(metadata)
    captures, byte, clock = [], start_byte, _Clock(path=path)
    for entry, following in zip(entries, [*entries[1:], None], strict=True):
        byte += entry.header_bytes
        start = min(entry.start_index - metadata.first_index, num_samples)
        stop = num_samples if following is None else min(following.start_index - metadata.first_index, num_samples)
        if entry.start_index - metadata.first_index >= num_samples:
            _warn(path, f"a capture begins at sample {entry.start_index}, beyond the last sample; it is skipped.")
        if stop > start:
            rate_hz = entry.sample_rate_hz or metadata.sample_rate_hz
            time, gap_s = clock.pass_by(entry, stop - start, rate_hz)
            captures.append(
                Capture(
                    start_sample=start,
                    num_samples=stop - start,
                    start_byte=byte,
                    sample_rate_hz=rate_hz,
                    center_hz=entry.center_hz,
                    start_utc=time,
                    gap_s=gap_s,
                )
            )
        byte += (stop - start) * metadata.datatype.sample_bytes * metadata.num_channels
    return captures


@dataclass(kw_only=True)
class _Clock:
    """Follows the times of the captures: each runs on from the one before unless it says otherwise."""

    path: Path
    time: datetime | None = None
    """The time expected of the next sample."""
    index: int | None = None
    """Its expected index in the stream."""

    def pass_by(self, entry: CaptureEntry, num_samples: int, rate_hz: float) -> tuple[datetime | None, float]:
        """The time of a capture's first sample, and the seconds that are missing before it."""
        said = parse_utc(entry.time)
        if entry.time is not None and said is None:
            _warn(self.path, f"a capture's core:datetime is {entry.time!r}, which is no time; it is ignored.")
        missing = 0 if self.index is None or entry.global_index is None else entry.global_index - self.index
        gap_s = missing / rate_hz
        if said is not None and self.time is not None and not missing:
            seconds = (said - self.time).total_seconds()
            gap_s = seconds if abs(seconds) > CLOCK_ERROR_S else 0.0
        time = said or shifted(self.time, gap_s)
        self.time = shifted(time, num_samples / rate_hz)
        self.index = None if entry.global_index is None else entry.global_index + num_samples
        return time, gap_s


def _count_samples(metadata: Metadata, num_bytes: int, path: Path) -> int:
    skipped = metadata.trailing_bytes + sum(entry.header_bytes for entry in metadata.captures)
    frame_bytes = metadata.datatype.sample_bytes * metadata.num_channels
    num_samples, rest = divmod(num_bytes - skipped, frame_bytes)
    if num_samples <= 0:
        raise DataError(
            f"{path}: the recording is empty: {num_bytes} bytes of data, {skipped} of them headers and trailers. "
            f"A sample of {metadata.datatype.name} with {metadata.num_channels} channels has {frame_bytes} bytes."
        )
    if rest:
        _warn(
            path,
            f"the data has {num_bytes} bytes, which is not a whole number of samples of {frame_bytes} bytes "
            f"({metadata.datatype.name}, {metadata.num_channels} channels); the last {rest} bytes are ignored. "
            "Check the datatype, or whether the file was truncated.",
        )
    return num_samples


def _with_first(metadata: Metadata) -> list[CaptureEntry]:
    """Adds a capture for samples before the first one."""
    first = metadata.captures[0]
    if first.start_index == metadata.first_index:
        return list(metadata.captures)
    return [CaptureEntry(start_index=metadata.first_index, header_bytes=0, center_hz=0.0), *metadata.captures]


def _joined(captures: list[Capture], metadata: Metadata) -> tuple[Capture, ...]:
    """Merges adjacent captures of one center frequency and rate, with neither bytes nor time in between."""
    frame_bytes = metadata.datatype.sample_bytes * metadata.num_channels
    joined: list[Capture] = []
    for capture in captures:
        last = joined[-1] if joined else None
        if last and _goes_on(last, capture) and _ends_at(last, frame_bytes) == capture.start_byte:
            joined[-1] = replace(
                last,
                num_samples=last.num_samples + capture.num_samples,
                start_utc=last.start_utc or shifted(capture.start_utc, -last.duration_s),
            )
        else:
            joined.append(capture)
    return tuple(joined)


def _goes_on(last: Capture, capture: Capture) -> bool:
    same = (last.center_hz, last.sample_rate_hz) == (capture.center_hz, capture.sample_rate_hz)
    return same and capture.gap_s == 0


def _ends_at(capture: Capture, frame_bytes: int) -> int:
    return capture.start_byte + capture.num_samples * frame_bytes


def _warn(path: Path, message: str) -> None:
    warnings.warn(f"{path}: {message}", RecordingWarning, stacklevel=2)
