"""Opens a file of samples without metadata: what the user, its header and its name say of it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording.datatypes import parse_datatype
from lmsc_unet.signals.recording.file_names import read_hints
from lmsc_unet.signals.recording.layout import build_recording
from lmsc_unet.signals.recording.metadata import CaptureEntry, Metadata, checked_rate
from lmsc_unet.signals.recording.recording import Recording
from lmsc_unet.signals.recording.times import format_utc
from lmsc_unet.signals.recording.unpacking import unpack_raw, widen
from lmsc_unet.signals.recording.wav import read_wav


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the samples lie in the file."""

    header_bytes: int = 0
    trailing_bytes: int = 0
    num_channels: int = 1


def open_raw(
    path: Path,
    *,
    datatype: str | None = None,
    sample_rate_hz: float | None = None,
    center_hz: float | None = None,
    start_utc: datetime | None = None,
    num_channels: int | None = None,
) -> Recording:
    """Opens a raw file or a WAV file, unpacked if it is compressed by gzip or xz.

    What is given here counts before what a WAV header says, and that before what the name says.

    Raises:
        DataError: nothing says its datatype or its sample rate, or it is damaged.
    """
    unpacked: Any = unpack_raw(path)
    data = path if unpacked is None else Path(unpacked.name)
    num_bytes = data.stat().st_size
    wav = read_wav(data, path) if datatype is None else None
    hints, place = read_hints(path), _Place(num_channels=num_channels or 1)
    if wav is not None:
        rest = num_bytes - wav.start_byte - wav.num_bytes
        place = _Place(header_bytes=wav.start_byte, trailing_bytes=rest, num_channels=wav.num_channels)
        if wav.is_narrow:
            unpacked = widen(path, data, wav.start_byte, wav.num_bytes)
            data, place = Path(unpacked.name), _Place(num_channels=wav.num_channels)
            num_bytes = data.stat().st_size
        datatype, sample_rate_hz = wav.datatype, sample_rate_hz or wav.sample_rate_hz
        center_hz = wav.center_hz if center_hz is None else center_hz
        start_utc = start_utc or wav.start_utc
    center_hz = hints.center_hz if center_hz is None else center_hz
    metadata = raw_metadata(
        datatype=datatype or hints.datatype,
        sample_rate_hz=sample_rate_hz or hints.sample_rate_hz,
        center_hz=center_hz or 0.0,
        start_utc=start_utc or hints.start_utc,
        place=place,
        path=path,
    )
    return build_recording(
        metadata, name=path.name, path=path, data=data, start_byte=0, num_bytes=num_bytes, keep_alive=unpacked
    )


def raw_metadata(
    *,
    datatype: str | None,
    sample_rate_hz: float | None,
    center_hz: float,
    start_utc: datetime | None,
    place: _Place,
    path: Path,
) -> Metadata:
    """Metadata for samples that have none."""
    if datatype is None:
        raise DataError(
            f"{path}: a file without SigMF metadata does not say what its bytes are. Give --datatype (such as ci16_le) "
            "and --sample-rate-hz, or name a .sigmf-meta file."
        )
    capture = CaptureEntry(
        start_index=0,
        header_bytes=place.header_bytes,
        center_hz=center_hz,
        time=None if start_utc is None else format_utc(start_utc),
    )
    return Metadata(
        whole={},
        datatype=parse_datatype(datatype),
        sample_rate_hz=checked_rate(sample_rate_hz, path),
        num_channels=place.num_channels,
        first_index=0,
        trailing_bytes=place.trailing_bytes,
        captures=(capture,),
    )
