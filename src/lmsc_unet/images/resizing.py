"""Another size for an image and for its mask."""

import cv2
import numpy as np
from numpy.typing import NDArray

from lmsc_unet.images.info import AnyArray

_MAX_CHANNELS = 4  # what cv2.resize takes at once


def resize(image: AnyArray, height_px: int, width_px: int) -> AnyArray:
    """Scales an image of `H W C` by linear interpolation; type and channels stay.

    Linear at every factor, as the paper does it: shrinking does not average.
    """
    if image.shape[:2] == (height_px, width_px):
        return image
    size = (width_px, height_px)
    parts = [
        cv2.resize(
            np.ascontiguousarray(image[..., start : start + _MAX_CHANNELS]), size, interpolation=cv2.INTER_LINEAR
        )
        for start in range(0, image.shape[2], _MAX_CHANNELS)
    ]
    return np.concatenate([np.asarray(part).reshape(height_px, width_px, -1) for part in parts], axis=2)


def resize_mask(mask: NDArray[np.uint8], height_px: int, width_px: int) -> NDArray[np.uint8]:
    """Scales a mask of `H W` by the nearest pixel, so that no new values appear."""
    if mask.shape == (height_px, width_px):
        return mask
    return np.asarray(cv2.resize(mask, (width_px, height_px), interpolation=cv2.INTER_NEAREST_EXACT), dtype=np.uint8)
