"""The results folder of `lmsc detect`: a folder per recording or channel, and a line for each.

A separate file names the files of the recording in progress, so that the next run can remove them after a kill.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from lmsc_unet.apps.detect.inputs import JOURNAL
from lmsc_unet.core.results_folder import (
    RUN_FILE,
    Layout,
    ResultsFolder,
    check_below,
    mapping_of,
    read_lines,
)
from lmsc_unet.core.storage import remove, resolve_inside, temporary_of, to_json, write_text

UNFINISHED = ".unfinished.jsonl"
"""Names the files of the recording in progress."""
FINGERPRINT = (
    "frames_per_row",
    "nfft",
    "resolution_hz",
    "is_joined",
    "by_product_db",
    "min_confidence",
    "channels",
    "raw",
    "limits",
    "cut",
    "occupancy_hz",
    "shard",
)
"""The arguments that results depend on."""
_MOST_NAMES = 3


@dataclass(frozen=True, kw_only=True)
class RecordingEntry:
    """The result of one recording or channel: one line of detections.jsonl."""

    path: str
    """The recording as named by the inputs."""
    status: Literal["ok", "failed"]
    """Whether the search was completed."""
    name: str
    """Its folder in the results folder."""
    signals: int | None = None
    """The number of signals."""
    duration_s: float | None = None
    """The recording's duration."""
    frames_per_row: int | None = None
    """Frames averaged per row of its spectrogram."""
    ms: float | None = None
    """Milliseconds from opening the recording to its last written file."""
    warnings: tuple[str, ...] = ()
    """Warnings."""
    error: str | None = None
    """Why it was not searched."""
    files: tuple[str, ...] = ()
    """The files written, relative to the results folder."""


def add_entry(folder: "DetectionsFolder", entry: RecordingEntry) -> None:
    """Adds the line of one recording once its files are written, and removes its other, unfinished files.

    Raises:
        OutputError: the disk is full.
    """
    remove_unfinished(folder.path, kept=entry.files)
    folder.add(entry)
    remove(resolve_inside(folder.path, UNFINISHED))


def begin(out: Path, files: Sequence[str]) -> None:
    """Notes the files that are about to be written.

    Raises:
        OutputError: the disk is full, or a file would lie outside of the folder.
    """
    write_text(resolve_inside(out, UNFINISHED), to_json({"files": list(files)}) + "\n")


def remove_unfinished(out: Path, *, kept: Sequence[str] = ()) -> None:
    """Removes the files of a recording that was started and has no line.

    Raises:
        OutputError: someone changed the note of them.
    """
    for line in read_lines(resolve_inside(out, UNFINISHED)):
        named = line.get("files")
        for file in named if isinstance(named, list) else ():
            if isinstance(file, str) and file not in kept:
                remove(check_below(out, file))
                remove(temporary_of(check_below(out, file)))


def is_complete(out: Path, entry: RecordingEntry) -> bool:
    """Whether a recording was searched by an earlier run and all its files still exist."""
    return entry.status == "ok" and bool(entry.files) and all((out / file).exists() for file in entry.files)


def parse_entry(line: dict[str, Any]) -> RecordingEntry:
    """Parses a line.

    Raises:
        ValueError, TypeError: it is not a line of ours.
    """
    lists = {name: _texts(line, name) for name in ("files", "warnings")}
    known = {field.name for field in fields(RecordingEntry)}
    if not all(isinstance(line.get(name), str) for name in ("path", "name")) or not line.keys() <= known:
        raise ValueError(f"it has the fields {', '.join(map(repr, line))}")
    return RecordingEntry(**(line | lists))


def fingerprint(described: Mapping[str, Any]) -> dict[str, Any]:
    """What results depend on, as stored in JSON: arguments, the model's SHA-256, the transform."""
    as_json = json.loads(json.dumps({key: mapping_of(described, key) for key in ("arguments", "model", "stft")}))
    arguments = {name: as_json["arguments"].get(name) for name in FINGERPRINT}
    model = {f"model_{name}": as_json["model"].get(name) for name in ("name", "sha256")}
    return arguments | model | {"stft": as_json["stft"]}


def _texts(line: dict[str, Any], name: str) -> tuple[str, ...]:
    values = line.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) and "\0" not in value for value in values):
        raise ValueError(f"its {name} are {values!r}")
    return tuple(values)


def _files_of(out: Path, entry: RecordingEntry) -> list[Path]:
    return [check_below(out, file) for file in entry.files]


def in_the_way(out: Path) -> list[str]:
    """The first files of a folder, because of which no results can be written to it."""
    names = sorted(path.name for path in out.iterdir() if path != temporary_of(out / RUN_FILE))
    return names if len(names) <= _MOST_NAMES else [*names[:_MOST_NAMES], f"and {len(names) - _MOST_NAMES} more"]


def _clean(out: Path) -> None:
    remove_unfinished(out)
    remove(temporary_of(out / UNFINISHED))


DETECTIONS = Layout(
    command="lmsc detect",
    journal=JOURNAL,
    parse=parse_entry,
    files_of=_files_of,
    fingerprint=fingerprint,
    in_the_way=in_the_way,
    clean=_clean,
)
DetectionsFolder = ResultsFolder[RecordingEntry]
