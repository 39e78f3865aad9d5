"""A table that assigns images to train, val and test: CSV with the columns `name` and `split`."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from lmsc_unet.datasets.labels import listed
from lmsc_unet.datasets.sample import Sample, Split
from lmsc_unet.errors import DataError

SPLIT_WORDS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""The names of each split in folders and files."""


def apply_split_file(samples: Sequence[Sample], root: Path, path: Path) -> tuple[Sample, ...]:
    """Assigns samples to the splits in the file; images that it does not name have no split.

    A row names its image by the sample's name, by its path in the dataset or by the file name, with or without suffix.

    Raises:
        DataError: the file is missing or invalid, or a row names no image, several, or one twice.
    """
    lookup = _lookup(samples, root)
    chosen: dict[str, Split] = {}
    for line, name, word in _rows(path, "split"):
        sample = _found(lookup, name, f"{path}, line {line}", root)
        split = SPLIT_WORDS.get(word.strip().lower())
        if split is None:
            raise DataError(f"{path}, line {line}: the split is {word!r}; it must be train, val or test.")
        if chosen.setdefault(sample.name, split) != split:
            raise DataError(f"{path}, line {line}: {name!r} is in {chosen[sample.name]} and in {split}. Keep one.")
    return tuple(replace(sample, split=chosen.get(sample.name)) for sample in samples)


def split_line(name: str, part: str) -> str:
    """A line `name,split` of such a file."""
    return f"{_quoted(name)},{part}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(sign in name for sign in ',"\n\r') else name


def names_of_split(path: Path, split: Split) -> frozenset[str]:
    """The names that a split file assigns to a split, as written.

    Raises:
        DataError: the file is missing or invalid.
    """
    return frozenset(name for _, name, word in _rows(path, "split") if SPLIT_WORDS.get(word.strip().lower()) == split)


def column_of(samples: Sequence[Sample], root: Path, path: Path, column: str) -> dict[str, str]:
    """Another column's value for each sample that the file names, by sample name.

    Raises:
        DataError: the file is missing or lacks the column, or a row names no image, several, or one twice.
    """
    lookup = _lookup(samples, root)
    found: dict[str, str] = {}
    for line, name, value in _rows(path, column):
        sample = _found(lookup, name, f"{path}, line {line}", root)
        if found.setdefault(sample.name, value.strip()) != value.strip():
            other = found[sample.name]
            raise DataError(f"{path}, line {line}: the {column} of {name!r} is {other} and {value.strip()}. Keep one.")
    return found


def has_column(path: Path, column: str) -> bool:
    """Whether the file has a column.

    Raises:
        DataError: the file cannot be read.
    """
    return column in _read(path)[0]


def _rows(path: Path, column: str) -> Iterable[tuple[int, str, str]]:
    columns, rows = _read(path)
    if not {"name", column} <= set(columns):
        raise DataError(
            f"{path}: the columns are {listed(columns or ['none'])}. "
            f"A split file is CSV with a first line `name,{column}`."
        )
    return [(line, row["name"] or "", row[column] or "") for line, row in rows]


def _read(path: Path) -> tuple[Sequence[str], list[tuple[int, dict[str, str | None]]]]:
    """The column names, and each row with its line number."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            return list(rows.fieldnames or ()), [(rows.line_num, row) for row in rows]
    except OSError as error:
        raise DataError(
            f"{path}: the split file cannot be read ({error.strerror}). Name a CSV file by --split-file."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: the split file is no CSV in UTF-8 ({error}).") from error


def _lookup(samples: Iterable[Sample], root: Path) -> dict[str, dict[str, Sample]]:
    lookup: dict[str, dict[str, Sample]] = defaultdict(dict)
    for sample in samples:
        below = Path(sample.image.relative_to(root)) if sample.image.is_relative_to(root) else sample.image
        for path in (below, Path(sample.name + sample.image.suffix), Path(sample.image.name)):
            lookup[path.as_posix()][sample.name] = sample
            lookup[path.with_suffix("").as_posix()][sample.name] = sample
    return lookup


def _found(lookup: dict[str, dict[str, Sample]], name: str, row: str, root: Path) -> Sample:
    named = lookup.get(name.strip().removeprefix("./"), {})
    row = f"{row}: {name!r}"
    if not named:
        raise DataError(f"{row} is no image of {root}. Names are those that `lmsc data check --format json` gives.")
    if len(named) > 1:
        raise DataError(f"{row} may be {listed(sorted(named))}. Write its path below {root}.")
    return next(iter(named.values()))
