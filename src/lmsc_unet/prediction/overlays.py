"""A mask drawn over its image, to be looked at."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lmsc_unet.prediction.scaling import percentile_limits

COLOURS = (
    (240, 228, 66),  # yellow
    (86, 180, 233),  # sky blue
    (213, 94, 0),  # vermilion
    (0, 158, 115),  # bluish green
    (204, 121, 167),  # reddish purple
    (230, 159, 0),  # orange
    (0, 114, 178),  # blue
)
"""RGB of the classes 1, 2, ..., then from the start again (Okabe and Ito: told apart by colour-blind people too)."""
FILL_SHARE = 0.3
"""How much of a pixel's colour is its class's; at the border of a class it is all."""


def draw_overlay(image: NDArray[Any], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tints each class but 0 and draws its border; RGB "H W 3" of an image "H W C" of any depth and a mask "H W"."""
    drawn = to_display(image)
    table = np.array([(0, 0, 0), *(COLOURS[index % len(COLOURS)] for index in range(255))], dtype=np.uint8)
    colours = table[mask]
    tinted = cv2.addWeighted(drawn, 1 - FILL_SHARE, colours, FILL_SHARE, 0)
    np.copyto(drawn, tinted, where=(mask > 0)[:, :, np.newaxis])
    np.copyto(drawn, colours, where=borders(mask)[:, :, np.newaxis])
    return drawn


def borders(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels of a class but 0 that touch another class, "H W"."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    differs = cv2.dilate(mask, cross) != cv2.erode(mask, cross)
    return np.asarray(differs & (mask > 0), dtype=np.bool_)


def to_display(image: NDArray[Any]) -> NDArray[np.uint8]:
    """An image "H W C" of any depth as 8-bit RGB, stretched between its 1st and 99th percentile.

    Of other channels than three the first three are red, green and blue; of fewer, the first is grey.
    """
    channels = image[:, :, :3] if image.shape[2] >= 3 else np.repeat(image[:, :, :1], 3, axis=2)
    limits = percentile_limits(channels, channels.dtype)
    gain = 255 / ((limits.high - limits.low) or 1.0)
    stretched: NDArray[np.float32] = (channels.astype(np.float32) - limits.low) * gain
    return np.clip(stretched, 0, 255).astype(np.uint8)
