"""WAV and RF64 files of I/Q samples, as SDR#, HDSDR, SDR Console, SDRuno and Perseus write them.

The container: EBU Tech 3306 (RF64 and its `ds64`). `auxi` as SpectraVue, HDSDR and SDRuno write it, with start time and
centre frequency, and Perseus' `rcvr`: z_WAV_FORMATS.txt of Linrad. SDR Console's `auxi` is XML in UTF-16 with
RadioCenterFreq and UTCSeconds: README of jheidel/rf64-convert.
"""

import re
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording.datatypes import HEAD_BYTES
from lmsc_unet.signals.recording.times import utc_of

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_COMPONENTS = {
    (_PCM, 8): "u8",
    (_PCM, 16): "i16_le",
    (_PCM, 24): "i32_le",  # once they are widened
    (_PCM, 32): "i32_le",
    (_FLOAT, 32): "f32_le",
    (_FLOAT, 64): "f64_le",
}
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
_MOST_CHUNKS, _MOST_BYTES = 1000, 1 << 20


@dataclass(frozen=True, kw_only=True)
class WavHeader:
    """What a WAV file says of its samples."""

    datatype: str
    """The SigMF datatype: complex for pairs of channels, real for one."""
    num_channels: int
    """Pairs of I and Q, or 1."""
    sample_rate_hz: float
    """Samples per second."""
    start_byte: int
    """The offset of the first sample."""
    num_bytes: int
    """The length of the samples."""
    is_narrow: bool = False
    """Whether numbers have 24 bits instead of the datatype's 32."""
    center_hz: float | None = None
    """The frequency at 0 Hz of the samples, if it is said."""
    start_utc: datetime | None = None
    """The time of the first sample, if it is said."""


@dataclass(kw_only=True)
class _Found:
    """The chunks of interest."""

    format: bytes = b""
    size64: int | None = None
    data: tuple[int, int] | None = None
    notes: list[tuple[bytes, bytes]] = field(default_factory=list)


def is_wav(head: bytes) -> bool:
    """Whether a file begins like a WAV, RF64 or BW64 file."""
    return head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def read_wav(data: Path, path: Path) -> WavHeader | None:
    """The header of a WAV file; None if it is none. A length that cannot be, as streams write it, means the rest.

    Raises:
        DataError: it is damaged, or its samples are none that can be read; names `path`.
    """
    with data.open("rb") as file:
        if not is_wav(file.read(HEAD_BYTES)):
            return None
        found = _chunks(file, data.stat().st_size)
    if len(found.format) < 16 or found.data is None:
        raise DataError(f"{path}: this WAV file has no format or no samples. It is damaged; record it again.")
    kind, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", found.format)
    if kind == _EXTENSIBLE and len(found.format) >= 26:
        kind = int.from_bytes(found.format[24:26], "little")
    component = _COMPONENTS.get((kind, bits))
    if component is None or channels < 1 or (channels > 1 and channels % 2):
        raise DataError(
            f"{path}: this WAV file has {channels} channels of {bits} bits in the format {kind}. I/Q samples are two "
            "channels of 8, 16, 24 or 32 bits, or floats; convert it: sox IN.wav -b 32 OUT.wav."
        )
    center_hz, start_utc = _notes(found.notes)
    return WavHeader(
        datatype=("r" if channels == 1 else "c") + component,
        num_channels=max(1, channels // 2),
        sample_rate_hz=float(rate_hz),
        start_byte=found.data[0],
        num_bytes=found.data[1],
        is_narrow=bits == 24,
        center_hz=center_hz,
        start_utc=start_utc,
    )


def _chunks(file: IO[bytes], file_bytes: int) -> _Found:
    found, place = _Found(), 12
    for _ in range(_MOST_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            break
        name, size = head[:4], int.from_bytes(head[4:], "little")
        place += 8
        left = file_bytes - place
        if name == b"data":
            size = found.size64 if size == 0xFFFFFFFF and found.size64 else size
            size = left if size in _UNKNOWN_SIZES or size > left else size
            found.data = (place, size)
        elif name == b"ds64":
            found.size64 = int.from_bytes(file.read(24)[8:16], "little")
        elif name == b"fmt ":
            found.format = file.read(min(size, 40))
        elif name in (b"auxi", b"rcvr"):
            found.notes.append((name, file.read(min(size, _MOST_BYTES))))
        place += size + size % 2
    return found


def _notes(notes: list[tuple[bytes, bytes]]) -> tuple[float | None, datetime | None]:
    center_hz, start_utc = None, None
    for name, content in notes:
        read = _perseus if name == b"rcvr" else _xml if b"\0R\0a\0d\0i\0o\0" in content else _spectravue
        center, start = read(content)
        center_hz, start_utc = center_hz or center or None, start_utc or start
    return center_hz, start_utc


def _spectravue(content: bytes) -> tuple[float, datetime | None]:
    """SYSTEMTIME of start and stop, then the centre frequency in Hz."""
    if len(content) < 36:
        return 0.0, None
    year, month, _, day, hour, minute, second, milli = struct.unpack_from("<8H", content)
    try:
        start = datetime(year, month, day, hour, minute, second, 1000 * milli, tzinfo=UTC)
    except ValueError:
        start = None
    return float(struct.unpack_from("<I", content, 32)[0]), start


def _xml(content: bytes) -> tuple[float, datetime | None]:
    """SDR Console's attributes; the text is searched, not parsed, as it comes from anyone."""
    text = content.decode("utf-16-le", errors="replace")
    values = {name: re.search(rf'\b{name}="(\d{{1,15}})"', text) for name in ("RadioCenterFreq", "UTCSeconds")}
    center, seconds = (float(found[1]) if found else 0.0 for found in values.values())
    return center, utc_of(seconds)


def _perseus(content: bytes) -> tuple[float, datetime | None]:
    """Centre frequency in Hz, number of the sampling rate, seconds since 1970."""
    if len(content) < 12:
        return 0.0, None
    center, _, seconds = struct.unpack_from("<III", content)
    return float(center), utc_of(seconds)
