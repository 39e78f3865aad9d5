"""predictions.jsonl: one line for each image, added when its files are all there, in the order of the inputs."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from lmsc_unet.errors import OutputError
from lmsc_unet.prediction.files import append_line, to_json, write_text

JOURNAL = "predictions.jsonl"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What became of one image: one line of predictions.jsonl."""

    path: str
    """The image, as the inputs named it."""
    status: Literal["ok", "failed"]
    """Whether there is a mask."""
    size: tuple[int, int] | None = None
    """Height and width in pixels."""
    class_shares: dict[str, float] | None = None
    """The share of pixels of each class, by name."""
    ms: float | None = None
    """What reading, segmenting and writing it took, in milliseconds; its neighbours took some of that."""
    error: str | None = None
    """Why there is no mask."""
    mask: str
    """Where the mask is, or would be, below the results folder."""


def read_entries(out: Path) -> list[Entry]:
    """All entries so far; a half line at the end, left by a kill, is dropped, also from the file.

    Raises:
        OutputError: the file holds something else.
    """
    path = out / JOURNAL
    data = path.read_bytes() if path.exists() else b""
    whole = data[: data.rfind(b"\n") + 1]
    try:
        entries = [_entry(line) for line in whole.decode().splitlines()]
    except (ValueError, TypeError) as error:
        raise OutputError(f"{path}: this is no list of predictions ({error}). Choose another folder.") from error
    if whole != data:
        write_text(path, whole.decode())
    return entries


def add_entry(out: Path, entry: Entry) -> None:
    """Adds the line of one image.

    Raises:
        OutputError: the disk is full.
    """
    append_line(out / JOURNAL, to_json(asdict(entry)))


def write_entries(out: Path, entries: Iterable[Entry]) -> None:
    """Writes all lines anew, in the order given.

    Raises:
        OutputError: the disk is full; the lines that were there still are.
    """
    write_text(out / JOURNAL, "".join(f"{to_json(asdict(entry))}\n" for entry in entries))


def _entry(line: str) -> Entry:
    fields = json.loads(line)
    if fields.get("size") is not None:
        fields["size"] = tuple(fields["size"])
    return Entry(**fields)
