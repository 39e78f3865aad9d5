"""Samples that arrive from a pipe or a receiver."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import numpy as np

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording.datatypes import (
    HEAD_BYTES,
    Datatype,
    Samples,
    decode,
    gain_of,
    parse_datatype,
    refuse_containers,
)
from lmsc_unet.signals.recording.metadata import checked_rate
from lmsc_unet.signals.recording.recording import Capture, Recording

_STANDARD_INPUT = Path("standard input")


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Samples that arrive until the pipe closes."""

    file: IO[bytes]
    """The pipe, opened in binary mode."""
    datatype: Datatype
    """The layout of a sample."""
    sample_rate_hz: float
    """Samples per second."""
    center_hz: float = 0.0
    """The frequency at 0 Hz of the samples."""
    name: str = "stdin"
    """The name of the results."""
    source: str = "-"
    """What the user named."""
    start_utc: datetime | None = None
    """The time of its first sample, if known."""
    is_live: bool = False
    """Whether the first sample is received when it arrives."""

    def chunks(self, *, chunk_samples: int = 1 << 16) -> Iterator[Samples]:
        """The samples as they arrive, in chunks of at most `chunk_samples`; an incomplete last sample is dropped.

        Raises:
            DataError: no sample arrived, or one is NaN or infinite.
        """
        rest, num_samples, gain = b"", 0, 1.0
        while block := self._read(chunk_samples * self.datatype.sample_bytes):
            block = rest + block
            if not num_samples:
                refuse_containers(block[:HEAD_BYTES], self.name)
            whole = len(block) - len(block) % self.datatype.sample_bytes
            rest = block[whole:]
            samples = decode(np.frombuffer(block[:whole], self.datatype.component), self.datatype)
            if not np.isfinite(samples).all():
                raise DataError(
                    f"{self.name}: samples after sample {num_samples} are NaN or infinite. Check the datatype."
                )
            if not num_samples and self.datatype.component.kind == "f" and samples.size:
                gain = gain_of(float(np.abs(samples.view(np.float32)).max()))
            num_samples += samples.size
            if samples.size:
                yield samples if gain == 1 else np.asarray(samples * np.float32(gain), samples.dtype)
        if num_samples == 0:
            raise DataError(f"{self.name}: not one sample came. Check the program before the pipe.")

    def as_recording(self, num_samples: int, *, start_utc: datetime | None = None) -> Recording:
        """The received samples as a recording without a data file, to write annotations for."""
        capture = Capture(
            start_sample=0,
            num_samples=num_samples,
            start_byte=0,
            sample_rate_hz=self.sample_rate_hz,
            center_hz=self.center_hz,
            start_utc=start_utc or self.start_utc,
        )
        return Recording(
            name=self.name,
            path=_STANDARD_INPUT,
            data=Path(f"{self.name}.sigmf-data"),
            datatype=self.datatype,
            sample_rate_hz=self.sample_rate_hz,
            captures=(capture,),
        )

    def close(self) -> None:
        """Closes a pipe or a connection; standard input belongs to others."""
        if self.source != "-":
            self.file.close()

    def _read(self, num_bytes: int) -> bytes:
        """The available bytes, at least one before the end; does not wait for a full chunk."""
        read1 = getattr(self.file, "read1", None)
        block: bytes = read1(num_bytes) if read1 else self.file.read(num_bytes)
        return block


def open_stream(
    file: IO[bytes],
    *,
    datatype: str | None,
    sample_rate_hz: float | None,
    center_hz: float | None = None,
    start_utc: datetime | None = None,
    is_live: bool = False,
    path: Path | None = None,
) -> Stream:
    """Reads samples from a pipe, which has no metadata; `path` is that of a named pipe.

    Raises:
        DataError: the datatype or the sample rate is missing or unusable.
    """
    where = path or _STANDARD_INPUT
    if datatype is None:
        who = "Standard input" if path is None else path
        raise DataError(f"{who} does not say what its bytes are. Give --datatype (rtl_sdr writes cu8).")
    return Stream(
        file=file,
        datatype=parse_datatype(datatype),
        sample_rate_hz=checked_rate(sample_rate_hz, where),
        center_hz=center_hz or 0.0,
        name="stdin" if path is None else path.name,
        source="-" if path is None else str(path),
        start_utc=start_utc,
        is_live=is_live,
    )
