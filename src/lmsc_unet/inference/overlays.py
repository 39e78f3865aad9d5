"""Draws a mask over its image."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.imageio import RowSource, as_source
from lmsc_unet.inference.intensity_stats import gather_intensity
from lmsc_unet.inference.preprocess import IntensityWindow, percentile_limits
from lmsc_unet.metrics.counts import IGNORE

COLOURS = (
    (240, 228, 66),  # yellow
    (86, 180, 233),  # sky blue
    (213, 94, 0),  # vermilion
    (0, 158, 115),  # bluish green
    (204, 121, 167),  # reddish purple
    (230, 159, 0),  # orange
    (0, 114, 178),  # blue
)
"""RGB of the classes 1, 2, ..., repeated for more (Okabe and Ito: distinguishable for colour-blind readers)."""
FILL_SHARE = 0.3
"""The share of the class colour in a pixel; borders are drawn in full colour."""


def colour_of(class_id: int) -> tuple[int, int, int]:
    """RGB of a class in overlays and mask palettes; class 0 is black."""
    return COLOURS[(class_id - 1) % len(COLOURS)] if class_id else (0, 0, 0)


def colour_table() -> NDArray[np.uint8]:
    """RGB of each class id, "256 3"; unused ids are grey."""
    table = np.array([colour_of(class_id) for class_id in range(256)], np.uint8)
    table[IGNORE] = 128
    return table


def draw_overlay(
    image: NDArray[Any],
    mask: NDArray[np.uint8],
    limits: IntensityWindow | None = None,
    objects: NDArray[np.integer[Any]] | None = None,
) -> NDArray[np.uint8]:
    """Tints each class except 0 and draws its border; RGB "H W 3" for an image "H W C" and a mask "H W".

    For a part of an image, pass the whole image's `display_limits`. With a label image "H W" of objects, their borders
    are drawn instead of those of the classes.
    """
    drawn = to_display(image, limits)
    table = np.array([colour_of(class_id) for class_id in range(256)], dtype=np.uint8)
    is_class, is_border = mask > 0, borders(mask if objects is None else objects)
    tint = table[mask[is_class]] * np.float32(FILL_SHARE) + drawn[is_class] * np.float32(1 - FILL_SHARE)
    drawn[is_class] = np.rint(tint, out=tint).astype(np.uint8)
    drawn[is_border] = table[mask[is_border]]
    return drawn


def borders(mask: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Pixels above 0 with a direct neighbour of another value, "H W"."""
    differs = np.zeros(mask.shape, np.bool_)
    for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        is_edge = mask[one] != mask[other]
        differs[one] |= is_edge
        differs[other] |= is_edge
    return differs & (mask > 0)


def to_display(image: NDArray[Any], limits: IntensityWindow | None = None) -> NDArray[np.uint8]:
    """An image "H W C" of any depth as 8-bit RGB; missing pixels are black.

    An 8-bit colour picture stays as it is; others are stretched between their 1st and 99th percentile.

    More than three channels show the first three as red, green and blue; fewer than three show the first as grey.
    """
    limits = limits or display_limits(as_source(image))
    channels = _shown(image)
    if channels.shape[2] == 1:
        channels = np.repeat(channels, 3, axis=2)
    low, high = limits.low[0], limits.high[0]
    gain = 255 / ((high - low) or 1.0)
    stretched: NDArray[np.float32] = (channels.astype(np.float32) - low) * gain
    if limits.medians:
        np.nan_to_num(stretched, copy=False)
    return np.clip(stretched, 0, 255).astype(np.uint8)


def display_limits(source: RowSource) -> IntensityWindow:
    """The values of an image that are displayed as black and white: of an 8-bit colour picture, those it has itself."""
    if source.dtype == np.uint8 and source.channels == 3 and not source.has_missing:
        return IntensityWindow(low=(0.0,), high=(255.0,))
    blocks = (_shown(block) for block in source.blocks())
    return percentile_limits(lambda: gather_intensity(blocks, source.height_px, source.width_px), source.dtype)


def _shown(image: NDArray[Any]) -> NDArray[Any]:
    return image[:, :, :3] if image.shape[2] >= 3 else image[:, :, :1]
