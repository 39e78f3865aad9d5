"""What a receiver makes of a strong signal elsewhere in the band: by-products, far under it and at the same time."""

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.morphology import over_windows, window_means
from lmsc_unet.signals.noise import power_over_floor

DYNAMIC_DB = 27.0
"""Cells so far under the strongest of their time are its splatter and its image, as receivers make them."""
NEAR_ROWS = 4
"""How many rows away is the same time."""
_SMOOTH = 5  # rows and columns averaged


def without_splatter(mask: NDArray[np.uint8], rows_db: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A mask "T F" without the cells that are by-products of what is far stronger at the same time.

    Pictures end at 40 dB, so a network cannot see how far above its surroundings a strong signal is.
    """
    if not mask.any() or rows_db.max(initial=0) < DYNAMIC_DB:
        return mask
    smooth = window_means(power_over_floor(rows_db), _SMOOTH, _SMOOTH)
    strongest = over_windows(np.maximum, smooth.max(axis=1, keepdims=True), 2 * NEAR_ROWS + 1, 1)
    level = strongest * np.float32(10 ** (-DYNAMIC_DB / 10))
    return np.where((smooth > level) | (level < 1), mask, 0).astype(np.uint8)  # under the noise there is no telling
