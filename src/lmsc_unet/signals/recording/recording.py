"""A recording: its metadata and its samples, in chunks from a memory map; or the samples of a pipe."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording.datatypes import (
    Datatype,
    Samples,
    decode,
    gain_of,
)
from lmsc_unet.signals.recording.times import shifted

CHUNK_SAMPLES = 1 << 20
_STRETCHES, _STRETCH_SAMPLES = 32, 4096


class RecordingWarning(UserWarning):
    """Something odd in a recording that does not prevent reading it."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """A part of a recording with one center frequency."""

    start_sample: int
    """Its first sample, counted from the file's first."""
    num_samples: int
    """Its length in samples."""
    start_byte: int
    """The offset of its samples in the mapped file."""
    sample_rate_hz: float
    """Samples per second."""
    center_hz: float = 0.0
    """The frequency at 0 Hz of the samples; 0 if the recording does not say."""
    start_utc: datetime | None = None
    """The time of its first sample, if known."""
    gap_s: float = 0.0
    """Seconds that are missing between the capture before and this one."""

    @property
    def stop_sample(self) -> int:
        """One past its last sample."""
        return self.start_sample + self.num_samples

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.num_samples / self.sample_rate_hz


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Samples in a file, and their metadata."""

    name: str
    """The file's name without suffix."""
    path: Path
    """The file that the user named."""
    data: Path
    """The file that contains the samples: the `.sigmf-data`, the archive or the raw file."""
    datatype: Datatype
    """The layout of a sample."""
    sample_rate_hz: float
    """Samples per second; captures may have their own."""
    captures: tuple[Capture, ...]
    """Its captures, in order."""
    num_channels: int = 1
    """Channels, interleaved sample by sample."""
    first_index: int = 0
    """`core:offset`: the index of the file's first sample in annotations."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """The whole metadata; empty for a raw file."""
    keep_alive: object = None
    """Objects that must live as long as the recording, such as a temporary data file."""
    _gains: dict[int, float] = field(default_factory=dict, repr=False, compare=False)

    @property
    def num_samples(self) -> int:
        """Samples of each channel, over all captures."""
        return sum(capture.num_samples for capture in self.captures)

    @property
    def duration_s(self) -> float:
        """The duration of the samples, without gaps between captures."""
        return sum(capture.duration_s for capture in self.captures)

    def capture_at(self, sample: int) -> Capture:
        """The capture that a sample belongs to."""
        return next((one for one in reversed(self.captures) if one.start_sample <= sample), self.captures[0])

    def seconds(self, sample: int, *, within: Capture | None = None) -> float:
        """The time from the first sample to another: the duration of the samples in between.

        A stop is one past a last sample; `within` is the capture of that sample.
        """
        capture = within or self.capture_at(sample)
        before_s = sum(one.duration_s for one in self.captures if one.start_sample < capture.start_sample)
        return before_s + (sample - capture.start_sample) / capture.sample_rate_hz

    def utc(self, sample: int, *, within: Capture | None = None) -> datetime | None:
        """The time of a sample, if the recording knows it."""
        capture = within or self.capture_at(sample)
        return shifted(capture.start_utc, (sample - capture.start_sample) / capture.sample_rate_hz)

    def read(self, capture: Capture, start_sample: int, num_samples: int, *, channel: int = 0) -> Samples:
        """Samples of one channel, counted from the capture's first; fewer at the capture's end.

        Raises:
            DataError: the channel does not exist, or a sample is NaN or infinite.
        """
        if not 0 <= channel < self.num_channels:
            raise DataError(
                f"{self.path}: there is no channel {channel}; it has {self.num_channels}, counted "
                "from 0. Name one of these."
            )
        num_samples = min(num_samples, capture.num_samples - start_sample)
        if num_samples <= 0:
            return np.zeros(0, np.complex64 if self.datatype.is_complex else np.float32)
        samples = decode(self._map(capture, start_sample, num_samples, channel), self.datatype)
        self._check_finite(samples, capture.start_sample + start_sample)
        gain = self._gain(channel)
        return samples if gain == 1 else np.asarray(samples * np.float32(gain), samples.dtype)

    def stretches(self, channel: int = 0) -> Iterator[NDArray[np.generic]]:
        """The raw numbers of short stretches from all over a channel."""
        for capture in self.captures[:_STRETCHES]:
            number = max(1, _STRETCHES // len(self.captures))
            size = min(capture.num_samples, _STRETCH_SAMPLES)
            last = capture.num_samples - size
            for start in sorted({last * index // max(1, number - 1) for index in range(number)}):
                yield self._map(capture, start - start % 8, size, channel)  # aligned to numbers of any length

    def _gain(self, channel: int) -> float:
        """A power of two that scales floats of extreme magnitude so that their powers stay finite."""
        if self.datatype.component.kind != "f":
            return 1.0
        if channel not in self._gains:
            peaks = [np.abs(part[np.isfinite(part)]).max(initial=0) for part in self.stretches(channel)]
            self._gains[channel] = gain_of(float(max(peaks, default=0)))
        return self._gains[channel]

    def chunks(
        self, capture: Capture | None = None, *, channel: int = 0, chunk_samples: int = CHUNK_SAMPLES
    ) -> Iterator[Samples]:
        """The samples of a capture (by default the first) in order; maps one chunk at a time."""
        capture = capture or self.captures[0]
        for start in range(0, capture.num_samples, chunk_samples):
            yield self.read(capture, start, chunk_samples, channel=channel)

    def _map(self, capture: Capture, start: int, count: int, channel: int) -> NDArray[np.generic]:
        """Maps only these samples, so that earlier pages do not count as memory in use."""
        frame_bytes = self.datatype.sample_bytes * self.num_channels
        numbers = frame_bytes // self.datatype.component.itemsize
        try:
            mapped: NDArray[np.generic] = np.memmap(
                self.data,
                dtype=self.datatype.component,
                mode="r",
                offset=capture.start_byte + start * frame_bytes,
                shape=(count * numbers,),
            )
        except (OSError, ValueError) as error:
            raise DataError(
                f"{self.path}: samples {start} to {start + count - 1} are missing ({error}). The data was truncated or "
                "removed after it was opened; restore it and search it again."
            ) from error
        if self.num_channels == 1:
            return mapped.view(np.ndarray)
        return mapped.view(np.ndarray).reshape(count, self.num_channels, -1)[:, channel].reshape(-1)

    def _check_finite(self, samples: Samples, first_sample: int) -> None:
        if self.datatype.component.kind != "f":
            return
        with np.errstate(invalid="ignore", over="ignore"):
            if np.isfinite(samples.view(np.float32).sum()):
                return
        bad = ~np.isfinite(samples)
        if bad.any():
            raise DataError(
                f"{self.path}: {int(bad.sum())} samples from sample {first_sample + int(bad.argmax())} on are NaN or "
                "infinite. Write the recording without them, or check its datatype and byte order."
            )
