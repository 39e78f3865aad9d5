"""The results folder of `lmsc detect`: made, refused, emptied of its own files; never another's files lost."""

import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lmsc_unet.apps.detect.inputs import JOURNAL, RUN_FILE
from lmsc_unet.apps.detect.journal import Entry, begin, below, read_entries, remove_unfinished
from lmsc_unet.apps.detect.picture import draw_panels
from lmsc_unet.apps.detect.searching import Found
from lmsc_unet.apps.detect.table import to_csv
from lmsc_unet.apps.segment.results import versions
from lmsc_unet.core.results_files import cannot_write, mapping_of, read_described, remove, within, write_text
from lmsc_unet.core.storage import check_folder, temporary_of
from lmsc_unet.errors import OutputError
from lmsc_unet.imageio import write_png
from lmsc_unet.signals.annotations import write_annotated
from lmsc_unet.signals.recording import Recording
from lmsc_unet.signals.recording.open import META

COMMAND = "lmsc detect"
TABLE, PICTURE = "signals.csv", "spectrogram.png"
DECISIVE = ("frames_per_row", "nfft", "min_confidence", "channels", "raw")
"""The arguments that results depend on."""


def open_folder(
    out: Path, described: Mapping[str, Any], paths: Collection[str], *, resume: bool = False, overwrite: bool = False
) -> dict[str, Entry]:
    """Makes the results folder ready; gives the entries so far by name, none but when resuming.

    Args:
        out: The folder.
        described: What run.json says.
        paths: The recordings that are to be searched.
        resume: Go on with the results in the folder.
        overwrite: Replace them.

    Raises:
        OutputError: it holds results and neither flag is given, or files of another's, or results of another model,
            other settings or other inputs that are to be resumed; or it cannot be written.
    """
    check_folder(out)
    entries: dict[str, Entry] = {}
    if out.is_dir() and any(path != temporary_of(out / RUN_FILE) for path in out.iterdir()):
        if read_described(out / RUN_FILE).get("command") != COMMAND:
            raise OutputError(f"{out}: the folder holds files that no `{COMMAND}` wrote. Name another one by --out.")
        if not (resume or overwrite):
            raise OutputError(
                f"{out}: this folder holds results. Replace them by --overwrite, go on with them by --resume, or name "
                "another folder."
            )
        remove_unfinished(out)
        if overwrite:
            _clear(out)
        else:
            entries = _resumable(out, described, paths)
    write_run(out, described)
    return entries


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
    table, picture, meta = (f"{name}/{file}" for file in (TABLE, PICTURE, f"{recording.name}{META}"))
    link = f"{name}/{recording.data.name}" if is_annotatable and _may_link(out, name, recording) else None
    files = [
        table,
        *([picture] if found.panels else []),
        *([link] if link else []),
        *([meta] if is_annotatable else []),
    ]
    begin(out, files)
    write_text(within(out, table), to_csv(found.boxes, recording.sample_rate_hz))
    if found.panels:
        write_png(within(out, picture), draw_panels(found.panels))
    if link and not _link(out / link, recording.data.resolve()):
        files.remove(link)
    if is_annotatable:
        write_annotated(within(out, meta), recording, found.boxes)
    return tuple(files)


def write_signals(out: Path, name: str, found: Found) -> None:
    """Writes the table and the metadata of a pipe that is still open; the picture comes at its end.

    Raises:
        OutputError: the disk is full, or a file would lie outside the results folder.
    """
    table, meta = f"{name}/{TABLE}", f"{name}/{found.recording.name}{META}"
    begin(out, (table, meta))
    write_text(within(out, table), to_csv(found.boxes, found.recording.sample_rate_hz))
    write_annotated(within(out, meta), found.recording, found.boxes)


def is_complete(out: Path, entry: Entry) -> bool:
    """Whether a recording was searched before, and all its files are still there."""
    return entry.status == "ok" and bool(entry.files) and all((out / file).exists() for file in entry.files)


def _may_link(out: Path, name: str, recording: Recording) -> bool:
    """Whether a viewer needs a link to the samples: not to what is in an archive, nor where something lies already.

    A link of an earlier run to the same samples is our own.
    """
    is_raw = recording.data == recording.path and not recording.metadata
    if not (is_raw or recording.path.name.endswith(META)) or not recording.data.exists():
        return False
    if recording.data.name in (TABLE, PICTURE, f"{recording.name}{META}"):  # our own files have these names
        return False
    link = below(out, f"{name}/{recording.data.name}")
    return not os.path.lexists(link) or (link.is_symlink() and link.resolve() == recording.data.resolve())


def _link(link: Path, target: Path) -> bool:
    """Makes a link to the samples, so that a viewer opens both; false where the file system has no links."""
    temporary = temporary_of(link)
    try:
        remove(temporary)
        temporary.symlink_to(target)
        temporary.replace(link)
    except OSError:
        remove(temporary)
        return False
    return True


def _resumable(out: Path, described: Mapping[str, Any], paths: Collection[str]) -> dict[str, Entry]:
    before, now = (_decisive(one) for one in (read_described(out / RUN_FILE), described))
    changed = [f"{key}: {before[key]} -> {value}" for key, value in now.items() if before[key] != value]
    if changed:
        raise OutputError(
            f"{out}: the results were begun otherwise ({'; '.join(changed)}). Resume with what they were begun with, "
            "replace them by --overwrite, or name another folder by --out."
        )
    entries = read_entries(out)
    foreign = [entry.path for entry in entries if entry.path not in paths]
    if foreign:
        raise OutputError(
            f"{out}: the folder holds results of other recordings, {foreign[0]} among {len(foreign)}. Resume with the "
            "same recordings from the same folder, replace the results by --overwrite, or name another folder by --out."
        )
    return {entry.name: entry for entry in entries}


def _decisive(described: Mapping[str, Any]) -> dict[str, Any]:
    """What the results depend on: arguments, the model's SHA-256 and how rows are made, as JSON has them."""
    as_json = json.loads(json.dumps({key: mapping_of(described, key) for key in ("arguments", "model", "stft")}))
    arguments = {name: as_json["arguments"].get(name) for name in DECISIVE}
    model = {f"model_{name}": as_json["model"].get(name) for name in ("name", "sha256")}
    return arguments | model | {"stft": as_json["stft"]}


def _clear(out: Path) -> None:
    """Removes the files that the journal names, the folders that are then empty, and the journal; nothing else."""
    files = [file for entry in read_entries(out) for file in entry.files]
    for path in [*(below(out, file) for file in files), within(out, JOURNAL), within(out, RUN_FILE)]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from error
    folders = {parent for file in files for parent in (out / file).parents if parent != out and out in parent.parents}
    for folder in sorted(folders, key=lambda folder: -len(folder.parts)):
        with suppress(OSError):  # not empty, or gone already
            folder.rmdir()
