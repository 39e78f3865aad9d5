"""The results folder of `lmsc detect`: made, refused, emptied of its own files; never another's files lost."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from lmsc_unet.errors import OutputError
from lmsc_unet.images import write_png
from lmsc_unet.prediction.files import append_line, cannot_write, to_json, within, write_text
from lmsc_unet.prediction.recordings.inputs import JOURNAL, RUN_FILE
from lmsc_unet.prediction.recordings.picture import draw_panels
from lmsc_unet.prediction.recordings.searching import Found
from lmsc_unet.prediction.recordings.table import to_csv
from lmsc_unet.prediction.results import versions
from lmsc_unet.signal.annotations import write_annotated
from lmsc_unet.signal.recording import Recording
from lmsc_unet.signal.recording.opening import META

COMMAND = "lmsc detect"
TABLE, PICTURE = "signals.csv", "spectrogram.png"


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


def open_folder(out: Path, described: Mapping[str, Any], *, overwrite: bool = False) -> None:
    """Makes the results folder ready.

    Raises:
        OutputError: it holds results that are not to be replaced, or files of another's; or it cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: this is a file. Name a folder by --out.")
    if out.is_dir() and any(out.iterdir()):
        if not _is_results(out):
            raise OutputError(f"{out}: the folder holds files that no `{COMMAND}` wrote. Name another one by --out.")
        if not overwrite:
            raise OutputError(f"{out}: this folder holds results. Replace them by --overwrite, or name another folder.")
        _clear(out)
    write_run(out, described)


def write_run(out: Path, described: Mapping[str, Any]) -> None:
    """Writes run.json: at the start, and at the end with the outcome.

    Raises:
        OutputError: the disk is full or the folder may not be written.
    """
    written = datetime.now(UTC).isoformat(timespec="seconds")
    whole = {"command": COMMAND, **described, "versions": versions(), "written": written}
    write_text(within(out, RUN_FILE), json.dumps(whole, indent=2, ensure_ascii=False) + "\n")


def write_found(out: Path, name: str, found: Found, *, is_annotatable: bool = True) -> tuple[str, ...]:
    """Writes the files of one recording; the metadata comes last, so that where it is, all is.

    Without metadata where the recording's own cannot take annotations.

    Raises:
        OutputError: the disk is full, or a file would lie outside the results folder.
    """
    recording = found.recording
    meta = f"{name}/{recording.name}{META}"
    write_text(within(out, f"{name}/{TABLE}"), to_csv(found.boxes, recording.sample_rate_hz))
    write_png(within(out, f"{name}/{PICTURE}"), draw_panels(found.panels))
    if not is_annotatable:
        return (f"{name}/{TABLE}", f"{name}/{PICTURE}")
    linked = _link_data(out, name, recording)
    write_annotated(within(out, meta), recording, found.boxes)
    return (f"{name}/{TABLE}", f"{name}/{PICTURE}", *linked, meta)


def add_entry(out: Path, entry: Entry) -> None:
    """Adds the line of one recording.

    Raises:
        OutputError: the disk is full.
    """
    append_line(within(out, JOURNAL), to_json(asdict(entry)))


def _link_data(out: Path, name: str, recording: Recording) -> tuple[str, ...]:
    """A link to the samples beside the new metadata, so that a viewer opens both; none to what is in an archive."""
    is_raw = recording.data == recording.path and not recording.metadata
    if not (is_raw or recording.path.name.endswith(META)) or not recording.data.exists():
        return ()
    link = within(out, f"{name}/{recording.data.name}")
    try:
        link.symlink_to(recording.data.resolve())
    except OSError:  # a file system without links
        return ()
    return (f"{name}/{recording.data.name}",)


def _is_results(out: Path) -> bool:
    try:
        described = json.loads((out / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(described, dict) and described.get("command") == COMMAND


def _clear(out: Path) -> None:
    """Removes the files that the journal names, the folders that are then empty, and the journal; nothing else."""
    files = [file for entry in _entries(out) for file in entry.get("files", ())]
    for path in [*(_below(out, file) for file in files), out / JOURNAL, out / RUN_FILE]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
    folders = {parent for file in files for parent in (out / file).parents if parent != out and out in parent.parents}
    for folder in sorted(folders, key=lambda folder: -len(folder.parts)):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _below(out: Path, file: str) -> Path:
    """A file to remove: it may be a link itself, but must not lie outside through one of its folders."""
    path = out / file
    if not path.parent.resolve().is_relative_to(out.resolve()):
        raise OutputError(f"{path}: this lies outside of {out}. Remove the links in the folder, or choose another.")
    return path


def _entries(out: Path) -> list[dict[str, Any]]:
    path = out / JOURNAL
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    except ValueError as error:
        raise OutputError(f"{path}: this is no list of detections ({error}). Choose another folder.") from error
