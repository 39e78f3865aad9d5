"""Objects of a mask as training targets: the foreground, and the contours that separate touching objects."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import pad

from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.objects import load_numbers
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.metrics.counts import IGNORE

UNKNOWN = -(2**20)
"""The object number of ignored pixels. Exact in float32, as all others are."""
CONTOUR_PX = 2
"""Thickness of the contour inside of an object, at the network's scale."""


def load_objects(sample: Sample, label_map: LabelMap) -> NDArray[np.int32]:
    """The objects "H W" of a sample's mask of two classes; 0 is the background.

    A number above 0 is one object. A value in several pieces, such as the 255 of a binary mask, is none: its pixels
    have a negative number, and only their outline is known.

    Raises:
        DataError: the mask is missing or damaged, or contains values that are not classes.
    """
    values, places = np.unique(load_numbers(sample, label_map), return_inverse=True)
    first = int(values[0] != 0)  # 1 if there is no background
    objects: NDArray[np.int32] = (places + first).astype(np.int32)
    for number, window in enumerate(ndimage.find_objects(objects), start=1):
        if window is not None:
            is_here = objects[window] == number
            if ndimage.label(is_here, np.ones((3, 3)))[1] > 1:
                objects[window][is_here] = -number
    return objects


def contour_targets(objects: Tensor) -> Tensor:
    """The targets "2 H W" int64 of objects "H W": class ids, and contours as 0 and 1; both with `IGNORE`.

    A contour is the pixels of an object that are at most `CONTOUR_PX` from the background or from another object.
    Inside of foreground that is not separated into objects it is unknown.
    """
    is_foreground, is_unknown = (objects != 0) & (objects != UNKNOWN), objects == UNKNOWN
    contour = (is_foreground & _is_mixed(objects)).long()
    contour[is_foreground & (objects < 0) & (contour == 0)] = IGNORE
    contour[_spread(is_unknown, CONTOUR_PX, CONTOUR_PX)] = IGNORE
    ids = is_foreground.long()
    ids[is_unknown] = IGNORE
    return torch.stack([ids, contour])


def _is_mixed(values: Tensor) -> Tensor:
    """Where a pixel's window of `CONTOUR_PX` to each side holds several values."""
    rows = _spread_along(values[:, 1:] != values[:, :-1], 1, CONTOUR_PX, CONTOUR_PX - 1)
    columns = _spread_along(values[1:] != values[:-1], 0, CONTOUR_PX, CONTOUR_PX - 1)
    return _spread_along(rows, 0, CONTOUR_PX, CONTOUR_PX) | columns


def _spread(flags: Tensor, before: int, after: int) -> Tensor:
    return _spread_along(_spread_along(flags, 0, before, after), 1, before, after)


def _spread_along(flags: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Whether one of the flags from `before` below to `after` above a place is set.

    With flags of the gaps between n values, as many as `before` and one less after, it is of the n values.
    """
    number, sides = flags.shape[axis] + before - after, [0, 0, 0, 0]
    sides[2 - 2 * axis : 4 - 2 * axis] = [before, before]
    padded = pad(flags, sides)
    windows = [padded.narrow(axis, first, number) for first in range(before + after + 1)]
    return torch.stack(windows).any(0)
