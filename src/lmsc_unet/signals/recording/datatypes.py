"""The SigMF datatypes: decodes bytes to samples and rejects other file formats (archives, WAV)."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError

Samples = NDArray[np.inexact[Any]]
"""complex64, or float32 for real data."""

_PATTERN = re.compile(r"(?P<kind>[cr])(?P<component>f32|f64|[iu](?:8|16|32))(?:_(?P<order>le|be))?")
_LOWEST_PEAK, _HIGHEST_PEAK = 1e-10, 1e8
_EXAMPLES = "cf32_le, ci16_le, ci8, cu8, rf32_le or ri16_be"
_COMMON = re.compile(
    r"(?:(?P<kind>[cr]?)(?P<sign>[fsui])|(?P<sign_first>[fsui])c)(?P<bits>8|16|32|64)(?P<order>_[lb]e)?"
)
_OF_NUMPY = {"complex64": "cf32_le", "complex128": "cf64_le"}


@dataclass(frozen=True, kw_only=True)
class Datatype:
    """The layout of one sample in the file."""

    name: str
    """The SigMF name, such as `ci16_le`."""
    is_complex: bool
    """Whether samples are pairs of in-phase and quadrature."""
    component: np.dtype[np.generic]
    """The type of one number, with byte order."""

    @property
    def sample_bytes(self) -> int:
        """Bytes per sample of one channel."""
        return self.component.itemsize * (2 if self.is_complex else 1)

    @property
    def full_scale(self) -> float:
        """The magnitude that is scaled to 1.0; floats are not scaled."""
        return 1.0 if self.component.kind == "f" else float(2 ** (8 * self.component.itemsize - 1))


def parse_datatype(name: str) -> Datatype:
    """Parses a SigMF datatype, or what other programs call it; the default byte order is little-endian.

    Raises:
        DataError: it is not a datatype.
    """
    match = _PATTERN.fullmatch(name) if isinstance(name, str) else None
    if match is None and isinstance(name, str) and (common := _from_common(name)) is not None:
        return parse_datatype(common)
    if match is None:
        raise DataError(f"{name!r} is no SigMF datatype. It must be one like {_EXAMPLES}.")
    kind, bits = match["component"][0], int(match["component"][1:])
    order = ">" if match["order"] == "be" else "<"
    component: np.dtype[np.generic] = np.dtype(f"{order}{kind}{bits // 8}")
    return Datatype(name=name, is_complex=match["kind"] == "c", component=component)


def _from_common(name: str) -> str | None:
    """The SigMF datatype of cs8, sc16, fc32, uc8, s16, CF32_LE or complex64; None for other names.

    Names of inspectrum (README, "Input"), rtl_433 (docs/IQ_FORMATS.md) and SoapySDR (Formats.hpp).
    """
    lower = name.lower()
    match = _COMMON.fullmatch(lower)
    if match is None or lower in _OF_NUMPY:
        return _OF_NUMPY.get(lower)
    sign = match["sign"] or match["sign_first"]
    is_complex = match["sign_first"] is not None or match["kind"] == "c"
    order = "" if match["bits"] == "8" else match["order"] or "_le"
    found = f"{'c' if is_complex else 'r'}{'i' if sign == 's' else sign}{match['bits']}{order}"
    return found if _PATTERN.fullmatch(found) else None


def decode(raw: NDArray[np.generic], datatype: Datatype) -> Samples:
    """Decodes the numbers of one channel: integers are scaled to -1..1, with their signed or unsigned midpoint at 0.

    Args:
        raw: flat numbers of the datatype's component, in-phase and quadrature interleaved.
        datatype: their type.

    Returns:
        complex64, or float32 for real data; for `cf32_le` and `rf32_le` a view of `raw`.
    """
    if datatype.component.kind == "f":
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes inf, which is reported later
            numbers = np.ascontiguousarray(raw, np.float32)
    else:
        numbers = np.multiply(raw, np.float32(1 / datatype.full_scale), dtype=np.float32)
        if datatype.component.kind == "u":
            numbers -= np.float32(1)
    return numbers.view(np.complex64) if datatype.is_complex else numbers


def gain_of(peak: float) -> float:
    """The factor for samples with such a peak: 1, or a power of two if their squares would exceed float32."""
    if peak == 0 or _LOWEST_PEAK <= peak <= _HIGHEST_PEAK:
        return 1.0
    return float(2.0 ** min(120, max(-120, -math.floor(math.log2(peak)))))


def encode(samples: Samples, datatype: Datatype) -> NDArray[np.generic]:
    """Encodes samples: -1..1 becomes the full range, rounded and clipped."""
    numbers = np.ascontiguousarray(samples).view(np.float32)
    if datatype.component.kind == "f":
        return numbers.astype(datatype.component)
    limits = np.iinfo(datatype.component.name)
    middle = 0.0 if datatype.component.kind == "i" else datatype.full_scale
    scaled = np.rint(numbers.astype(np.float64) * datatype.full_scale + middle)
    return np.clip(scaled, limits.min, limits.max).astype(datatype.component)


HEAD_BYTES = 264
_PACKED = {
    b"\xfd7zXZ\x00": "an xz file",
    b"(\xb5/\xfd": "a zstd file",
    b"7z\xbc\xaf\x27\x1c": "a 7z file",
    b"\x04\x22M\x18": "an LZ4 file",
    b"PK\x03\x04": "a zip file",
}
_SOUND = {b"RIFF": "a WAV file", b"RF64": "an RF64 file", b"BW64": "a BW64 file", b"FORM": "an AIFF file"}
_WITH_HEADER = {
    b"fLaC": "a FLAC file",
    b"OggS": "an Ogg file",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"\x93NUMPY": "a NumPy file",
    b"MATLAB 5.0 MAT": "a MATLAB file",
}


def refuse_containers(head: bytes, path: Path | str) -> None:
    """Rejects other file formats, whose headers would be read as samples.

    Raises:
        DataError: names the format and what to do.
    """
    if packed := packed_kind(head):
        raise DataError(f"{path}: this is {packed}, whose bytes are not samples. Unpack it first.")
    name = next((name for magic, name in _WITH_HEADER.items() if head.startswith(magic)), _sound(head))
    if name:
        raise DataError(
            f"{path}: this is {name}: its header and what follows the samples would be read as samples. Convert it to "
            "raw samples or to SigMF, or write metadata with core:header_bytes and core:trailing_bytes. A WAV or RF64 "
            "file by itself is read as it is if --datatype is left out."
        )


def packed_kind(head: bytes) -> str | None:
    """The compressed format of a file that begins so, in words; None if it is none.

    Signatures of three bytes can occur in random samples, so more of the header is checked.
    """
    if head.startswith(b"\x1f\x8b\x08") and len(head) > 9 and head[3] < 32 and head[8] in (0, 2, 4):
        return "a gzip file"
    if head.startswith(b"BZh") and head[4:10] == b"1AY&SY":
        return "a bzip2 file"
    if head[257:262] == b"ustar":
        return "a tar archive"
    return next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)


def _sound(head: bytes) -> str | None:
    return _SOUND.get(head[:4]) if head[8:12] in (b"WAVE", b"AIFF", b"AIFC") else None
