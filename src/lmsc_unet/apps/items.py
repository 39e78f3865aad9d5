"""Names the inputs of a command for its results; no two share a name."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lmsc_unet.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Item:
    """One input file."""

    path: Path
    """The path as the user would write it."""
    name: str
    """The name in the results, without suffix: the path relative to the inputs' common folder."""


def name_items(
    inputs: Sequence[Path], paths: Iterable[Path], place_of: Callable[[Path], Path] = lambda place: place
) -> tuple[Item, ...]:
    """Names the files found below the inputs; a file found twice counts once.

    Names are relative to the only folder given, or to the nearest common parent of all inputs.

    Args:
        inputs: The paths that the user gave.
        paths: The files found, in order.
        place_of: Maps a file's path to the relative path that it is named after.
    """
    unique: dict[str, Path] = {}
    for path in paths:
        unique.setdefault(absolute(path), path)
    base = os.path.commonpath([absolute(path if os.path.isdir(path) else path.parent) for path in inputs])  # noqa: PTH112
    names = unique_names([place_of(Path(path).relative_to(base)) for path in unique])
    return tuple(Item(path=path, name=name) for path, name in zip(unique.values(), names, strict=True))


def outside_results(paths: Sequence[Path], given: Path, out: Path) -> list[Path]:
    """The files below an input that do not lie in the results folder.

    Raises:
        ConfigError: all of them lie there.
    """
    results = out.resolve()
    outside = [path for path in paths if not path.resolve().is_relative_to(results)]
    if paths and not outside:
        raise ConfigError(
            f"{given}: everything in it lies in {out}, the folder of --out, whose files are results and no input. "
            "Name another folder by --out."
        )
    return outside


def unique_names(places: Sequence[Path]) -> list[str]:
    """A name for each path, without its suffix unless two names would then be equal.

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
    """The absolute path without `..`; links are not followed, so a link is named by its own location."""
    return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links


def _clashing(names: Sequence[str]) -> set[str]:
    """Names that occur twice, or whose file would have the path of a folder that another name needs."""
    numbers = Counter(names)
    folders = {parent.as_posix() for name in names for parent in Path(name).parents}
    return {name for name in names if numbers[name] > 1 or folders & {f"{name}.png", f"{name}.tif"}}
