"""Pixels of which nothing is known: NaN, the nodata value of a GeoTIFF, and a border of exact zeros.

Zeros count where they lie outside of the scene, as beside a turned orthophoto, and not where they are dark like others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.imageio.info import AnyArray
from lmsc_unet.imageio.rows import RowSource, as_source

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


FULL_SCALES = {"uint8": 255, "uint16": 65535}
"""The value that is 1 in a picture of floats."""


@dataclass(frozen=True, kw_only=True)
class MissingRule:
    """Tells missing pixels by their values."""

    nodata: float | None = None
    """The value that means "nothing known here"."""
    are_zeros: bool = False
    """Whether zero in all channels means it, too."""

    def find(self, block: AnyArray) -> NDArray[np.bool_]:
        """Which pixels of a block "h W C" are missing, "h W"."""
        is_missing = known_missing(block, self.nodata)
        return is_missing | is_zero(block) if self.are_zeros else is_missing

    def mark(self, block: AnyArray) -> AnyArray:
        """A block with NaN in its missing pixels, as float32; of 8 and 16 bits, full scale is 1 then."""
        marked = block.astype(np.float32)
        marked /= np.float32(FULL_SCALES.get(block.dtype.name, 1))
        marked[self.find(block)] = np.nan
        return marked


def known_missing(block: AnyArray, nodata: float | None) -> NDArray[np.bool_]:
    """Pixels "h W" with NaN in a channel, or with the nodata value.

    One channel is enough where the value is no measurement, as -9999 among floats. Zero, and all values of 8 and 16
    bits, may be one: 0 and 255 occur in the red of a colour. There, all channels must have it.
    """
    is_missing = missing_pixels(block)
    if nodata is None or np.isnan(nodata):
        return is_missing
    is_enough = np.any if block.dtype.kind == "f" and nodata != 0 else np.all
    return np.asarray(is_missing | is_enough(block == nodata, axis=2))


class Watch:
    """Sees the blocks of a picture pass, and tells afterwards how its missing pixels are told."""

    def __init__(self, source: RowSource) -> None:
        self._source = source
        self._seen_px = 0
        self._has_known = False
        self._has_zero_frame = False

    def watched(self) -> RowSource:
        """The same picture; what is read of it is seen."""
        return replace(self._source, blocks=self._blocks)

    def conclude(self) -> MissingRule | None:
        """The rule, or None where no pixel is missing; reads the picture if nobody did, or zeros touch its frame."""
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
    """The picture with NaN in its missing pixels."""

    def blocks() -> Iterator[AnyArray]:
        return (rule.mark(block) for block in source.blocks())

    return replace(source, dtype=np.dtype(np.float32), nodata=None, has_missing=True, blocks=blocks)


def mark_missing(image: AnyArray, nodata: float | None = None) -> AnyArray:
    """An image "H W C" with NaN in its missing pixels; the same image where there are none.

    It becomes float32 then, and values of 8 and 16 bits shares of full scale, which all kinds of scaling treat alike.
    """
    rule = Watch(replace(as_source(image), nodata=nodata)).conclude()
    return image if rule is None else rule.mark(image)


def missing_pixels(image: AnyArray) -> NDArray[np.bool_]:
    """Which pixels of an image that is marked are missing, "H W"."""
    if image.dtype.kind != "f":
        return np.zeros(image.shape[:2], np.bool_)
    return np.asarray(np.isnan(image).any(axis=2))
