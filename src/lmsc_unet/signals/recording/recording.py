"""A recording: what is known of it, and its samples in chunks from a memory map."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording.datatypes import Datatype, Samples, decode, gain_of

CHUNK_SAMPLES = 1 << 20
_STRETCHES, _STRETCH_SAMPLES = 32, 4096


class RecordingWarning(UserWarning):
    """Something odd in a recording that does not keep it from being read."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """A stretch of a recording with one centre frequency."""

    start_sample: int
    """Its first sample, counted from the first of the file."""
    num_samples: int
    """How many samples it has."""
    start_byte: int
    """Where its samples begin in the file that is mapped."""
    center_hz: float = 0.0
    """What 0 Hz of the samples stands for; 0 where the recording does not say."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Samples in a file, and what its metadata says of them."""

    name: str
    """The recording's name: its file's, without the suffix."""
    path: Path
    """The file that the user named."""
    data: Path
    """The file that holds the samples: the `.sigmf-data`, the archive or the raw file."""
    datatype: Datatype
    """How a sample is laid out."""
    sample_rate_hz: float
    """Samples a second."""
    captures: tuple[Capture, ...]
    """Its stretches, in order."""
    num_channels: int = 1
    """Channels, interleaved sample by sample."""
    first_index: int = 0
    """`core:offset`: the index that annotations give to the file's first sample."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """The whole metadata as it was read; empty for a raw file."""
    keep_alive: object = None
    """What must live as long as the recording, such as the unpacked data of a compressed archive."""
    _gains: dict[int, float] = field(default_factory=dict, repr=False, compare=False)

    @property
    def num_samples(self) -> int:
        """Samples of each channel, over all captures."""
        return sum(capture.num_samples for capture in self.captures)

    @property
    def duration_s(self) -> float:
        """How long the samples last."""
        return self.num_samples / self.sample_rate_hz

    def read(self, capture: Capture, start_sample: int, num_samples: int, *, channel: int = 0) -> Samples:
        """Samples of one channel, counted from the capture's first; fewer where the capture ends.

        Raises:
            DataError: there is no such channel, or a sample is NaN or infinite.
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
        """The numbers of short stretches from all over a channel, as they lie in the file."""
        for capture in self.captures[:_STRETCHES]:
            number = max(1, _STRETCHES // len(self.captures))
            size = min(capture.num_samples, _STRETCH_SAMPLES)
            last = capture.num_samples - size
            for start in sorted({last * index // max(1, number - 1) for index in range(number)}):
                yield self._map(capture, start - start % 8, size, channel)  # where numbers of any length begin

    def _gain(self, channel: int) -> float:
        """What brings floats far from 1 near it, so that their powers can be computed with: a power of two."""
        if self.datatype.component.kind != "f":
            return 1.0
        if channel not in self._gains:
            peaks = [np.abs(part[np.isfinite(part)]).max(initial=0) for part in self.stretches(channel)]
            self._gains[channel] = gain_of(float(max(peaks, default=0)))
        return self._gains[channel]

    def chunks(
        self, capture: Capture | None = None, *, channel: int = 0, chunk_samples: int = CHUNK_SAMPLES
    ) -> Iterator[Samples]:
        """The samples of a capture (the first if none is named) in order; only one chunk is mapped at a time."""
        capture = capture or self.captures[0]
        for start in range(0, capture.num_samples, chunk_samples):
            yield self.read(capture, start, chunk_samples, channel=channel)

    def _map(self, capture: Capture, start: int, count: int, channel: int) -> NDArray[np.generic]:
        """Maps just these samples, so that the pages of earlier ones do not count as memory in use."""
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
                f"{self.path}: samples {start} to {start + count - 1} are not there ({error}). The data was cut or "
                "removed after it was opened; search it once it is whole."
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
