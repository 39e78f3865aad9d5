"""Opens a recording by path: a SigMF pair, archive or collection, or a raw file."""

import stat
import warnings
from datetime import datetime
from pathlib import Path

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording.archive import ARCHIVE_SUFFIXES, open_archive
from lmsc_unet.signals.recording.layout import build_recording
from lmsc_unet.signals.recording.metadata import (
    MAX_META_BYTES,
    load_json,
    parse_metadata,
    section,
)
from lmsc_unet.signals.recording.raw import open_raw
from lmsc_unet.signals.recording.recording import Recording, RecordingWarning
from lmsc_unet.signals.recording.sanity import warn_of_other_sha512

META, DATA, COLLECTION = ".sigmf-meta", ".sigmf-data", ".sigmf-collection"


def open_recordings(
    path: Path,
    *,
    datatype: str | None = None,
    sample_rate_hz: float | None = None,
    center_hz: float | None = None,
    start_utc: datetime | None = None,
    num_channels: int | None = None,
    is_checked: bool = True,
) -> list[Recording]:
    """Opens one recording, or all recordings of a collection.

    Args:
        path: a `.sigmf-meta`, `.sigmf-data`, archive or `.sigmf-collection`, a WAV or a raw file.
        datatype: the datatype of a raw file, unless its name says it.
        sample_rate_hz: of a raw file, unless its name says it; otherwise, it replaces what the file says.
        center_hz: the frequency at 0 Hz of a raw file's samples.
        start_utc: the time of a raw file's first sample.
        num_channels: channels of a raw file, interleaved sample by sample; 1 if not given.
        is_checked: whether to compare the data with `core:sha512`; a mismatch is only a warning.

    Raises:
        DataError: the file is missing or not a readable recording; the message says what to do.
    """
    path = Path(path)
    if path.name.endswith(COLLECTION):
        return _open_collection(path, sample_rate_hz, is_checked)
    if path.name.endswith(ARCHIVE_SUFFIXES):
        return open_archive(_existing(path), sample_rate_hz=sample_rate_hz, is_checked=is_checked)
    if path.name.endswith((META, DATA)):
        return [open_pair(path, sample_rate_hz=sample_rate_hz, is_checked=is_checked)]
    if datatype is None and path.with_name(path.name + META).is_file():
        return [open_pair(path.with_name(path.name + META), sample_rate_hz=sample_rate_hz, is_checked=is_checked)]
    recording = open_raw(
        _existing(path),
        datatype=datatype,
        sample_rate_hz=sample_rate_hz,
        center_hz=center_hz,
        start_utc=start_utc,
        num_channels=num_channels,
    )
    return [recording]


def open_recording(path: Path, *, sample_rate_hz: float | None = None, is_checked: bool = True) -> Recording:
    """Opens a file with one recording."""
    recordings = open_recordings(path, sample_rate_hz=sample_rate_hz, is_checked=is_checked)
    if len(recordings) != 1:
        raise DataError(
            f"{path}: {len(recordings)} recordings are in it, and one is needed. Unpack them if it is an archive, and "
            "name one of them."
        )
    return recordings[0]


def open_pair(path: Path, *, sample_rate_hz: float | None = None, is_checked: bool = True) -> Recording:
    """Opens a `.sigmf-meta` with its data file; `path` may be either.

    Raises:
        DataError: one of the two is missing, or the metadata is unusable.
    """
    meta = _existing(path.with_name(path.name.removesuffix(DATA).removesuffix(META) + META))
    whole = _read_meta(meta)
    data = _data_file(meta, section(whole, "global", dict, meta))
    metadata = parse_metadata(whole, meta, sample_rate_hz=sample_rate_hz)
    if is_checked:
        warn_of_other_sha512(metadata.whole, meta, data)
    name = meta.name.removesuffix(META)
    return build_recording(metadata, name=name, path=meta, data=data, start_byte=0, num_bytes=data.stat().st_size)


def _open_collection(path: Path, sample_rate_hz: float | None, is_checked: bool) -> list[Recording]:
    whole = section(_read_meta(_existing(path)), "collection", dict, path)
    streams = section(whole, "core:streams", list, path)
    names = [_name_of(stream) for stream in streams]
    if not names:
        raise DataError(f"{path}: the collection names no recordings (core:streams is empty).")
    return [open_pair(_stream(path, name), sample_rate_hz=sample_rate_hz, is_checked=is_checked) for name in names]


def _name_of(stream: object) -> object:
    """The name of a recording: in an object, or first in a pair of name and hash, as in SigMF 1.0.0."""
    if isinstance(stream, list) and len(stream) == 2:
        return stream[0]
    return stream.get("name") if isinstance(stream, dict) else None


def _stream(path: Path, name: object) -> Path:
    file = inside(path, name, "core:streams")
    return file.with_name(file.name + META)


def _data_file(meta: Path, fields: dict[str, object]) -> Path:
    named = fields.get("core:dataset")
    data = inside(meta, named, "core:dataset") if named else meta.with_name(meta.name.removesuffix(META) + DATA)
    if data.is_file():
        return _sound_data(meta, data)
    if fields.get("core:metadata_only"):
        raise DataError(f"{meta}: this is metadata only, published without its samples (core:metadata_only).")
    raise DataError(f"{meta}: the data file {data.name} is missing. Put it beside the metadata, in {meta.parent}.")


def _sound_data(meta: Path, data: Path) -> Path:
    """The data file, unless it is the metadata itself; warns of a link to a file outside the folder."""
    if data.samefile(meta):
        raise DataError(f"{meta}: core:dataset names the metadata itself, which holds no samples. Correct it.")
    target = data.resolve()
    if target.parent != data.parent.resolve() and target.name != data.name:
        warnings.warn(
            f"{meta}: {data.name} is a link to {target}, outside the folder. Its contents are read as samples.",
            RecordingWarning,
            stacklevel=3,
        )
    return data


def inside(meta: Path, name: object, key: str) -> Path:
    """The file of that name in the metadata's folder.

    Raises:
        DataError: the name is a path, which could lead outside the folder.
    """
    if not isinstance(name, str) or name in {"", ".", ".."} or any(sign in name for sign in "/\\\0:"):
        raise DataError(
            f"{meta}: {key} names {name!r}, which is not a plain file name. It must be a file in the metadata's own "
            "folder; paths that could leave it are rejected."
        )
    return meta.with_name(name)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise DataError(f"{path}: there is no such file.")
    if not stat.S_ISREG(path.stat().st_mode):
        raise DataError(f"{path}: this is not a file. Name a recording, not a folder or a device.")
    return path


def _read_meta(path: Path) -> dict[str, object]:
    if path.stat().st_size > MAX_META_BYTES:
        raise DataError(f"{path}: {path.stat().st_size} bytes of metadata; at most {MAX_META_BYTES} are read.")
    return dict(load_json(path.read_bytes(), path))
