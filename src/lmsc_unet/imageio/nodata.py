"""Missing pixels: NaN, the nodata value of a GeoTIFF, and a border of exact zeros.

Zeros count if they lie outside of the scene, as around a rotated orthophoto, but not if they are merely dark pixels.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.imageio.info import AnyArray
from lmsc_unet.imageio.rows import RowSource, as_source

LARGEST_SHARE = 0.5
"""With a larger share of zeros, they are the background on which objects were cut out."""
LEAST_OUTSIDE = 0.95
"""The least share of zeros connected to the left or right side along their row; others lie between objects."""
LEAST_GAP = 1 / 64
"""The least distance of other values from zero, relative to their spread."""
LEAST_LEVELS = 8
"""The least distance from zero for integers: values next to zero are dark noise."""
_SAMPLES_A_SIDE = 512


class ZeroSurvey:
    """Collects statistics of an image's zeros from its blocks of rows."""

    def __init__(self, height_px: int, width_px: int) -> None:
        self._step = max(1, round((height_px * width_px) ** 0.5 / _SAMPLES_A_SIDE))
        self._next_row = self._num_zeros = self._num_outside = self._num_known = 0
        self._least: AnyArray = np.array(np.inf)
        self._least_gap = 0
        self._sampled: list[AnyArray] = []

    @property
    def is_hopeless(self) -> bool:
        """Whether no further row can make the zeros a border."""
        return bool((self._least < self._least_gap).all())

    def add(self, block: AnyArray, is_missing: NDArray[np.bool_]) -> None:
        """Adds the next rows "h W C" and their pixels "h W" that are missing anyway."""
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
    """Empty pixels connected to the left or the right side along their row."""
    from_left = np.logical_and.accumulate(is_empty, axis=1)
    from_right = np.logical_and.accumulate(is_empty[:, ::-1], axis=1)[:, ::-1]
    return from_left | from_right


FULL_SCALES = {"uint8": 255, "uint16": 65535}
"""The value that is 1 in a float image."""


@dataclass(frozen=True, kw_only=True)
class MissingRule:
    """Identifies missing pixels by their values."""

    nodata: float | None = None
    """The nodata value."""
    are_zeros: bool = False
    """Whether zero in all channels also means missing."""

    def find(self, block: AnyArray) -> NDArray[np.bool_]:
        """Which pixels of a block "h W C" are missing, "h W"."""
        is_missing = known_missing(block, self.nodata)
        return is_missing | is_zero(block) if self.are_zeros else is_missing

    def mark(self, block: AnyArray) -> AnyArray:
        """A block as float32 with NaN in its missing pixels; 8 and 16 bits are scaled so that full scale is 1."""
        marked = block.astype(np.float32)
        marked /= np.float32(FULL_SCALES.get(block.dtype.name, 1))
        marked[self.find(block)] = np.nan
        return marked


def known_missing(block: AnyArray, nodata: float | None) -> NDArray[np.bool_]:
    """Pixels "h W" with NaN in a channel, or with the nodata value.

    One channel is enough if the value cannot be a measurement, such as -9999 in floats. Zero and all values of 8 and 16
    bits can be: 0 and 255 occur in the red of a colour. Then all channels must have it.
    """
    is_missing = missing_pixels(block)
    if nodata is None or np.isnan(nodata):
        return is_missing
    is_enough = np.any if block.dtype.kind == "f" and nodata != 0 else np.all
    return np.asarray(is_missing | is_enough(block == nodata, axis=2))


class Watch:
    """Observes the blocks of an image and afterwards gives the rule for its missing pixels."""

    def __init__(self, source: RowSource) -> None:
        self._source = source
        self._seen_px = 0
        self._has_known = False
        self._has_zero_frame = False

    def watched(self) -> RowSource:
        """The same image; everything read from it is observed."""
        return replace(self._source, blocks=self._blocks)

    def conclude(self) -> MissingRule | None:
        """The rule, or None if no pixel is missing; reads the image if nobody did, or if zeros touch its frame."""
        if self._seen_px < self._source.height_px:
            for _ in self._blocks():
                pass
        survey = ZeroSurvey(self._source.height_px, self._source.width_px)
        if self._has_zero_frame:
            for block in self._source.blocks():
                survey.add(block, known_missing(block, self._source.nodata))
                if survey.is_hopeless:
                    break
        are_zeros = survey.are_border()
        return MissingRule(nodata=self._source.nodata, are_zeros=are_zeros) if self._has_known or are_zeros else None

    def _blocks(self) -> Iterator[AnyArray]:
        self._seen_px = 0
        for block in self._source.blocks():
            self._look(block)
            yield block

    def _look(self, block: AnyArray) -> None:
        is_first, self._seen_px = self._seen_px == 0, self._seen_px + len(block)
        if block.dtype.kind == "f" or self._source.nodata is not None:
            self._has_known |= bool(known_missing(block, self._source.nodata).any())
        rows = [0] * is_first + [-1] * (self._seen_px == self._source.height_px)
        for part in (block[rows], block[:, [0, -1]]):
            self._has_zero_frame |= bool(is_zero(part).any())


def mark_rows(source: RowSource, rule: MissingRule) -> RowSource:
    """The image with NaN in its missing pixels."""

    def blocks() -> Iterator[AnyArray]:
        return (rule.mark(block) for block in source.blocks())

    return replace(source, dtype=np.dtype(np.float32), nodata=None, has_missing=True, blocks=blocks)


def mark_missing(image: AnyArray, nodata: float | None = None) -> AnyArray:
    """An image "H W C" with NaN in its missing pixels; unchanged if there are none.

    The result is float32, with 8- and 16-bit values as shares of full scale, which all kinds of scaling treat alike.
    """
    rule = Watch(replace(as_source(image), nodata=nodata)).conclude()
    return image if rule is None else rule.mark(image)


def missing_pixels(image: AnyArray) -> NDArray[np.bool_]:
    """The missing pixels "H W" of a marked image."""
    if image.dtype.kind != "f":
        return np.zeros(image.shape[:2], np.bool_)
    return np.asarray(np.isnan(image).any(axis=2))
