"""Files of a results folder: written whole or not at all, and never outside of it."""

import json
import os
from pathlib import Path
from typing import Any

from lmsc_unet.errors import OutputError


def within(folder: Path, relative: str) -> Path:
    """The path of a file below a results folder.

    Raises:
        OutputError: it would lie outside, through `..` or a symbolic link.
    """
    path = folder / relative
    if not path.parent.resolve().is_relative_to(folder.resolve()) or path.is_symlink():
        raise OutputError(
            f"{path}: this lies outside of {folder}, or is a link. Remove the links in the folder, or choose another."
        )
    return path


def write_text(path: Path, text: str) -> None:
    """Replaces a text file as a whole, as `write_bytes` does.

    Raises:
        OutputError: the disk is full or the folder may not be written; what was there before still is.
    """
    write_bytes(path, _encoded(text))


def write_bytes(path: Path, content: bytes) -> None:
    """Replaces a file as a whole: a reader or a crash never meets half of it.

    Raises:
        OutputError: the disk is full or the folder may not be written; what was there before still is.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        remove(temporary)
        raise cannot_write(path, error) from error


def append_line(path: Path, line: str) -> None:
    """Adds one line to a text file and hands it to the system at once.

    Raises:
        OutputError: the disk is full or the folder may not be written; at most a part of the line is left.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(_encoded(line) + b"\n")
    except OSError as error:
        raise cannot_write(path, error) from error


def _encoded(text: str) -> bytes:
    """UTF-8; what of a file's name is no text stands there as JSON escapes it."""
    return text.encode(errors="backslashreplace")


def to_json(value: Any) -> str:
    """JSON on one line, as text and not as ASCII; NaN is no JSON and must be None by then."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def remove(path: Path) -> None:
    """Deletes a file if it is there and may be deleted."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def cannot_write(path: Path, error: OSError) -> OutputError:
    """What to say when a result cannot be written."""
    return OutputError(f"{path}: cannot be written ({error.strerror}). Free space or choose another folder.")
