"""Atomic file writes: a half-written file has a temporary name, which is removed if anything fails."""

import hashlib
import json
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lmsc_unet.errors import OutputError

if sys.platform != "win32":
    import fcntl

_LONGEST = 240  # bytes of a name; file systems allow 255


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` and moves that file into place at the end; creates missing folders.

    Raises:
        OutputError: the disk is full or the folder is not writable; the earlier file is kept.
    """
    temporary = temporary_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)  # it may be a link
        yield temporary
        temporary.replace(path)
    except OSError as error:
        remove(temporary)
        raise cannot_write(path, error) from error
    except BaseException:
        remove(temporary)
        raise


def temporary_of(path: Path) -> Path:
    """The temporary path of a file until it is moved into place; a kill may leave it behind."""
    name = path.name if len(os.fsencode(path.name)) < _LONGEST else hashlib.sha256(os.fsencode(path.name)).hexdigest()
    return path.with_name(f".{name}.tmp")


def write_bytes(path: Path, content: bytes) -> None:
    """Replaces a file as a whole: readers never see half of it, even after a crash.

    Raises:
        OutputError: the disk is full or the folder is not writable; the earlier file is kept.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Replaces a text file as a whole, like `write_bytes`.

    Raises:
        OutputError: the disk is full or the folder is not writable; the earlier file is kept.
    """
    write_bytes(path, encoded(text))


def encoded(text: str) -> bytes:
    """UTF-8; file names that are not text are written with escapes."""
    return text.encode(errors="backslashreplace")


def resolve_inside(folder: Path, relative: str) -> Path:
    """The path of a file below a results folder.

    Raises:
        OutputError: the path lies outside, through `..` or a symbolic link.
    """
    path = folder / relative
    if not is_below(path, folder) or path.is_symlink():
        raise OutputError(
            f"{path}: this lies outside of {folder}, or is a link. Remove the links in the folder, or choose another."
        )
    return path


def is_below(path: Path, folder: Path) -> bool:
    """Whether a file lies below a folder once links are followed; the file itself may be a link."""
    try:
        return path.parent.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a circle of links (in Python 3.11); a NUL in the name
        return False


def append_line(path: Path, line: str) -> None:
    """Appends one line to a text file and passes it to the system at once.

    Raises:
        OutputError: the disk is full or the folder is not writable; a part of the line may remain.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(encoded(line) + b"\n")
    except OSError as error:
        raise cannot_write(path, error) from error


def to_json(value: Any) -> str:
    """JSON on one line in UTF-8; NaN is not JSON and must be None already."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def make_folder(folder: Path) -> None:
    """Creates a folder for writing, unless it exists.

    Raises:
        OutputError: the path exists and is not a folder, or the folder cannot be created.
    """
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder cannot be made ({reason_of(error)}). Name another one.") from error


def check_folder(folder: Path) -> None:
    """Rejects a path that cannot be a folder for writing.

    Raises:
        OutputError: it is a file, a broken or circular link, or may not be accessed.
    """
    try:
        is_there, is_link = folder.exists(), folder.is_symlink()
        if folder.is_dir():
            next(folder.iterdir(), None)
            return
    except (OSError, RuntimeError) as error:  # RuntimeError: a circle of links (in Python 3.11)
        raise OutputError(
            f"{folder}: this cannot be used as a folder ({reason_of(error)}). Name another one by --out."
        ) from error
    if is_there:
        raise OutputError(f"{folder}: this is a file. Name a folder by --out.")
    if is_link:
        raise OutputError(f"{folder}: this is a link that leads nowhere. Remove it, or name another folder by --out.")


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class FolderLock:
    """Lets one process at a time write to a folder: held until released or until the process ends, however it ends."""

    def __init__(self, folder: Path, command: str) -> None:
        """Creates the folder, unless it exists, and takes the lock.

        Raises:
            OutputError: another process holds the lock, or the folder cannot be created.
        """
        make_folder(folder)
        self.release: Callable[[], Any] = lambda: None
        """Releases the lock."""
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError:  # on Windows; or the folder is not readable: other faults are reported when writing
            return
        self.release = weakref.finalize(self, os.close, descriptor)
        if is_locked_by_another(descriptor):
            raise OutputError(
                f"{folder}: another `{command}` is writing here. Wait for its end, or name another folder by --out."
            )


def is_locked_by_another(descriptor: int) -> bool:
    """Locks an open file or folder until it is closed; true if another process holds the lock.

    Returns False without a lock where the system or file system has none.
    """
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


def remove(path: Path) -> None:
    """Deletes a file if it exists and may be deleted."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The error for a result that cannot be written."""
    return OutputError(f"{path}: cannot be written ({reason_of(error)}). Free space or choose another folder.")


def reason_of(error: Exception) -> str:
    """The system's reason; libraries raise errors that have none."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
