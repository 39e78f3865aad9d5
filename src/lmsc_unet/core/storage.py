"""Files that are there whole, or not at all: what is half written has another name, and goes when anything fails."""

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

_LONGEST = 240  # bytes of a name, of the 255 that file systems take


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a name beside the path to write to, and puts that file in its place at the end; missing folders are made.

    Raises:
        OutputError: the disk is full or the folder may not be written; what was there before still is.
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
    """Where a file is written before it is put in its place; a kill may leave it there."""
    name = path.name if len(os.fsencode(path.name)) < _LONGEST else hashlib.sha256(os.fsencode(path.name)).hexdigest()
    return path.with_name(f".{name}.tmp")


def write_bytes(path: Path, content: bytes) -> None:
    """Replaces a file as a whole: a reader or a crash never meets half of it.

    Raises:
        OutputError: the disk is full or the folder may not be written; what was there before still is.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Replaces a text file as a whole, as `write_bytes` does.

    Raises:
        OutputError: the disk is full or the folder may not be written; what was there before still is.
    """
    write_bytes(path, encoded(text))


def encoded(text: str) -> bytes:
    """UTF-8; a file's name need not be text, and is written with escapes then."""
    return text.encode(errors="backslashreplace")


def resolve_inside(folder: Path, relative: str) -> Path:
    """The path of a file below a results folder.

    Raises:
        OutputError: it would lie outside, through `..` or a symbolic link.
    """
    path = folder / relative
    if not is_below(path, folder) or path.is_symlink():
        raise OutputError(
            f"{path}: this lies outside of {folder}, or is a link. Remove the links in the folder, or choose another."
        )
    return path


def is_below(path: Path, folder: Path) -> bool:
    """Whether a file lies below a folder, whatever links lead to it; it may be a link itself."""
    try:
        return path.parent.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a circle of links, as Python 3.11 has it; a NUL in the name
        return False


def append_line(path: Path, line: str) -> None:
    """Adds one line to a text file and hands it to the system at once.

    Raises:
        OutputError: the disk is full or the folder may not be written; at most a part of the line is left.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(encoded(line) + b"\n")
    except OSError as error:
        raise cannot_write(path, error) from error


def to_json(value: Any) -> str:
    """JSON on one line, as text and not as ASCII; NaN is no JSON and must be None by then."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def make_folder(folder: Path) -> None:
    """Makes a folder to write to, unless it is there.

    Raises:
        OutputError: there is something else, or it cannot be made.
    """
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder cannot be made ({reason_of(error)}). Name another one.") from error


def check_folder(folder: Path) -> None:
    """Refuses a name that no folder to write to can have.

    Raises:
        OutputError: a file is there, or a link to nothing or in a circle; or it may not be looked at.
    """
    try:
        is_there, is_link = folder.exists(), folder.is_symlink()
        if folder.is_dir():
            next(folder.iterdir(), None)
            return
    except (OSError, RuntimeError) as error:  # RuntimeError: a circle of links, as Python 3.11 has it
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
    """One process at a time writes to a folder: held until released, or the process has ended, by a kill as well."""

    def __init__(self, folder: Path, command: str) -> None:
        """Makes the folder, unless it is there, and takes the lock.

        Raises:
            OutputError: another process holds it, or the folder cannot be made.
        """
        make_folder(folder)
        self.release: Callable[[], Any] = lambda: None
        """Lets others in."""
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError:  # on Windows; or it may be written and not read, and what is wrong besides, writing tells
            return
        self.release = weakref.finalize(self, os.close, descriptor)
        if is_locked_by_another(descriptor):
            raise OutputError(
                f"{folder}: another `{command}` is writing here. Wait for its end, or name another folder by --out."
            )


def is_locked_by_another(descriptor: int) -> bool:
    """Takes the lock of an open file or folder until it is closed; true where another process holds it.

    False, and no lock, on systems and file systems without locks.
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
    """Deletes a file if it is there and may be deleted."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def cannot_write(path: Path, error: OSError) -> OutputError:
    """What to say when a result cannot be written."""
    return OutputError(f"{path}: cannot be written ({reason_of(error)}). Free space or choose another folder.")


def reason_of(error: Exception) -> str:
    """The system's reason; libraries raise errors of their own without one."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
