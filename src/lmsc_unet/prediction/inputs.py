"""Which images to predict, and the name that each of them has in the results: no two share one."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lmsc_unet.data.pairing import picture_files
from lmsc_unet.errors import DataError
from lmsc_unet.images import IMAGE_KINDS


@dataclass(frozen=True, kw_only=True)
class Item:
    """One image to predict."""

    path: Path
    """The image, as the user would name it."""
    name: str
    """Its name in the results, without an ending: its path below the inputs' common folder."""


def find_items(inputs: Sequence[Path], out: Path) -> tuple[Item, ...]:
    """The images among the inputs, in the order given; folders are searched to the bottom, in sorted order.

    Names are relative to the one folder given, or to the nearest folder that holds all inputs. An image that is
    named twice counts once, and what lies in the results folder is no input.

    Raises:
        DataError: an input is missing, or a folder holds no image.
    """
    paths: dict[str, Path] = {}
    for given in inputs:
        for path in _images_of(given, out):
            paths.setdefault(absolute(path), path)
    base = os.path.commonpath([absolute(path if path.is_dir() else path.parent) for path in inputs])
    places = [Path(path).relative_to(base) for path in paths]
    names = unique_names(places)
    return tuple(Item(path=path, name=name) for path, name in zip(paths.values(), names, strict=True))


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


def _images_of(given: Path, out: Path) -> list[Path]:
    if given.is_file():
        return [given]
    if not given.is_dir():
        raise DataError(f"{given}: there is no such file or folder. Name images, or folders of images.")
    results = out.resolve()
    images = [path for path in picture_files(given) if not path.resolve().is_relative_to(results)]
    if not images:
        raise DataError(f"{given}: the folder holds no {IMAGE_KINDS}. Name images, or folders of images.")
    return images
