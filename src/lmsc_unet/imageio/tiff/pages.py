"""Selects the image among the pages and channels of a TIFF: no overviews, labels, previews or transparency.

GDAL also calls the infrared band of an 8-bit GeoTIFF alpha.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError
from lmsc_unet.imageio.info import AnyArray, decoding
from lmsc_unet.imageio.rows import block_rows

_ALPHA = (1, 2)  # ExtraSamples: associated and unassociated


def alpha_channels(page: Any, num_channels: int) -> list[int]:
    """The alpha channels according to the file; none if all channels would be alpha, or lie in several pages."""
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

    True if alpha is constant, or has two values with zero exactly where the image is blank, as around a rotated
    orthophoto. Any other alpha is a band of its own.
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
    """Whether all added pixels "N C" are equal."""

    def __init__(self) -> None:
        self.holds = True
        self._first: NDArray[Any] | None = None

    def add(self, pixels: AnyArray) -> None:
        """Compares more pixels."""
        if self.holds and len(pixels):
            self._first = pixels[0] if self._first is None else self._first
            self.holds = bool((pixels == self._first).all())


_AXES = ("YX", "YXS", "SYX", "CYX", "YXC")
_NAMELESS = "QI"  # tifffile's letters for unnamed axes
_MAX_CHANNELS_LAST = 16
_TRANSPARENCY = 4  # PhotometricInterpretation
_ONE_IMAGE = (
    "One image per file is needed: save each page by itself, or channels as one page "
    "(tifffile.imwrite(path, hwc, photometric='minisblack', planarconfig='contig')) or with the axes CYX."
)


@dataclass(frozen=True, kw_only=True)
class ImagePages:
    """The pages of a file's only image."""

    series: Any
    """tifffile's series."""
    pages: list[Any]
    """The single pages."""
    axes: str
    """One of YX, YXS, SYX, CYX, YXC, without axes of length 1."""
    shape: tuple[int, ...]
    """The lengths of the axes."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width."""
        return self.shape[self.axes.index("Y")], self.shape[self.axes.index("X")]

    @property
    def num_channels(self) -> int:
        """Channels and samples, alpha included."""
        others = [length for axis, length in zip(self.axes, self.shape, strict=True) if axis not in "YX"]
        return others[0] if others else 1

    @property
    def is_one_page(self) -> bool:
        """Whether the first page contains everything; otherwise it may represent several pages."""
        page = self.series.keyframe
        stored = (page.imagelength, page.imagewidth, page.samplesperpixel)
        return len(self.pages) == 1 and stored == (*self.size_px, self.num_channels)


def find_image(file: Any) -> ImagePages:
    """Finds the only image of a tifffile file.

    Raises:
        DataError: there is none, or more than one. The caller adds the file's name.
    """
    with decoding():
        len(file.pages)  # counts them and detects circular pages, on which series would never end
        images = _images(list(file.series))
        pages = list(images[0].pages) if images else []
    if not pages or not images[0].axes:
        raise DataError("it is truncated or damaged: no page can be read. Copy or export it again.")
    if len(images) > 1:
        raise DataError(f"it holds {len(file.pages)} pages of {len(images)} images. {_ONE_IMAGE}")
    axes, shape = _known_axes(images[0])
    if axes not in _AXES:
        lengths = " x ".join(str(length) for length in shape)
        unnamed = "; the file does not say what the first is" if axes[0] in _NAMELESS else ""
        raise DataError(f"it holds {len(pages)} pages ({lengths}, axes {axes}{unnamed}). {_ONE_IMAGE}")
    if any(page is None for page in pages):
        raise DataError(f"pages are missing: its metadata name {len(pages)}. Copy or export it again.")
    return ImagePages(series=images[0], pages=pages, axes=axes, shape=shape)


def _images(series: list[Any]) -> list[Any]:
    """The series without overviews and transparency masks; for slides, the one that tifffile knows as the slide."""
    slide = [one for one in series if one.name == "Baseline"]
    shown = [one for one in series if not _is_beside(one.keyframe)]
    on_top = [one for one in shown if not one.keyframe.is_subifd]
    return slide[:1] or on_top or shown or series


def _is_beside(page: Any) -> bool:
    return bool(page.is_reduced or page.is_mask or int(page.photometric) == _TRANSPARENCY)


def _known_axes(series: Any) -> tuple[str, tuple[int, ...]]:
    """Axes and lengths without those of length 1; a short, unnamed last axis means channels."""
    lengths = zip(series.axes, (int(length) for length in series.shape), strict=True)
    kept = [(axis, length) for axis, length in lengths if length != 1 or axis in "YX"]
    axes, shape = "".join(axis for axis, _ in kept), tuple(length for _, length in kept)
    is_nameless = len(axes) == 3 and axes[0] in _NAMELESS and axes[1:] == "YX"
    if is_nameless and 2 <= shape[2] <= _MAX_CHANNELS_LAST < min(shape[:2]):
        return "YXC", shape
    return axes, shape
