"""TIFF of any depth and channel count by tifffile; compressions that it lacks by Pillow."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from lmsc_unet.errors import DataError
from lmsc_unet.imageio.info import (
    MAX_PIXELS,
    AnyArray,
    ImageInfo,
    NoDecoderError,
    check_limits,
    decoding,
    plain_dtype,
    plain_values,
    turned_size,
)
from lmsc_unet.imageio.pixel_size import PixelSize, page_pixel_size
from lmsc_unet.imageio.tiff.blocks import can_stream, raw_blocks
from lmsc_unet.imageio.tiff.codecs import (
    WHITE_IS_ZERO,
    decode_cmyk,
    decode_elsewhere,
    grey_step,
    is_better_elsewhere,
    name_of,
    teach_tifffile,
    teach_tifffile_jpeg,
)
from lmsc_unet.imageio.tiff.damage import check_header, check_pages, check_presence
from lmsc_unet.imageio.tiff.geotiff import GeoTag, page_geo_tags, stored_nodata
from lmsc_unet.imageio.tiff.pages import alpha_channels, find_image, hides_nothing, row_blocks

_GREY, _RGB, _PALETTE, _CMYK, _YCBCR = 1, 2, 3, 5, 6
_JPEG = (6, 7)
_ORIENTATION_TAG = 274
teach_tifffile()
teach_tifffile_jpeg()


@contextmanager
def opened(path: Path) -> Iterator["Tiff"]:
    """Opens and closes a file. Other files of the same image, as in an OME set, are not read."""
    with decoding():
        file = tifffile.TiffFile(path, _multifile=False, is_mmstack=False, is_ndtiff=False)
    with file:
        yield Tiff(file, path)


class Tiff:
    """A TIFF file with one image."""

    def __init__(self, file: Any, path: Path) -> None:
        self._path = path
        self._image = find_image(file)
        self._series, self._page = self._image.series, self._image.series.keyframe
        check_header(self._page)
        self._page.nodata = self._fill_value()
        self._alpha = alpha_channels(self._page, self._shape[2])
        self._is_coloured = int(self._page.photometric) in (_PALETTE, _CMYK)
        self._keeps_alpha = None if self._alpha and not self._is_coloured else False
        if int(self._page.photometric) not in (WHITE_IS_ZERO, _GREY, _RGB, _PALETTE, _CMYK, _YCBCR):
            raise DataError(f"its colours are of the kind {name_of(self._page.photometric)}. Save it as grey or RGB.")
        if self._page.dtype is None:
            raise DataError(f"it has {self._page.bitspersample} bits per sample. Save it with 8, 16 or 32 bits.")

    @property
    def header(self) -> ImageInfo:
        """The header's information, with alpha counted as a channel."""
        height_px, width_px = turned_size(*self._shape[:2], self.orientation)
        return ImageInfo(
            height_px=height_px,
            width_px=width_px,
            channels=3 if self._is_coloured else self._shape[2],
            dtype="uint8" if self._is_coloured else plain_dtype(np.dtype(self._series.dtype)),
            are_separate=self._shape[2] > 1 and int(self._page.photometric) in (WHITE_IS_ZERO, _GREY),
            orientation=self.orientation,
            nodata=None if self._is_coloured else self._nodata(),
        )

    @property
    def info(self) -> ImageInfo:
        """The shape of `pixels`; reads the pixels if the header says alpha."""
        if self._keeps_alpha is None:
            self._keeps_alpha = not self._is_transparency()
        num_dropped = 0 if self._keeps_alpha or self._is_coloured else len(self._alpha)
        header = self.header
        channels = header.channels - num_dropped
        are_separate = header.are_separate and channels > 1
        return replace(header, channels=channels, are_separate=are_separate, keeps_alpha=self._keeps_alpha)

    def geo_tags(self) -> list[GeoTag]:
        """The location tags and the nodata value; empty if the image has an orientation."""
        return page_geo_tags(self._page) if self.orientation == 1 else []

    def pixel_size(self) -> PixelSize | None:
        """The size of pixels as `pixels` is turned; None if the file does not say one."""
        found = page_pixel_size(self._page)
        is_turned = found is not None and self.orientation >= 5
        return replace(found, x_um=found.y_um, y_um=found.x_um) if found and is_turned else found

    def check(self, max_pixels: int = MAX_PIXELS) -> None:
        """Raises DataError if the file is truncated or too large to decode."""
        check_limits(self.header, max_pixels)
        check_pages(self._image.pages, max_pixels)

    def pixels(self) -> AnyArray:
        """Decodes to `H W C`, RGB order, without alpha, palette resolved; not yet turned."""
        if int(self._page.photometric) == _CMYK:
            return decode_cmyk(self._path, self._page, self.orientation)
        raw = self._decoded()
        if self._keeps_alpha is None:
            self._keeps_alpha = not hides_nothing(row_blocks(raw), self._alpha)
        return self._as_colours(self._as_light(self._without_alpha(raw)))

    def stored_values(self) -> tuple[AnyArray, int]:
        """Decodes to the stored values `H W C`; also returns how many of the last channels are alpha."""
        others = [channel for channel in range(self._shape[2]) if channel not in self._alpha]
        raw = self._decoded()
        return raw[..., [*others, *self._alpha]] if self._alpha else raw, len(self._alpha)

    @property
    def bits(self) -> int:
        """Bits per value in the file."""
        return int(self._page.bitspersample)

    @property
    def palette(self) -> AnyArray | None:
        """The colours `N 3` of palette indices; None without a palette."""
        return self._colours() if int(self._page.photometric) == _PALETTE else None

    @property
    def is_lossy(self) -> bool:
        """Whether the pixels are JPEG-compressed."""
        return int(self._page.compression) in _JPEG

    @property
    def stored_nodata(self) -> np.generic | None:
        """The value of GDAL's nodata tag in the stored type; None without it."""
        return stored_nodata(self._page)

    @property
    def can_stream(self) -> bool:
        """Whether `pixel_blocks` can read it: upright, one page, one plane, a compression with bounded output."""
        is_upright = self.orientation == 1 and self._image.is_one_page
        is_plain = int(self._page.photometric) in (WHITE_IS_ZERO, _GREY, _RGB, _PALETTE)
        return is_upright and is_plain and can_stream(self._page, self._shape[2])

    def pixel_blocks(self, *, keeps_alpha: bool) -> Iterator[AnyArray]:
        """Decodes the result of `pixels` in blocks of rows from top to bottom; see `info` for `keeps_alpha`.

        Raises:
            DataError: pixels are missing in the file.
        """
        check_presence(self._page)
        self._keeps_alpha = keeps_alpha
        for raw in raw_blocks(self._page):
            yield self._as_colours(self._as_light(self._without_alpha(raw)))

    def _fill_value(self) -> Any:
        """The value of strips and tiles missing in the file."""
        stored = stored_nodata(self._page)
        return 0 if stored is None else stored

    def _nodata(self) -> float | None:
        """The nodata value in the type of `pixels`."""
        stored = stored_nodata(self._page)
        if stored is None:
            return None
        raw = np.full((1, 1, 1), stored)
        return float(plain_values(self._as_colours(self._as_light(raw)))[0, 0, 0])

    def _as_colours(self, array: AnyArray) -> AnyArray:
        if int(self._page.photometric) == _PALETTE:
            return self._colours()[array[..., 0]]
        step = grey_step(self._page)
        return array * array.dtype.type(step) if array.dtype == np.uint8 and step > 1 else array

    def _as_light(self, array: AnyArray) -> AnyArray:
        if int(self._page.photometric) == WHITE_IS_ZERO and array.dtype.kind in "bu":
            array = ~array if array.dtype == np.bool_ else self._white_value(array.dtype) - array
        return array

    def _without_alpha(self, array: AnyArray) -> AnyArray:
        return np.delete(array, self._alpha, axis=2) if self._alpha and not self._keeps_alpha else array

    def _decoded(self) -> AnyArray:
        if self._image.is_one_page and not any(self._page.dataoffsets):  # tifffile would read the start of the file
            return np.full(self._shape, self._page.nodata, np.dtype(self._page.dtype).newbyteorder("="))
        if self._image.is_one_page and is_better_elsewhere(self._page, self._shape[2]):
            return decode_elsewhere(self._path, self._page, self._shape[2], self.orientation)
        try:
            with decoding():
                array: AnyArray = self._series.asarray(maxworkers=1).reshape(self._image.shape)
        except NoDecoderError:
            return decode_elsewhere(self._path, self._page, self._shape[2], self.orientation)
        return np.moveaxis(array, 0, -1) if self._image.axes in ("SYX", "CYX") else array.reshape(self._shape)

    def _white_value(self, dtype: np.dtype[Any]) -> AnyArray:
        return np.array(2 ** min(int(self._page.bitspersample), 8 * dtype.itemsize) - 1, dtype)

    def _colours(self) -> AnyArray:
        """The palette "N 3". It should have 16 bits; some programs write 8, recognizable by the largest value."""
        colours = np.asarray(self._page.colormap).T
        return (colours >> 8 if colours.max(initial=0) > 255 else colours).astype(np.uint8)

    @property
    def _shape(self) -> tuple[int, int, int]:
        return *self._image.size_px, self._image.num_channels

    def _is_transparency(self) -> bool:
        """Checks the pixels, unless there are too many to read."""
        if self.can_stream:
            check_presence(self._page)
            return hides_nothing(raw_blocks(self._page), self._alpha)
        if self._shape[0] * self._shape[1] > MAX_PIXELS:
            return True
        self.check()
        return hides_nothing(row_blocks(self._decoded()), self._alpha)

    @property
    def orientation(self) -> int:
        """The orientation of the stored pixels, 1 to 8."""
        tag = self._page.tags.get(_ORIENTATION_TAG)
        value = tag.value if tag is not None else 1
        return int(value) if isinstance(value, int) and 1 <= value <= 8 else 1
