"""Whether zeros at a picture's border are outside of it, as beside a turned orthophoto, or are dark like any others."""

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.imageio.info import AnyArray

LARGEST_SHARE = 0.5
"""Zeros over more of a picture are its ground, on which objects were cut out."""
LEAST_OUTSIDE = 0.95
"""So many of the zeros are reached from the left or right side along their row; between objects there are others."""
LEAST_GAP = 1 / 64
"""How far the other values are from zero at least, by what they spread over."""
LEAST_LEVELS = 8
"""How far they are from zero at least where values are whole numbers: next to zero lies the noise of the dark."""
_SAMPLES_A_SIDE = 512


class ZeroSurvey:
    """Takes in a picture's blocks of rows and weighs what it finds."""

    def __init__(self, height_px: int, width_px: int) -> None:
        self._step = max(1, round((height_px * width_px) ** 0.5 / _SAMPLES_A_SIDE))
        self._next_row = self._num_zeros = self._num_outside = self._num_known = 0
        self._least: AnyArray = np.array(np.inf)
        self._least_gap = 0
        self._sampled: list[AnyArray] = []

    @property
    def is_hopeless(self) -> bool:
        """Whether no row that follows can make the zeros a border."""
        return bool((self._least < self._least_gap).all())

    def add(self, block: AnyArray, is_missing: NDArray[np.bool_]) -> None:
        """Takes the next rows "h W C" in, and which pixels "h W" are missing anyway."""
        zeros = is_zero(block) & ~is_missing
        is_other = ~zeros & ~is_missing
        self._num_zeros += int(zeros.sum())
        self._num_known += int((~is_missing).sum())
        self._num_outside += int((zeros & _reached(~is_other)).sum())
        self._least_gap = 0 if block.dtype.kind == "f" else LEAST_LEVELS
        if is_other.any():
            self._least = np.minimum(self._least, np.abs(block[is_other]).min(axis=0))
        grid = np.s_[-self._next_row % self._step :: self._step, :: self._step]
        self._sampled.append(np.abs(block[grid][is_other[grid]]))
        self._next_row += len(block)

    def are_border(self) -> bool:
        """Whether the zeros lie outside: not too many, along the sides, and far from all other values of a channel."""
        is_aside = self._num_outside >= LEAST_OUTSIDE * self._num_zeros
        if not 0 < self._num_zeros <= LARGEST_SHARE * self._num_known or not is_aside or self.is_hopeless:
            return False
        sampled = np.concatenate(self._sampled)
        if not len(sampled):
            return False
        least = self._least
        middle, most = np.percentile(sampled, (50, 99), axis=0)
        is_wide = (least > middle - least) & (least >= LEAST_GAP * (most - least)) & (most > least)
        is_wide &= least >= self._least_gap
        return bool(is_wide.any())


def is_zero(block: AnyArray) -> NDArray[np.bool_]:
    """Which pixels of "h W C" are zero in all channels, "h W"."""
    return np.logical_not(block.any(axis=2))


def _reached(is_empty: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels that empty ones alone part from the left or the right side."""
    from_left = np.logical_and.accumulate(is_empty, axis=1)
    from_right = np.logical_and.accumulate(is_empty[:, ::-1], axis=1)[:, ::-1]
    return from_left | from_right
