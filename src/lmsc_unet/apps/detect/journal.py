"""detections.jsonl: one line for each recording or channel, added when its files are all there.

What is written before the line is named in a file of its own, so that a kill between the two leaves nothing that the
next run would not know of.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from lmsc_unet.apps.detect.inputs import JOURNAL
from lmsc_unet.core.results_files import (
    append_line,
    is_below,
    no_list,
    read_lines,
    remove,
    to_json,
    within,
    write_text,
)
from lmsc_unet.core.storage import temporary_of
from lmsc_unet.errors import OutputError

UNFINISHED = ".unfinished.jsonl"
"""Names the files of the recording that is being written."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What became of one recording, or of one of its channels: one line of detections.jsonl."""

    path: str
    """The recording, as the inputs named it."""
    status: Literal["ok", "failed"]
    """Whether it was searched to its end."""
    name: str
    """Its folder below the results folder."""
    signals: int | None = None
    """How many were found."""
    duration_s: float | None = None
    """How long the recording is."""
    ms: float | None = None
    """From opening it to its last written file, in milliseconds."""
    warnings: tuple[str, ...] = ()
    """What is odd in it."""
    error: str | None = None
    """Why it was not searched."""
    files: tuple[str, ...] = ()
    """What was written, below the results folder."""


def read_entries(out: Path) -> list[Entry]:
    """All entries so far; a half line at the end, left by a kill, is dropped, also from the file.

    Raises:
        OutputError: the file holds something else, or names what lies outside of the folder.
    """
    path = within(out, JOURNAL)
    try:
        entries = [_entry(line) for line in read_lines(path, "detections")]
    except (ValueError, TypeError) as error:
        raise no_list(path, "detections", str(error)) from error
    for file in (file for entry in entries for file in entry.files):
        below(out, file)
    return entries


def add_entry(out: Path, entry: Entry) -> None:
    """Adds the line of one recording, once its files are there; what else was begun of it is removed.

    Raises:
        OutputError: the disk is full.
    """
    remove_unfinished(out, kept=entry.files)
    append_line(within(out, JOURNAL), to_json(asdict(entry)))
    remove(within(out, UNFINISHED))


def write_entries(out: Path, entries: Iterable[Entry]) -> None:
    """Writes all lines anew, in the order given.

    Raises:
        OutputError: the disk is full; the lines that were there still are.
    """
    write_text(within(out, JOURNAL), "".join(f"{to_json(asdict(entry))}\n" for entry in entries))


def begin(out: Path, files: Sequence[str]) -> None:
    """Notes the files that are about to be written.

    Raises:
        OutputError: the disk is full, or a file would lie outside of the folder.
    """
    write_text(within(out, UNFINISHED), to_json({"files": list(files)}) + "\n")


def remove_unfinished(out: Path, *, kept: Sequence[str] = ()) -> None:
    """Removes the files of a recording that was begun and has no line.

    Raises:
        OutputError: the note of them was changed by someone.
    """
    for line in read_lines(within(out, UNFINISHED), "files"):
        named = line.get("files")
        for file in named if isinstance(named, list) else ():
            if isinstance(file, str) and file not in kept:
                remove(below(out, file))
                remove(temporary_of(below(out, file)))


def below(out: Path, file: str) -> Path:
    """A file to remove: it may be a link itself, but must not lie outside through one of its folders.

    Raises:
        OutputError: it does.
    """
    path = out / file
    if not is_below(path, out):
        raise OutputError(f"{path}: this lies outside of {out}. Remove the links in the folder, or choose another.")
    return path


def _entry(line: dict[str, Any]) -> Entry:
    """The line's entry.

    Raises:
        ValueError, TypeError: it is no line of ours.
    """
    lists = {name: _texts(line, name) for name in ("files", "warnings")}
    known = {field.name for field in fields(Entry)}
    if not all(isinstance(line.get(name), str) for name in ("path", "name")) or not line.keys() <= known:
        raise ValueError(f"it has the fields {', '.join(map(repr, line))}")
    entry = Entry(**(line | lists))
    if entry.status not in ("ok", "failed"):
        raise ValueError(f"its status is {entry.status!r}")
    return entry


def _texts(line: dict[str, Any], name: str) -> tuple[str, ...]:
    values = line.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) and "\0" not in value for value in values):
        raise ValueError(f"its {name} are {values!r}")
    return tuple(values)
