"""What the name of a raw file says: datatype, sample rate, centre frequency and time.

The conventions, and where they are described:

- suffixes such as `.cu8`, `.cs16`, `.cf32`, `.cfile`: inspectrum's README, "Input", and rtl_433's docs/IQ_FORMATS.md;
- `g001_433.92M_250k.cu8`: rtl_433's docs/IQ_FORMATS.md, "File name meta data": M is the frequency, k the rate;
- `gqrx_20200101_120000_433920000_1000000_fc.raw` and SatDump's `2023-08-05_08-02-00_16000000SPS_2274000000Hz.s8`:
  rffft_internal.c of strf;
- `SDRSharp_20200101_120000Z_433920000Hz_IQ.wav`, HDSDR's and SDRuno's `..._433920kHz_RF.wav`: iq/sdriq.txt of
  RS-tracker; SDR Console's `01-Jan-2020 120000.000 433.920MHz.wav`: rffft_internal.c of strf;
- `BBD_0001.C16` with `BBD_0001.TXT`: the wiki of PortaPack Mayhem, "C16 format".
"""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lmsc_unet.core.units import parse_hz
from lmsc_unet.errors import ConfigError
from lmsc_unet.signals.recording.times import parse_utc

_TYPES = {
    "cf32_le": ".cf32 .fc32 .cfile .complex",
    "cf64_le": ".cf64 .fc64",
    "ci32_le": ".cs32 .sc32 .c32 .ci32",
    "ci16_le": ".cs16 .sc16 .c16 .ci16",
    "ci8": ".cs8 .sc8 .c8 .ci8 .complex16s",
    "cu16_le": ".cu16",
    "cu8": ".cu8 .uc8 .complex16u",
}
_REAL_TYPES = {"rf32_le": ".f32", "rf64_le": ".f64", "ri16_le": ".s16", "ri8": ".s8", "ru8": ".u8"}
_OF_SUFFIX = {suffix: name for name, suffixes in (_TYPES | _REAL_TYPES).items() for suffix in suffixes.split()}
RAW_SUFFIXES = tuple(suffix for suffixes in _TYPES.values() for suffix in suffixes.split())
"""Suffixes of complex samples, in lower case."""
COMPRESSED = (".gz", ".xz")
"""Suffixes of raw files that are unpacked first."""
_GQRX = re.compile(r"gqrx_(\d{8}_\d{6})_(\d+)_(\d+)_fc")
_SATDUMP = re.compile(
    r"(\d{4}-\d\d-\d\d)_(\d\d)-(\d\d)-(\d\d)(?:-(\d{3}))?(?:-\d+\.\d+)?_(\d+(?:\.\d+)?)SPS_(\d+(?:\.\d+)?)Hz"
)
_TIME = re.compile(r"(?<!\d)(\d{8}_\d{6})Z(?![A-Za-z0-9])")
_CENTER = re.compile(r"\d+(?:\.\d+)?[kMG]?Hz")
_RTL_433 = {"center_hz": re.compile(r"\d+(?:\.\d+)?M"), "sample_rate_hz": re.compile(r"\d+(?:\.\d+)?k")}
_SATDUMP_TYPES = {".s8": "ci8", ".s16": "ci16_le", ".f32": "cf32_le"}
_MOST_TEXT = 1 << 16
_MOST_HZ = 1e15


@dataclass(frozen=True, kw_only=True)
class NameHints:
    """What a name says of a file; None for what it does not say."""

    datatype: str | None = None
    """The SigMF datatype."""
    sample_rate_hz: float | None = None
    """Samples per second."""
    center_hz: float | None = None
    """The frequency at 0 Hz of the samples."""
    start_utc: datetime | None = None
    """The time of the first sample."""


def is_raw_name(name: str) -> bool:
    """Whether a file's name says that it holds complex samples."""
    bare = _bare(name)
    return bare.lower().endswith(RAW_SUFFIXES) or bool(_GQRX.fullmatch(Path(bare).stem))


def read_hints(path: Path) -> NameHints:
    """What a file's name says, and the text file beside it that a PortaPack writes."""
    bare = Path(_bare(path.name))
    suffix, stem = bare.suffix.lower(), bare.stem
    if match := _GQRX.fullmatch(stem):
        return NameHints(
            datatype="cf32_le",
            center_hz=_possible(match[2]),
            sample_rate_hz=_possible(match[3]),
            start_utc=_compact(match[1]),
        )
    if match := _SATDUMP.match(stem):
        return NameHints(
            datatype=_SATDUMP_TYPES.get(suffix, _OF_SUFFIX.get(suffix)),
            sample_rate_hz=_possible(match[6]),
            center_hz=_possible(match[7]),
            start_utc=parse_utc(f"{match[1]}T{match[2]}:{match[3]}:{match[4]}.{match[5] or '000'}"),
        )
    words = re.split(r"[_ ]", stem)
    time = _TIME.search(stem)
    said = _portapack(path) if suffix in (".c16", ".c8") else {}
    found = {name: _first(pattern, words) for name, pattern in _RTL_433.items()} if suffix in RAW_SUFFIXES else {}
    center_hz = said.get("center_frequency") or _first(_CENTER, words) or found.get("center_hz")
    return NameHints(
        datatype=_OF_SUFFIX.get(suffix),
        sample_rate_hz=said.get("sample_rate") or found.get("sample_rate_hz"),
        center_hz=center_hz,
        start_utc=_compact(time[1]) if time else None,
    )


def _bare(name: str) -> str:
    """The name without the suffix of a compressed file."""
    return next((name[: -len(suffix)] for suffix in COMPRESSED if name.lower().endswith(suffix)), name)


def _first(pattern: re.Pattern[str], words: list[str]) -> float | None:
    word = next((word for word in words if pattern.fullmatch(word)), None)
    return None if word is None else _possible(word)


def _possible(text: str) -> float | None:
    """A number of Hz that a receiver can have; None for others."""
    try:
        value = parse_hz(text)
    except ConfigError:
        return None
    return value if 0 < value < _MOST_HZ else None


def _compact(text: str) -> datetime | None:
    return parse_utc(f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[9:11]}:{text[11:13]}:{text[13:]}")


def _portapack(path: Path) -> dict[str, float]:
    """The lines `sample_rate=...` and `center_frequency=...` of the text file beside a capture."""
    texts = (path.with_suffix(suffix) for suffix in (".TXT", ".txt"))
    text = next((file for file in texts if file.is_file() and file.stat().st_size < _MOST_TEXT), None)
    lines = text.read_text(errors="replace").splitlines() if text else ()
    said = {key.strip(): _possible(value) for key, _, value in (line.partition("=") for line in lines)}
    return {key: value for key, value in said.items() if value is not None}
