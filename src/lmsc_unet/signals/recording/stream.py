"""Samples from a pipe, such as `rtl_sdr - | lmsc detect -`: no length, no way back."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording.containers import HEAD_BYTES, refuse_containers
from lmsc_unet.signals.recording.datatypes import Datatype, Samples, decode, gain_of, parse_datatype
from lmsc_unet.signals.recording.metadata import checked_rate
from lmsc_unet.signals.recording.recording import Capture, Recording

_STANDARD_INPUT = Path("standard input")


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Samples that come one after another until the pipe closes."""

    file: IO[bytes]
    """The pipe, opened for bytes."""
    datatype: Datatype
    """How a sample is laid out."""
    sample_rate_hz: float
    """Samples a second."""
    center_hz: float = 0.0
    """What 0 Hz of the samples stands for."""
    name: str = "stdin"
    """What the results are called."""

    def chunks(self, *, chunk_samples: int = 1 << 16) -> Iterator[Samples]:
        """The samples as they come, in chunks of at most `chunk_samples`; a last cut sample is dropped.

        Raises:
            DataError: nothing came at all, or a sample is NaN or infinite.
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

    def as_recording(self, num_samples: int) -> Recording:
        """What came through as a recording without a data file: enough to write its annotations."""
        capture = Capture(start_sample=0, num_samples=num_samples, start_byte=0, center_hz=self.center_hz)
        return Recording(
            name=self.name,
            path=_STANDARD_INPUT,
            data=Path(f"{self.name}.sigmf-data"),
            datatype=self.datatype,
            sample_rate_hz=self.sample_rate_hz,
            captures=(capture,),
        )

    def _read(self, num_bytes: int) -> bytes:
        """What is there now, at least one byte until the end, so that a slow pipe is not waited for."""
        read1 = getattr(self.file, "read1", None)
        block: bytes = read1(num_bytes) if read1 else self.file.read(num_bytes)
        return block


def open_stream(
    file: IO[bytes], *, datatype: str | None, sample_rate_hz: float | None, center_hz: float = 0.0
) -> Stream:
    """Reads samples from a pipe, which says nothing of itself.

    Raises:
        DataError: the datatype or the sample rate is not given or unusable.
    """
    if datatype is None:
        raise DataError("Standard input does not say what its bytes are. Give --datatype (rtl_sdr writes cu8).")
    rate_hz = checked_rate(sample_rate_hz, _STANDARD_INPUT)
    return Stream(file=file, datatype=parse_datatype(datatype), sample_rate_hz=rate_hz, center_hz=center_hz)
