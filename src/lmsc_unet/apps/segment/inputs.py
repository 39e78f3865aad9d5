"""Which images to predict, and the name that each of them has in the results: no two share one."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lmsc_unet.datasets.layouts import recognise
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import IMAGE_KINDS, counted_endings, folder_contents


@dataclass(frozen=True, kw_only=True)
class Item:
    """One image to predict."""

    path: Path
    """The image, as the user would name it."""
    name: str
    """Its name in the results, without an ending: its path below the inputs' common folder."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the inputs hold."""

    items: tuple[Item, ...]
    """The images to predict."""
    remarks: tuple[str, ...] = ()
    """What was passed over: the masks of a dataset, files of other kinds."""


def find_inputs(inputs: Sequence[Path], out: Path) -> Inputs:
    """The images among the inputs, in the order given; folders are searched to the bottom, in sorted order.

    Names are relative to the one folder given, or to the nearest folder that holds all inputs. An image that is
    named twice counts once, and what lies in the results folder is no input. Of a dataset the images alone are taken.

    Raises:
        DataError: an input is missing, or a folder holds no image.
    """
    paths: dict[str, Path] = {}
    remarks: list[str] = []
    for given in inputs:
        for path in _images_of(given, out, remarks):
            paths.setdefault(absolute(path), path)
    base = os.path.commonpath([absolute(path if path.is_dir() else path.parent) for path in inputs])
    places = [Path(path).relative_to(base) for path in paths]
    items = (Item(path=path, name=name) for path, name in zip(paths.values(), unique_names(places), strict=True))
    return Inputs(items=tuple(items), remarks=tuple(remarks))


def find_items(inputs: Sequence[Path], out: Path) -> tuple[Item, ...]:
    """The images of `find_inputs`."""
    return find_inputs(inputs, out).items


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


def _images_of(given: Path, out: Path, remarks: list[str]) -> list[Path]:
    if given.is_file():
        return [given]
    if not given.is_dir():
        raise DataError(f"{given}: there is no such file or folder. Name images, or folders of images.")
    contents = folder_contents(given)
    passed_over = counted_endings(contents.others)
    results = out.resolve()
    pictures = _without_masks(given, remarks) or contents.pictures
    images = [path for path in pictures if not path.resolve().is_relative_to(results)]
    if not images:
        held = f" {passed_over}." if passed_over else ""
        raise DataError(f"{given}: the folder holds no {IMAGE_KINDS}.{held} Name images, or folders of images.")
    if passed_over:
        remarks.append(f"{given}: {passed_over}.")
    return images


def _without_masks(given: Path, remarks: list[str]) -> list[Path]:
    """The images of a folder of images and masks; none where it is another folder."""
    try:
        recognised = recognise(given, DataOptions())
    except DataError:  # masks and images that cannot be told apart, in words for a training
        return []
    if recognised is None or not any(sample.mask for sample in recognised.found.samples):
        return []
    remarks.append(f"{given}: this is a dataset ({recognised.about}). Its images are predicted, its masks are not.")
    return sorted([*(sample.image for sample in recognised.found.samples), *recognised.found.spare])
