"""Parses a SigMF metadata object and checks every value that is used."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording.datatypes import Datatype, parse_datatype

MAX_INDEX = 2**63 - 1
MAX_META_BYTES = 64 * 2**20
"""Size limit of JSON, whose parsed form takes up to twenty times the memory."""
CAPTURE_RATES = ("sdrangel:sample_rate", "core:sample_rate")
"""The sample rate of a capture, in which SDRangel's captures may differ (sigmffileinput in its sources)."""


@dataclass(frozen=True, kw_only=True)
class CaptureEntry:
    """One entry of `captures`."""

    start_index: int
    """`core:sample_start`, in the index of annotations."""
    header_bytes: int
    """Bytes before its first sample (headers)."""
    center_hz: float
    """`core:frequency`, or 0."""
    sample_rate_hz: float | None = None
    """A rate of its own, as SDRangel writes it."""
    time: object = None
    """`core:datetime`, as it stands there."""
    global_index: int | None = None
    """`core:global_index`: the first sample's index in the stream that was recorded."""


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """The metadata needed to read the samples."""

    whole: Mapping[str, Any]
    """The whole object."""
    datatype: Datatype
    """The layout of a sample."""
    sample_rate_hz: float
    """Samples per second."""
    num_channels: int
    """Channels, interleaved."""
    first_index: int
    """The index of the file's first sample."""
    trailing_bytes: int
    """Bytes after the last sample."""
    captures: tuple[CaptureEntry, ...]
    """The captures in order of their start; at least one."""


def load_json(text: str | bytes, path: Path) -> Mapping[str, Any]:
    """Parses a metadata file.

    Raises:
        DataError: it is not a JSON object.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: the metadata is no JSON ({error}). Write it again with a SigMF tool.") from error
    if not isinstance(value, dict):
        raise DataError(f"{path}: the metadata is a JSON {type(value).__name__}; SigMF has an object there.")
    return value


def parse_metadata(whole: Mapping[str, Any], path: Path, *, sample_rate_hz: float | None = None) -> Metadata:
    """Extracts what is needed to read the samples.

    Args:
        whole: the metadata object.
        path: the file's name, for messages.
        sample_rate_hz: replaces the file's own.

    Raises:
        DataError: the datatype or sample rate is missing or unusable, or a number is invalid.
    """
    fields = section(whole, "global", dict, path)
    captures = section(whole, "captures", list, path)
    try:
        datatype = parse_datatype(fields.get("core:datatype", ""))
    except DataError as error:
        raise DataError(f"{path}: core:datatype: {error}") from None
    first_index = _integer(fields, "core:offset", 0, path)
    return Metadata(
        whole=whole,
        datatype=datatype,
        sample_rate_hz=checked_rate(fields.get("core:sample_rate") if sample_rate_hz is None else sample_rate_hz, path),
        num_channels=_integer(fields, "core:num_channels", 1, path, lowest=1),
        first_index=first_index,
        trailing_bytes=_integer(fields, "core:trailing_bytes", 0, path),
        captures=_captures(captures, path, first_index, with_rates=sample_rate_hz is None),
    )


def section(whole: Mapping[str, Any], key: str, kind: type, path: Path) -> Any:
    """One of the three sections of the metadata; empty if missing."""
    value = whole.get(key, kind())
    if not isinstance(value, kind):
        raise DataError(f"{path}: {key!r} is a {type(value).__name__}; SigMF has a {kind.__name__} there.")
    return value


def checked_rate(value: object, path: Path | str) -> float:
    """Validates a sample rate.

    Raises:
        DataError: it is missing, zero, negative or not a number.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e15:
        return float(value)
    found = "missing" if value is None else f"{value!r}"
    raise DataError(f"{path}: the sample rate is {found}; it must be above 0. Give it with --sample-rate-hz.")


def _captures(captures: list[Any], path: Path, first_index: int, *, with_rates: bool) -> tuple[CaptureEntry, ...]:
    entries = [_capture(entry, path, first_index, with_rates) for entry in captures]
    if not entries:
        return (CaptureEntry(start_index=first_index, header_bytes=0, center_hz=0.0),)
    return tuple(sorted(entries, key=lambda entry: entry.start_index))


def _capture(entry: object, path: Path, first_index: int, with_rates: bool) -> CaptureEntry:
    if not isinstance(entry, dict):
        raise DataError(f"{path}: a capture is a {type(entry).__name__}; SigMF has an object there.")
    center = entry.get("core:frequency", 0.0)
    if not isinstance(center, int | float) or isinstance(center, bool) or not abs(center) < 1e15:
        raise DataError(f"{path}: a capture's core:frequency is {center!r}; it must be a number of Hz.")
    is_indexed = "core:global_index" in entry
    return CaptureEntry(
        start_index=_integer(entry, "core:sample_start", first_index, path, lowest=first_index),
        header_bytes=_integer(entry, "core:header_bytes", 0, path),
        center_hz=float(center),
        sample_rate_hz=_own_rate(entry, path) if with_rates else None,
        time=entry.get("core:datetime"),
        global_index=_integer(entry, "core:global_index", 0, path) if is_indexed else None,
    )


def _own_rate(entry: Mapping[str, Any], path: Path) -> float | None:
    """A capture's own rate, which SigMF does not have: 0 means the recording's."""
    own = next((entry[key] for key in CAPTURE_RATES if entry.get(key)), None)
    return None if own is None else checked_rate(own, path)


def _integer(fields: Mapping[str, Any], key: str, default: int, path: Path, *, lowest: int = 0) -> int:
    value = fields.get(key, default)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= MAX_INDEX:
        return value
    raise DataError(f"{path}: {key} is {value!r}; it must be a whole number of at least {lowest}.")
