"""SigMF archives: a tar is memory-mapped, a compressed one is first unpacked to temporary files.

The first bytes decide whether an archive is compressed, as file names are unreliable.
"""

import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording.layout import build_recording
from lmsc_unet.signals.recording.metadata import MAX_META_BYTES, load_json, parse_metadata
from lmsc_unet.signals.recording.recording import Recording
from lmsc_unet.signals.recording.sanity import warn_of_other_sha512
from lmsc_unet.signals.recording.unpacking import DAMAGES, opener_of, unpack

COMPRESSED_SUFFIXES = (".sigmf.gz", ".sigmf.xz", ".sigmf.zip", ".sigmf.tar.gz", ".sigmf.tar.xz")
ARCHIVE_SUFFIXES = (".sigmf", ".sigmf.tar", *COMPRESSED_SUFFIXES)
_META, _DATA, _COLLECTION = ".sigmf-meta", ".sigmf-data", ".sigmf-collection"
_LAST_BYTES = 1 << 26
"""The most padding after the last file of a compressed tar, which fills whole blocks."""
_MOST_RECORDINGS = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class _Samples:
    """A data file of an archive."""

    file: Path
    """The file that contains the samples: the archive, or a temporary file."""
    start_byte: int
    """Their offset in it."""
    num_bytes: int
    """Their length in bytes."""
    keep_alive: object = None
    """The temporary file, deleted with the recording."""


@dataclass(kw_only=True, eq=False)
class _Contents:
    """The contents of an archive, by name."""

    metas: dict[str, bytes] = field(default_factory=dict)
    """The metadata files."""
    data: dict[str, _Samples] = field(default_factory=dict)
    """The other files, which may be samples."""


def open_archive(path: Path, *, sample_rate_hz: float | None = None, is_checked: bool = True) -> list[Recording]:
    """Opens the recordings of an archive. Writes nothing beside it and uses no name in it as a path.

    Raises:
        DataError: it is damaged, encrypted, or lacks metadata or data; or there is no space to unpack it.
    """
    try:
        contents = _unpacked(path) or _mapped(path)
    except DAMAGES as error:
        raise DataError(
            f"{path}: the archive is damaged, encrypted or invalid ({error or type(error).__name__}). Get it again, or "
            f"unpack it and name its {_META}."
        ) from error
    except OSError as error:
        raise DataError(f"{path}: the archive cannot be read ({error.strerror or error}).") from error
    if not contents.metas:
        raise DataError(f"{path}: the archive holds no {_META} file, so it does not say what its samples are.")
    is_one = len(contents.metas) == 1
    whole = path.name.partition(".sigmf")[0]
    return [
        _build(path, meta, contents, whole if is_one else _stem(meta), sample_rate_hz, is_checked)
        for meta in sorted(contents.metas)
    ]


def _unpacked(path: Path) -> _Contents | None:
    """The contents of a compressed archive; None for an uncompressed tar."""
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    if is_zip:
        return _from_zip(path)
    opens = opener_of(path)
    if opens is None:
        return None
    with opens(path) as stream:
        return _from_stream(path, stream)


def _mapped(path: Path) -> _Contents:
    """The contents of a tar, memory-mapped."""
    contents = _Contents()
    with tarfile.open(path, "r:") as tar:
        for member in filter(tarfile.TarInfo.isfile, tar.getmembers()):
            if _is_named(member.name, _META):
                _add_meta(contents, member.name, tar.extractfile(member), path)
            elif _may_be_samples(member.name):
                _refuse_sparse(member, path)
                contents.data[member.name] = _Samples(file=path, start_byte=member.offset_data, num_bytes=member.size)
    return contents


def _from_stream(path: Path, stream: IO[bytes]) -> _Contents:
    """Reads a compressed tar once to its end, where its checksum is."""
    contents = _Contents()
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in filter(tarfile.TarInfo.isfile, tar):
            if _is_named(member.name, _META):
                _add_meta(contents, member.name, tar.extractfile(member), path)
            elif _may_be_samples(member.name):
                _refuse_sparse(member, path)
                contents.data[member.name] = _temporary(unpack(path, tar.extractfile(member), member.size))
    _read_to_end(path, stream)
    return contents


def _read_to_end(path: Path, stream: IO[bytes]) -> None:
    left = _LAST_BYTES
    while block := stream.read(1 << 20):
        left -= len(block)
        if left < 0:
            raise DataError(f"{path}: over {_LAST_BYTES} bytes lie behind the archive's end. Pack it again.")


def _from_zip(path: Path) -> _Contents:
    contents = _Contents()
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            with archive.open(entry) as file:
                if _is_named(entry.filename, _META):
                    _add_meta(contents, entry.filename, file, path)
                elif _may_be_samples(entry.filename):
                    contents.data[entry.filename] = _temporary(unpack(path, file, entry.file_size))
    return contents


def _temporary(unpacked: Any) -> _Samples:
    file = Path(unpacked.name)
    return _Samples(file=file, start_byte=0, num_bytes=file.stat().st_size, keep_alive=unpacked)


def _is_named(name: str, suffix: str) -> bool:
    """Whether a file is the metadata or the data; macOS adds files whose names start with a dot."""
    return name.endswith(suffix) and not name.rpartition("/")[2].startswith(".")


def _may_be_samples(name: str) -> bool:
    return not name.endswith(_COLLECTION) and not name.rpartition("/")[2].startswith(".")


def _stem(meta: str) -> str:
    return PurePosixPath(meta).name.removesuffix(_META)


def _refuse_sparse(member: tarfile.TarInfo, path: Path) -> None:
    if member.issparse():
        raise DataError(f"{path}: the data is packed as a sparse file, which is not read. Pack it without --sparse.")


def _add_meta(contents: _Contents, name: str, file: IO[bytes] | None, path: Path) -> None:
    text = file.read(MAX_META_BYTES + 1) if file else b""
    if len(text) > MAX_META_BYTES:
        raise DataError(f"{path}: over {MAX_META_BYTES} bytes of metadata in the archive; at most that is read.")
    if any(_stem(other) == _stem(name) for other in contents.metas):
        raise DataError(f"{path}: the archive holds {_stem(name)}{_META} twice. Name the recordings differently.")
    contents.metas[name] = text
    if len(contents.metas) > _MOST_RECORDINGS:
        raise DataError(f"{path}: over {_MOST_RECORDINGS} recordings in one archive. Unpack it, and name its folder.")


def _build(
    path: Path, meta: str, contents: _Contents, name: str, sample_rate_hz: float | None, is_checked: bool
) -> Recording:
    whole = load_json(contents.metas[meta], path)
    metadata = parse_metadata(whole, path, sample_rate_hz=sample_rate_hz)
    samples = _samples_of(path, meta, contents, metadata.whole["global"])
    place = {"start_byte": samples.start_byte, "num_bytes": samples.num_bytes}
    if is_checked:
        warn_of_other_sha512(metadata.whole, path, samples.file, **place)
    return build_recording(metadata, name=name, path=path, data=samples.file, keep_alive=samples.keep_alive, **place)


def _samples_of(path: Path, meta: str, contents: _Contents, fields: Mapping[str, Any]) -> _Samples:
    """The data file beside a metadata file: the one that it names, or that is named like it."""
    named = fields.get("core:dataset")
    wanted = [str(PurePosixPath(meta).with_name(_stem(meta) + _DATA))]
    if isinstance(named, str) and named and "/" not in named:
        wanted.insert(0, str(PurePosixPath(meta).with_name(named)))
    found = next((contents.data[name] for name in wanted if name in contents.data), None)
    if found is None:
        raise DataError(
            f"{path}: the archive holds {meta}, but not its samples, {' or '.join(wanted)}. Pack both files, side by "
            "side."
        )
    return found
