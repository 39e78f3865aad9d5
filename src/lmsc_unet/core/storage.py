"""Files that are there whole, or not at all: what is half written has another name, and goes when anything fails."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
