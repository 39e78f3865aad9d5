"""What the inputs of a command stand for: files and folders, patterns, and manifests that list files and folders."""

import codecs
import csv
import glob
import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lmsc_unet.apps.items import absolute, outside_results
from lmsc_unet.errors import DataError

MANIFEST_SUFFIXES = (".txt", ".csv")
PATH_COLUMN = "path"
ANY_FOLDERS = "**"
_WILDCARDS = "*?["
_LOOKED_AT_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class InputKind:
    """What a command takes."""

    nouns: str
    """Its name in messages, such as "images"."""
    formats: str
    """The formats in messages, as in "none is ..."."""
    choose: Callable[[Sequence[Path]], list[Path]]
    """Of the files that match a pattern, those that are inputs."""
    reads_any_file: bool = False
    """Whether a file that is no text is an input whatever its suffix."""


def expand_inputs(inputs: Sequence[Path], results: Sequence[Path | None], kind: InputKind) -> tuple[Path, ...]:
    """The files and folders that the inputs stand for, in the order given.

    A pattern stands for the files that match it, sorted, without hidden ones and without results. A manifest stands
    for the paths in it, whether they exist or not.

    Raises:
        ConfigError: a pattern matches results alone.
        DataError: an input is missing, a pattern matches nothing, or a text or table is no manifest.
    """
    return tuple(path for given in inputs for path in _expanded(given, results, kind))


def is_pattern(given: Path) -> bool:
    """Whether an input has wildcards and is not a file of that very name."""
    return any(sign in str(given) for sign in _WILDCARDS) and not os.path.lexists(given)


def _expanded(given: Path, results: Sequence[Path | None], kind: InputKind) -> list[Path]:
    if is_pattern(given):
        return _matches(given, results, kind)
    if not os.path.exists(given):  # noqa: PTH110 - Path.exists() raises for names that are too long
        raise DataError(
            f"{given}: there is no such file or folder. Name {kind.nouns}, folders of {kind.nouns}, patterns or "
            "manifests."
        )
    if given.is_file() and given.suffix.lower() in MANIFEST_SUFFIXES:
        text = _text_of(given)
        if text is not None:
            return _listed(given, text, kind)
        if not kind.reads_any_file:
            raise DataError(f"{given}: this is no manifest, because it is no text in UTF-8. {_needed(kind)}")
    return [given]


def _matches(pattern: Path, results: Sequence[Path | None], kind: InputKind) -> list[Path]:
    places = [Path(place) for place in glob.glob(str(pattern), recursive=True)]  # noqa: PTH207 - follows links
    if ANY_FOLDERS in pattern.parts:
        loops = {folder for folder in {place.parent for place in places} if _goes_round(folder)}
        places = [place for place in places if place.parent not in loops]
    files = sorted(filter(_is_file, places), key=Path.as_posix)
    if not files:
        found = "only folders match" if places else "no file matches"
        raise DataError(
            f"{pattern}: {found} this pattern. Write it like 'data/**/*.tif', in quotes, where ** stands for any "
            "folders."
        )
    chosen = kind.choose(files)
    for folder in filter(None, results):
        chosen = outside_results(chosen, pattern, folder)
    if not chosen:
        raise DataError(
            f"{pattern}: none of the files that match this pattern ({len(files)}) is {kind.formats}. Name such files, "
            "or name files without a pattern to have them read by their content."
        )
    return chosen


def _is_file(path: Path) -> bool:
    """Whether it is a file or a dead link, which is reported where it is read; not a folder, pipe or device."""
    return path.is_file() or not path.exists()


def _goes_round(folder: Path) -> bool:
    """Whether links lead from a folder into itself on this path."""
    whole = Path(absolute(folder))
    real = [os.path.realpath(place) for place in (whole, *whole.parents)]
    return len(set(real)) < len(real)


def _text_of(path: Path) -> str | None:
    """The text of a file in UTF-8; None for other contents, of which only the beginning is read."""
    try:
        with path.open("rb") as file:
            start = file.read(_LOOKED_AT_BYTES)
            codecs.getincrementaldecoder("utf-8")().decode(start)
            return None if b"\0" in start else (start + file.read()).decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    except OSError as error:
        raise DataError(f"{path}: the manifest cannot be read ({error.strerror}).") from error


def _listed(manifest: Path, text: str, kind: InputKind) -> list[Path]:
    rows = _rows_of_table(manifest, text, kind) if manifest.suffix.lower() == ".csv" else _rows_of_text(text)
    lines = [(number, manifest.parent / name) for number, name in rows]
    if not lines:
        raise DataError(f"{manifest}: the manifest lists nothing. {_needed(kind)}")
    if not any(os.path.exists(path) for _, path in lines):  # noqa: PTH110 - as above
        raise DataError(
            f"{manifest}: this is no manifest of {kind.nouns}: none of the files that it lists exists, {lines[0][1]} "
            f"the first of {len(lines)}. {_needed(kind)}"
        )
    for number, path in lines:
        if _is_special(path):
            raise DataError(f"{manifest}, line {number}: {path} is a pipe or a device. List files and folders.")
    return [path for _, path in lines]


def _is_special(path: Path) -> bool:
    """Whether it is a pipe or a device, which could block forever; False for what does not exist."""
    try:
        mode = path.stat().st_mode
    except OSError:  # reported where it is read
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _rows_of_text(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _rows_of_table(manifest: Path, text: str, kind: InputKind) -> list[tuple[int, str]]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    try:
        columns = list(rows.fieldnames or ())
        if PATH_COLUMN not in columns:
            found = ", ".join(columns) or "none"
            raise DataError(f"{manifest}: this is no manifest. Its columns are {found}. {_needed(kind)}")
        lines = [(rows.line_num, (row[PATH_COLUMN] or "").strip()) for row in rows]
    except csv.Error as error:
        raise DataError(f"{manifest}: this is no manifest, because it is no CSV ({error}). {_needed(kind)}") from error
    empty = next((number for number, name in lines if not name), None)
    if empty is not None:
        raise DataError(f"{manifest}, line {empty}: the column {PATH_COLUMN} is empty. {_needed(kind)}")
    return lines


def _needed(kind: InputKind) -> str:
    return (
        f"A manifest is a .txt with the path of one of the {kind.nouns} per line, or a .csv with a column "
        f"{PATH_COLUMN}; paths are relative to its folder."
    )
