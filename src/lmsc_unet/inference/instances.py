"""Objects of a two-class mask as a label image: each object is one number from 1, ordered by its first pixel.

A network with a contour channel says where objects touch; without one, their shapes tell.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.watershed import Labels, Mask, basins, components

Regions = NDArray[np.uint8]
"""Where objects are, "H W": `BACKGROUND`, `CONTOUR` or `INTERIOR`. For networks without contours, the foreground is all
interior."""
BACKGROUND, CONTOUR, INTERIOR = 0, 1, 2

CONTOUR_FROM = 0.5
"""The probability from which a pixel of the foreground is contour."""
PASS_OF_SHAPES = 0.8
"""How high a pass joins two basins, if only the mask tells objects apart."""
PASS_OF_INTERIORS = 0.5
"""The same where contours are known: shapes only bridge their gaps."""
MIN_OBJECT_PX = 20
"""Smaller objects are left out."""
MIN_SEED_PX = 6
"""Smaller pieces of an object's interior are no object of their own."""
MOST_GROWTH_PX = 16
"""How far an object grows from its interior over its contour."""


def decode_instances(regions: Regions) -> Labels:
    """The objects of an image "H W" that is decoded at once, as labels 1, 2, ... from the top; 0 is background."""
    mask = regions > BACKGROUND
    interior = regions == INTERIOR
    if np.array_equal(mask, interior):
        return renumbered(basins(mask, PASS_OF_SHAPES), MIN_OBJECT_PX)
    grown = grow(without_small(basins(interior, PASS_OF_INTERIORS), MIN_SEED_PX), mask)
    left = components(mask & (grown == 0))  # what is all contour
    return renumbered(np.where(left > 0, left + grown.max(), grown), MIN_OBJECT_PX)


def check_two_classes(class_names: Sequence[str]) -> None:
    """Rejects a model of more classes, whose masks have no one foreground.

    Raises:
        ConfigError: names the classes.
    """
    if len(class_names) > 2:
        raise ConfigError(
            f"The model has the {len(class_names)} classes {', '.join(class_names)}, but instances are found in masks "
            "of two classes. Leave the instances out, or take a model of background and one class."
        )


def without_small(labels: Labels, min_px: int) -> Labels:
    """The labels without objects of fewer pixels."""
    areas_px = np.bincount(labels.ravel())
    kept = np.where(areas_px >= min_px, np.arange(len(areas_px), dtype=np.int32), np.int32(0))
    kept[0] = 0
    return kept[labels]


def renumbered(labels: Labels, min_px: int = 1) -> Labels:
    """The labels as 1, 2, ... in the order of the objects' first pixels, without objects of fewer pixels."""
    flat = labels.ravel()
    places = np.flatnonzero(flat)
    found = flat[places]
    areas_px = np.bincount(found, minlength=1)
    firsts = np.zeros(len(areas_px), np.intp)
    firsts[found[::-1]] = places[::-1]  # the last assignment stays, which is the first pixel
    kept = np.flatnonzero(areas_px >= max(min_px, 1))
    numbers = np.zeros(len(areas_px), np.int32)
    numbers[kept[np.argsort(firsts[kept])]] = np.arange(1, len(kept) + 1, dtype=np.int32)
    return numbers[labels]


def grow(seeds: Labels, mask: Mask) -> Labels:
    """Seeds "H W" grown at equal speed inside the mask that holds them."""
    width = mask.shape[1] + 2
    labels = np.pad(seeds, 1).ravel()
    open_places = np.flatnonzero(np.pad(mask, 1).ravel() & (labels == 0))
    for step in range(MOST_GROWTH_PX):
        found = labels[open_places - width]
        for beside in (-1, 1, width, -width - 1, 1 - width, width - 1, width + 1)[: 3 if step % 2 else 7]:
            np.copyto(found, labels[open_places + beside], where=found == 0)
        is_reached = found > 0
        if not is_reached.any():
            break
        labels[open_places[is_reached]] = found[is_reached]
        open_places = open_places[~is_reached]
    return labels.reshape(mask.shape[0] + 2, width)[1:-1, 1:-1]
