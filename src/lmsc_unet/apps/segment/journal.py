"""predictions.jsonl: one line for each image, added when its files are all there, in the order of the inputs."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from lmsc_unet.apps.segment.masks import name_of
from lmsc_unet.core.results_files import append_line, no_list, read_lines, to_json, write_text

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

    @property
    def name(self) -> str:
        """The image's name in the results."""
        return name_of(self.mask)


def read_entries(out: Path) -> list[Entry]:
    """All entries so far; a half line at the end, left by a kill, is dropped, also from the file.

    Raises:
        OutputError: the file holds something else.
    """
    path = out / JOURNAL
    try:
        return [_entry(fields) for fields in read_lines(path, "predictions")]
    except (ValueError, TypeError) as error:
        raise no_list(path, "predictions", str(error)) from error


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


def _entry(fields: dict[str, Any]) -> Entry:
    """The line's entry.

    Raises:
        ValueError, TypeError: it is no line of ours.
    """
    size = fields.get("size")
    entry = Entry(**(fields | {"size": None if size is None else tuple(size)}))
    for name in ("path", "mask"):
        value = getattr(entry, name)
        if not isinstance(value, str) or "\0" in value:
            raise ValueError(f"its {name} is {value!r}")
    if entry.status not in ("ok", "failed"):
        raise ValueError(f"its status is {entry.status!r}")
    return entry
