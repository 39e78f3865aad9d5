"""Objects of a two-class mask as a label image: each object is one number from 1, ordered by its first pixel.

Their shapes tell objects apart: a watershed on the distance to the background. A network with a contour channel lowers
this distance where objects touch.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.watershed import Labels, basins

Regions = NDArray[np.uint8]
"""Where objects are, "H W": `BACKGROUND`, or how much of its distance to the background a pixel keeps, up to
`INTERIOR`. For networks without contours, the foreground is all interior."""
BACKGROUND, INTERIOR = 0, 255
CONTOUR = 77
"""What a certain contour keeps: 0.3."""

PASS_OF_SHAPES = 0.8
"""How high a pass joins two basins, if only the mask tells objects apart."""
PASS_OF_CONTOURS = 0.6
"""The same where contours lower the passes between objects."""
MIN_OBJECT_PX = 20
"""Smaller objects are left out."""


def regions_of(mask: NDArray[np.uint8], contour: NDArray[np.float32] | None) -> Regions:
    """The regions of a mask and of the probability of contours in it, both "H W"."""
    is_foreground = mask > 0
    if contour is None:
        return np.where(is_foreground, np.uint8(INTERIOR), np.uint8(BACKGROUND))
    kept = np.rint(INTERIOR - np.float32(INTERIOR - CONTOUR) * contour).astype(np.uint8)
    return np.where(is_foreground, kept, np.uint8(BACKGROUND))


def decode_instances(regions: Regions) -> Labels:
    """The objects of an image "H W" that is decoded at once, as labels 1, 2, ... from the top; 0 is background."""
    mask = regions > BACKGROUND
    if not (mask & (regions < INTERIOR)).any():
        return renumbered(basins(mask, PASS_OF_SHAPES), MIN_OBJECT_PX)
    return renumbered(basins(mask, PASS_OF_CONTOURS, regions), MIN_OBJECT_PX)


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
