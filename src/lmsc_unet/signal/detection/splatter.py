"""What a receiver makes of a strong signal elsewhere in the band: by-products, far under it and at the same time."""

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signal.windows import over_windows

DYNAMIC_DB = 30.0
"""Cells so far under the strongest of their time are its splatter and its image, as receivers make them."""
NEAR_ROWS = 4
"""How many rows away is the same time."""


def splatter_level(
    smooth: NDArray[np.float32], dynamic_db: float = DYNAMIC_DB, near_rows: int = NEAR_ROWS
) -> NDArray[np.float32]:
    """The power "T 1" under which a cell of smoothed power "T F" is a by-product of the strongest of its time."""
    strongest = smooth.max(axis=1, keepdims=True)
    nearby = over_windows(np.maximum, strongest, 2 * near_rows + 1, 1)
    return np.asarray(nearby * np.float32(10 ** (-dynamic_db / 10)))
