"""Unpacks compressed samples to temporary files, in constant memory."""

import gzip
import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording.datatypes import HEAD_BYTES, packed_kind

DAMAGES = (
    tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, gzip.BadGzipFile, EOFError,
    RuntimeError, NotImplementedError,  # zip files that are encrypted or use an unsupported compression
    ValueError, UnicodeError,  # headers with invalid numbers or names
)  # fmt: skip
"""What the libraries raise for a damaged file."""
_STREAMS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b\x08": gzip.open, b"\xfd7zXZ\x00": lzma.open}
_BLOCK_BYTES = 1 << 20


def opener_of(path: Path) -> Callable[[Path], Any] | None:
    """What opens a compressed stream, by its first bytes as names are unreliable; None if it is not compressed."""
    with path.open("rb") as file:
        first = file.read(6)
    return next((opens for magic, opens in _STREAMS.items() if first.startswith(magic)), None)


def unpack(path: Path, file: IO[bytes] | None, num_bytes: int | None = None, *, suffix: str = ".sigmf-data") -> Any:
    """Copies a stream of samples to a temporary file, which is deleted with the object; `num_bytes` if known before.

    Raises:
        DataError: there is no room for them.
    """
    free_bytes = shutil.disk_usage(tempfile.gettempdir()).free
    if num_bytes is not None and num_bytes > free_bytes:
        raise _no_room(path, f"{num_bytes} bytes of samples", f"{free_bytes} bytes free")
    temporary: Any = tempfile.NamedTemporaryFile(suffix=suffix)  # noqa: SIM115 - closed with the recording
    with _full_disk(path):
        if file is not None:
            shutil.copyfileobj(file, temporary, _BLOCK_BYTES)
        temporary.flush()
    return temporary


def unpack_raw(path: Path) -> Any:
    """The temporary file with the contents of a compressed raw file; None if it is not compressed.

    Raises:
        DataError: it is damaged, or there is no room.
    """
    with path.open("rb") as file:
        kind = packed_kind(file.read(HEAD_BYTES))
    opens = opener_of(path) if kind in ("a gzip file", "an xz file") else None
    if opens is None:
        return None
    try:
        with opens(path) as stream:
            return unpack(path, stream, suffix=".raw")
    except DAMAGES as error:
        raise DataError(
            f"{path}: the compressed file is damaged ({error or type(error).__name__}). Get it again."
        ) from error


def widen(path: Path, data: Path, start_byte: int, num_bytes: int) -> Any:
    """A temporary file with numbers of 24 bits, the lowest byte first, as numbers of 32.

    Raises:
        DataError: there is no room.
    """
    temporary: Any = tempfile.NamedTemporaryFile(suffix=".raw")  # noqa: SIM115 - closed with the recording
    left = num_bytes - num_bytes % 3
    with data.open("rb") as file, _full_disk(path):
        file.seek(start_byte)
        while left > 0 and (block := file.read(min(left, 3 * _BLOCK_BYTES))):
            left -= len(block)
            bytes_of = np.frombuffer(block[: len(block) // 3 * 3], np.uint8).reshape(-1, 3)
            temporary.write(np.pad(bytes_of, ((0, 0), (1, 0))).tobytes())
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
        "elsewhere and name what is in it, or set TMPDIR to a larger disk."
    )
