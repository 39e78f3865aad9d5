"""Files of a results folder: written whole or not at all, and never outside of it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lmsc_unet.core.storage import cannot_write, encoded, reason_of, remove, write_bytes, write_text
from lmsc_unet.errors import OutputError

__all__ = [
    "append_line",
    "cannot_write",
    "is_below",
    "mapping_of",
    "no_list",
    "read_described",
    "read_lines",
    "remove",
    "to_json",
    "within",
    "write_bytes",
    "write_text",
]


def within(folder: Path, relative: str) -> Path:
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


def read_lines(path: Path, what: str) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines; a half line at the end, left by a kill, is dropped, also from the file.

    Raises:
        OutputError: the file holds something else, or cannot be read.
    """
    try:
        data = path.read_bytes() if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        lines = [json.loads(line) for line in whole.decode().splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise no_list(path, what, reason_of(error)) from error
    for number, line in enumerate(lines, start=1):
        if not isinstance(line, dict):
            raise no_list(path, what, f"line {number} is a {type(line).__name__} and no object")
    if whole != data:
        write_bytes(path, whole)
    return lines


def no_list(path: Path, what: str, reason: str) -> OutputError:
    """What to say of a list of results that someone else wrote, or changed."""
    return OutputError(f"{path}: this is no list of {what} ({reason}). Choose another folder.")


def read_described(path: Path) -> Mapping[str, Any]:
    """What a run.json says; nothing where there is none that can be read."""
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return described if isinstance(described, dict) else {}


def mapping_of(described: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """One object of a run.json; an empty one where it is anything else."""
    value = described.get(key)
    return value if isinstance(value, dict) else {}
