"""The images that `lmsc predict` is to segment."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lmsc_unet.apps.items import Item, name_items
from lmsc_unet.datasets.layouts import recognise
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import IMAGE_KINDS, counted_endings, folder_contents


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the inputs hold."""

    items: tuple[Item, ...]
    """The images to predict."""
    remarks: tuple[str, ...] = ()
    """What was passed over: the masks of a dataset, files of other kinds."""


def find_inputs(inputs: Sequence[Path], out: Path) -> Inputs:
    """The images among the inputs, in the order given; folders are searched to the bottom, in sorted order.

    What lies in the results folder is no input. Of a dataset the images alone are taken.

    Raises:
        DataError: an input is missing, or a folder holds no image.
    """
    remarks: list[str] = []
    paths = [path for given in inputs for path in _images_of(given, out, remarks)]
    return Inputs(items=name_items(inputs, paths), remarks=tuple(remarks))


def find_items(inputs: Sequence[Path], out: Path) -> tuple[Item, ...]:
    """The images of `find_inputs`."""
    return find_inputs(inputs, out).items


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
