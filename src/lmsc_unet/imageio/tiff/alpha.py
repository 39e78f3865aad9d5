"""Which channels of a TIFF are transparency: GDAL calls the infrared band of an 8-bit GeoTIFF alpha, too."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.imageio.info import AnyArray
from lmsc_unet.imageio.rows import block_rows

_ALPHA = (1, 2)  # ExtraSamples: associated and unassociated


def alpha_channels(page: Any, num_channels: int) -> list[int]:
    """The channels that the file calls alpha; none where they would be all, or lie in several pages."""
    kinds = page.extrasamples
    first = num_channels - len(kinds)
    if first < 1 or page.samplesperpixel != num_channels:
        return []
    return [first + index for index, kind in enumerate(kinds) if int(kind) in _ALPHA]


def row_blocks(image: AnyArray) -> Iterator[AnyArray]:
    """An image "H W C" in blocks of rows."""
    step = block_rows(image[0].nbytes)
    return (image[at : at + step] for at in range(0, len(image), step))


def hides_nothing(blocks: Iterable[AnyArray], alpha: list[int]) -> bool:
    """Whether blocks "h W C" of an image lose nothing without their alpha.

    That is where it is constant; or where it is zero and one other value, and zero just where the image is blank, as
    around an orthophoto that was turned. All else is a band of its own.
    """
    alphas, visible, hidden, colours = (_Equality() for _ in range(4))
    for block in blocks:
        pixels = block.reshape(-1, block.shape[2])
        alpha_values, colour_values = pixels[:, alpha], np.delete(pixels, alpha, axis=1)
        is_clear = (alpha_values == 0).all(axis=1)
        alphas.add(alpha_values)
        colours.add(colour_values)
        visible.add(alpha_values[~is_clear])
        hidden.add(colour_values[is_clear])
        if not alphas.holds and not (visible.holds and hidden.holds):
            return False
    return alphas.holds or not colours.holds


class _Equality:
    """Whether all pixels "N C" that were added are equal."""

    def __init__(self) -> None:
        self.holds = True
        self._first: NDArray[Any] | None = None

    def add(self, pixels: AnyArray) -> None:
        """Looks at more pixels."""
        if self.holds and len(pixels):
            self._first = pixels[0] if self._first is None else self._first
            self.holds = bool((pixels == self._first).all())
