"""SigMF archives: a tar is memory-mapped, a compressed one is first unpacked to a temporary file.

The first bytes decide whether an archive is compressed, as file names are unreliable.
"""

import gzip
import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording.layout import build_recording
from lmsc_unet.signals.recording.metadata import MAX_META_BYTES, load_json, parse_metadata
from lmsc_unet.signals.recording.recording import Recording
from lmsc_unet.signals.recording.sanity import warn_of_other_sha512

COMPRESSED_SUFFIXES = (".sigmf.gz", ".sigmf.xz", ".sigmf.zip")
ARCHIVE_SUFFIXES = (".sigmf", *COMPRESSED_SUFFIXES)
_META, _DATA = ".sigmf-meta", ".sigmf-data"
_LAST_BYTES = 1 << 26
"""The most padding after the last file of a compressed tar, which fills whole blocks."""
_DAMAGES = (
    tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, gzip.BadGzipFile, EOFError,
    RuntimeError, NotImplementedError,  # zip files that are encrypted or use an unsupported compression
    ValueError, UnicodeError,  # headers with invalid numbers or names
)  # fmt: skip
_STREAMS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open}
"""The opener of a compressed tar that starts with these bytes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Contents:
    """The contents of an archive."""

    text: bytes
    """The metadata."""
    data: Path
    """The file that contains the samples: the archive, or a temporary file."""
    start_byte: int
    """Their offset in it."""
    num_bytes: int
    """Their length in bytes."""
    keep_alive: object = None
    """The temporary file, deleted with the recording."""


def open_archive(path: Path, *, sample_rate_hz: float | None = None, is_checked: bool = True) -> Recording:
    """Opens an archive with one recording. Writes nothing beside it and uses no name in it as a path.

    Raises:
        DataError: it is damaged, encrypted, or lacks metadata or data; or there is no space to unpack it.
    """
    try:
        contents = _unpacked(path) or _mapped(path)
    except _DAMAGES as error:
        raise DataError(
            f"{path}: the archive is damaged, encrypted or invalid ({error or type(error).__name__}). Get it again, or "
            f"unpack it and name its {_META}."
        ) from error
    except OSError as error:
        raise DataError(f"{path}: the archive cannot be read ({error.strerror or error}).") from error
    return _build(path, contents, sample_rate_hz, is_checked)


def _unpacked(path: Path) -> _Contents | None:
    """The contents of a compressed archive; None for an uncompressed tar."""
    with path.open("rb") as file:
        first = file.read(6)
    opens = next((opens for magic, opens in _STREAMS.items() if first.startswith(magic)), None)
    if first.startswith(b"PK"):
        text, temporary = _from_zip(path)
    elif opens is not None:
        with opens(path) as stream:
            text, temporary = _from_stream(path, stream)
    else:
        return None
    data = Path(temporary.name)
    return _Contents(text=text, data=data, start_byte=0, num_bytes=data.stat().st_size, keep_alive=temporary)


def _mapped(path: Path) -> _Contents:
    """The contents of a tar, memory-mapped."""
    with tarfile.open(path, "r:") as tar:
        members = {member.name: member for member in tar.getmembers() if member.isfile()}
        meta, name = _pick(list(members), path)
        data = _whole(members[name], path)
        text = _read_meta(tar.extractfile(members[meta]), path)
    return _Contents(text=text, data=path, start_byte=data.offset_data, num_bytes=data.size)


def _from_stream(path: Path, stream: IO[bytes]) -> tuple[bytes, IO[bytes]]:
    """Reads a compressed tar once to its end, where its checksum is."""
    text: bytes | None = None
    unpacked: IO[bytes] | None = None
    names = []
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            if not member.isfile():
                continue
            names.append(member.name)
            if _is_named(member.name, _META) and text is None:
                text = _read_meta(tar.extractfile(member), path)
            elif _is_named(member.name, _DATA) and unpacked is None:
                unpacked = _unpack(path, tar.extractfile(_whole(member, path)), member.size)
    _read_to_end(path, stream)
    _pick(names, path)
    assert text is not None
    assert unpacked is not None
    return text, unpacked


def _read_to_end(path: Path, stream: IO[bytes]) -> None:
    left = _LAST_BYTES
    while block := stream.read(1 << 20):
        left -= len(block)
        if left < 0:
            raise DataError(f"{path}: over {_LAST_BYTES} bytes lie behind the archive's end. Pack it again.")


def _from_zip(path: Path) -> tuple[bytes, IO[bytes]]:
    with zipfile.ZipFile(path) as archive:
        meta, data = _pick(archive.namelist(), path)
        with archive.open(meta) as file:
            text = _read_meta(file, path)
        with archive.open(data) as file:
            return text, _unpack(path, file, archive.getinfo(data).file_size)


def _pick(names: list[str], path: Path) -> tuple[str, str]:
    """The names of metadata and data inside the archive."""
    picked = []
    for suffix in (_META, _DATA):
        found = [name for name in names if _is_named(name, suffix)]
        if len(found) != 1:
            raise DataError(f"{path}: the archive holds {len(found)} {suffix} files; exactly one can be read.")
        picked.append(found[0])
    return picked[0], picked[1]


def _is_named(name: str, suffix: str) -> bool:
    """Whether a file is the metadata or the data; macOS adds files whose names start with a dot."""
    return name.endswith(suffix) and not name.rpartition("/")[2].startswith(".")


def _whole(member: tarfile.TarInfo, path: Path) -> tarfile.TarInfo:
    if member.issparse():
        raise DataError(f"{path}: the data is packed as a sparse file, which is not read. Pack it without --sparse.")
    return member


def _read_meta(file: IO[bytes] | None, path: Path) -> bytes:
    text = file.read(MAX_META_BYTES + 1) if file else b""
    if len(text) > MAX_META_BYTES:
        raise DataError(f"{path}: over {MAX_META_BYTES} bytes of metadata in the archive; at most that is read.")
    return text


def _unpack(path: Path, file: IO[bytes] | None, num_bytes: int) -> Any:
    """Unpacks the data in constant memory; the temporary file is deleted with the recording."""
    free_bytes = shutil.disk_usage(tempfile.gettempdir()).free
    if num_bytes > free_bytes:
        raise _no_room(path, f"{num_bytes} bytes of samples", f"{free_bytes} bytes free")
    temporary: Any = tempfile.NamedTemporaryFile(suffix=_DATA)  # noqa: SIM115 - closed with the recording
    with _full_disk(path):
        if file is not None:
            shutil.copyfileobj(file, temporary, 1 << 20)
        temporary.flush()
    return temporary


@contextmanager
def _full_disk(path: Path) -> Iterator[None]:
    """Reports a full disk: the space may be taken by others meanwhile."""
    try:
        yield
    except gzip.BadGzipFile:
        raise
    except OSError as error:
        raise _no_room(path, "its samples", f"no room ({error.strerror})") from error


def _no_room(path: Path, what: str, found: str) -> DataError:
    return DataError(
        f"{path}: {what} must be unpacked to {tempfile.gettempdir()}, which has {found}. Unpack the archive "
        f"elsewhere and name its {_META}, or set TMPDIR to a larger disk."
    )


def _build(path: Path, contents: _Contents, sample_rate_hz: float | None, is_checked: bool) -> Recording:
    metadata = parse_metadata(load_json(contents.text, path), path, sample_rate_hz=sample_rate_hz)
    place = {"start_byte": contents.start_byte, "num_bytes": contents.num_bytes}
    if is_checked:
        warn_of_other_sha512(metadata.whole, path, contents.data, **place)
    name = path.name.partition(".sigmf")[0]
    return build_recording(metadata, name=name, path=path, data=contents.data, keep_alive=contents.keep_alive, **place)
