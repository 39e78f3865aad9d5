"""Writes the files of one searched recording: table, picture, SigMF metadata, and a link to the samples for viewers."""

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

from lmsc_unet.apps.detect.occupancy import OccupancyCell, draw_occupancy, measure_occupancy, occupancy_csv
from lmsc_unet.apps.detect.picture import draw_panels
from lmsc_unet.apps.detect.results import begin
from lmsc_unet.apps.detect.searching import SearchResult
from lmsc_unet.apps.detect.steady import State
from lmsc_unet.core.results_folder import check_below
from lmsc_unet.core.storage import remove, resolve_inside, temporary_of, to_json, write_text
from lmsc_unet.imageio import write_png
from lmsc_unet.signals.annotations import write_annotated
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.recording import Recording
from lmsc_unet.signals.recording.open import META
from lmsc_unet.signals.recording.times import format_utc

COLUMNS = ("start_s", "stop_s", "low_hz", "high_hz", "bandwidth_hz", "snr_db", "confidence", "label")
TIME_COLUMNS = ("start_utc", "stop_utc")
"""Of recordings that know the time."""


def columns_of(recording: Recording) -> tuple[str, ...]:
    """The columns of a recording's table."""
    has_times = any(capture.start_utc for capture in recording.captures)
    return (*COLUMNS, *TIME_COLUMNS) if has_times else COLUMNS


def to_row(box: SignalBox, recording: Recording) -> dict[str, float | str | None]:
    """A signal in seconds and hertz; seconds count from the recording's first sample, without gaps in it."""
    capture = recording.capture_at(box.start_sample)
    start_utc, stop_utc = (recording.utc(sample, within=capture) for sample in (box.start_sample, box.stop_sample))
    row: dict[str, float | str | None] = {
        "start_s": _rounded(recording.seconds(box.start_sample, within=capture), 9),
        "stop_s": _rounded(recording.seconds(box.stop_sample, within=capture), 9),
        "low_hz": _rounded(box.low_hz, 6),
        "high_hz": _rounded(box.high_hz, 6),
        "bandwidth_hz": _rounded(box.bandwidth_hz, 6),
        "snr_db": None if box.snr_db is None else _rounded(box.snr_db, 2),
        "confidence": None if box.confidence is None else _rounded(box.confidence, 4),
        "label": box.label,
        "start_utc": None if start_utc is None else format_utc(start_utc),
        "stop_utc": None if stop_utc is None else format_utc(stop_utc),
    }
    return {name: row[name] for name in columns_of(recording)}


def to_csv(boxes: Iterable[SignalBox], recording: Recording) -> str:
    """The signals of a recording, one per line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns_of(recording), lineterminator="\n")
    writer.writeheader()
    writer.writerows(to_row(box, recording) for box in boxes)
    return text.getvalue()


def to_line(box: SignalBox, recording: Recording, name: str, state: State) -> str:
    """A signal as one line of JSON with its recording's name in the results."""
    return to_json({"recording": name, **to_row(box, recording), "state": state})


def _rounded(value: float, digits: int) -> float:
    return round(float(value), digits)


TABLE, PICTURE = "signals.csv", "spectrogram.png"
OCCUPANCY_TABLE, OCCUPANCY_PICTURE = "occupancy.csv", "occupancy.png"


def write_found(
    out: Path, name: str, found: SearchResult, occupancy_hz: float | None = None, *, is_annotatable: bool = True
) -> tuple[str, ...]:
    """Writes the files of one recording, the metadata last: if it exists, all files do.

    Writes no metadata if the recording's own cannot store annotations.

    Raises:
        OutputError: the disk is full, or a file would lie outside the results folder.
    """
    recording = found.recording
    table, picture, meta = (f"{name}/{file}" for file in (TABLE, PICTURE, f"{recording.name}{META}"))
    occupancy = [f"{name}/{file}" for file in (OCCUPANCY_TABLE, OCCUPANCY_PICTURE) if occupancy_hz is not None]
    link = f"{name}/{recording.data.name}" if is_annotatable and _may_link(out, name, recording) else None
    files = [
        table,
        *([picture] if found.panels else []),
        *occupancy,
        *([link] if link else []),
        *([meta] if is_annotatable else []),
    ]
    begin(out, files)
    write_text(resolve_inside(out, table), to_csv(found.boxes, recording))
    if found.panels:
        write_png(resolve_inside(out, picture), draw_panels(found.panels))
    if occupancy_hz is not None:
        cells = _write_occupancy(out, name, found, occupancy_hz)
        picture_of_use = draw_occupancy(recording, cells, occupancy_hz)
        write_png(resolve_inside(out, occupancy[1]), picture_of_use)
    if link and not _link(out / link, recording.data.resolve()):
        files.remove(link)
    if is_annotatable:
        write_annotated(resolve_inside(out, meta), recording, found.boxes)
    return tuple(files)


def _write_occupancy(out: Path, name: str, found: SearchResult, width_hz: float) -> list[OccupancyCell]:
    cells = measure_occupancy(found.recording, found.boxes, width_hz)
    text = occupancy_csv(found.recording, cells, width_hz)
    write_text(resolve_inside(out, f"{name}/{OCCUPANCY_TABLE}"), text)
    return cells


def write_signals(out: Path, name: str, found: SearchResult, occupancy_hz: float | None = None) -> None:
    """Writes tables and metadata of a pipe that is still open; the pictures follow at its end.

    Raises:
        OutputError: the disk is full, or a file would lie outside the results folder.
    """
    table, meta = f"{name}/{TABLE}", f"{name}/{found.recording.name}{META}"
    begin(out, (table, meta, *([f"{name}/{OCCUPANCY_TABLE}"] if occupancy_hz is not None else ())))
    write_text(resolve_inside(out, table), to_csv(found.boxes, found.recording))
    write_annotated(resolve_inside(out, meta), found.recording, found.boxes)
    if occupancy_hz is not None:
        _write_occupancy(out, name, found, occupancy_hz)


def _may_link(out: Path, name: str, recording: Recording) -> bool:
    """Whether a viewer needs a link to the samples: not for archives, nor where a file exists already.

    A link of an earlier run to the same samples counts as our own.
    """
    is_raw = recording.data == recording.path and not recording.metadata
    if not (is_raw or recording.path.name.endswith(META)) or not recording.data.exists():
        return False
    if recording.data.name in (
        TABLE,
        PICTURE,
        OCCUPANCY_TABLE,
        OCCUPANCY_PICTURE,
        f"{recording.name}{META}",
    ):  # names of our own files
        return False
    link = check_below(out, f"{name}/{recording.data.name}")
    return not os.path.lexists(link) or (link.is_symlink() and link.resolve() == recording.data.resolve())


def _link(link: Path, target: Path) -> bool:
    """Makes a link to the samples, so that a viewer opens both; returns False if the file system has no links."""
    temporary = temporary_of(link)
    try:
        remove(temporary)
        temporary.symlink_to(target)
        temporary.replace(link)
    except OSError:
        remove(temporary)
        return False
    return True
