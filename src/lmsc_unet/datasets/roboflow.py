"""Roboflow's `_classes.csv` beside exported masks: which value is which class."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import DataError

CLASS_TABLE = "_classes.csv"
_HEADINGS = ["pixel value", "class"]


def with_class_table(options: DataOptions, masks: Iterable[Path]) -> DataOptions:
    """The options with the values and names of a table that lies beside the masks, where the user names no values.

    Raises:
        DataError: a table is none, or two tables differ.
    """
    if options.says_values:
        return options
    found = {path: read_class_table(path) for path in _tables(masks)}
    if not found:
        return options
    (first, table), *others = found.items()
    for path, other in others:
        if other != table:
            raise DataError(f"{path}: the classes differ from those in {first}. Give all parts the same table.")
    if options.classes and len(options.classes) != len(table):
        raise DataError(
            f"{first}: the table has the {len(table)} classes {', '.join(table.values())}, but {len(options.classes)} "
            f"are named: {', '.join(options.classes)}. Name as many, or take the table away."
        )
    return replace(options, values=tuple(table), classes=options.classes or tuple(table.values()))


def read_class_table(path: Path) -> dict[int, str]:
    """Each value with its class, in the order of the lines.

    Raises:
        DataError: the file is no such table; it is named.
    """
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(path.read_text("utf-8-sig").splitlines()) if row]
        if not rows or [cell.lower() for cell in rows[0]] != _HEADINGS:
            raise DataError(f"{path}: the first line must be `Pixel Value, Class`. Correct the file, or take it away.")
        table = {int(value): name for value, name in rows[1:]}
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise DataError(
            f"{path}: each line must hold a value and a class ({error}). Correct the file, or take it away."
        ) from error
    if len(set(table.values())) < len(rows) - 1:
        raise DataError(f"{path}: a value or a class is there twice. Correct the file, or take it away.")
    return table


def _tables(masks: Iterable[Path]) -> list[Path]:
    folders = dict.fromkeys(mask.parent for mask in masks)
    return [folder / CLASS_TABLE for folder in folders if (folder / CLASS_TABLE).is_file()]
