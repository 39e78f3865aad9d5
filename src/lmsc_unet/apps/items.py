"""The inputs of a command: what each is called in the results, where no two share a name."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Item:
    """One file to work on."""

    path: Path
    """The file, as the user would name it."""
    name: str
    """Its name in the results, without an ending: its path below the inputs' common folder."""


def name_items(
    inputs: Sequence[Path], paths: Iterable[Path], place_of: Callable[[Path], Path] = lambda place: place
) -> tuple[Item, ...]:
    """Names the files that were found below the inputs; one that was found twice counts once.

    Names are relative to the one folder given, or to the nearest folder that holds all inputs.

    Args:
        inputs: What the user named.
        paths: The files found, in order.
        place_of: The relative path that a file is named after, from its own.
    """
    unique: dict[str, Path] = {}
    for path in paths:
        unique.setdefault(absolute(path), path)
    base = os.path.commonpath([absolute(path if path.is_dir() else path.parent) for path in inputs])
    names = unique_names([place_of(Path(path).relative_to(base)) for path in unique])
    return tuple(Item(path=path, name=name) for path, name in zip(unique.values(), names, strict=True))


def unique_names(places: Sequence[Path]) -> list[str]:
    """A name for each path: without its ending, or with it where names would meet.

    `a/1.png` and `b/1.png` stay `a/1` and `b/1`; `1.png` and `1.tif` become `1.png` and `1.tif`.
    """
    full = [place.as_posix() for place in places]
    names = [place.with_suffix("").as_posix() for place in places]
    while True:
        clashing = _clashing(names)
        longer = [whole if name in clashing else name for name, whole in zip(names, full, strict=True)]
        if longer == names:
            return names
        names = longer


def absolute(path: Path) -> str:
    """The path from the root, without `..` and with its links as they are: a link is named by its own place."""
    return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow the links


def _clashing(names: Sequence[str]) -> set[str]:
    """Names that two have, or whose file would stand where another name needs a folder."""
    numbers = Counter(names)
    folders = {parent.as_posix() for name in names for parent in Path(name).parents}
    return {name for name in names if numbers[name] > 1 or folders & {f"{name}.png", f"{name}.tif"}}
