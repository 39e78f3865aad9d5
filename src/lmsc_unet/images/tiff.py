"""TIFF of any depth and channel count by tifffile; what it cannot decompress alone, by Pillow or OpenCV."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from PIL import TiffImagePlugin

from lmsc_unet.errors import DataError
from lmsc_unet.images.info import AnyArray, ImageInfo, check_limits, plain_dtype, turned_size

_WHITE_IS_ZERO, _GREY, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_ALPHA = (1, 2)
_ORIENTATION_TAG = 274
_AXES = ("YX", "YXS", "SYX", "CYX", "YXC")
_ONE_IMAGE = (
    "One image a file is needed: save each page by itself, or channels as one page "
    "(tifffile.imwrite(path, hwc, photometric='minisblack', planarconfig='contig')) or with the axes CYX."
)


@contextmanager
def opened(path: Path) -> Iterator["Tiff"]:
    """Opens a file and closes it again."""
    with tifffile.TiffFile(path) as file:
        yield Tiff(file, path)


class Tiff:
    """One TIFF file that holds one image."""

    def __init__(self, file: Any, path: Path) -> None:
        self._path = path
        self._series = _only_series(file)
        self._page = self._series.keyframe
        if int(self._page.photometric) not in (_WHITE_IS_ZERO, _GREY, _RGB, _PALETTE, _CMYK, _YCBCR):
            raise DataError(f"its colours are of the kind {self._page.photometric.name}. Save it as grey or RGB.")
        if self._page.dtype is None:
            raise DataError(f"it has {self._page.bitspersample} bits a sample. Save it with 8, 16 or 32 bits.")

    @property
    def info(self) -> ImageInfo:
        """What the header says."""
        height_px, width_px = turned_size(*self._shape[:2], self._orientation)
        is_coloured = int(self._page.photometric) in (_PALETTE, _CMYK)
        channels = 3 if is_coloured else self._shape[2] - self._num_alpha
        dtype = "uint8" if is_coloured else plain_dtype(np.dtype(self._series.dtype))
        return ImageInfo(
            height_px=height_px, width_px=width_px, channels=channels, dtype=dtype, orientation=self._orientation
        )

    def pixels(self) -> AnyArray:
        """Decodes to `H W C`, RGB order, alpha dropped, palette resolved; not yet turned."""
        photometric = int(self._page.photometric)
        if photometric == _CMYK:
            return _by_pillow(self._path, as_rgb=True)
        if photometric == _PALETTE:
            return self._colours()[self.labels()[..., 0]]
        return self.labels()

    def labels(self) -> AnyArray:
        """Decodes to the raw values, `H W C` with alpha dropped: a palette gives its indices."""
        self._check_whole()
        array = self._decoded()
        if int(self._page.photometric) == _WHITE_IS_ZERO and array.dtype.kind in "bu":
            array = ~array
        return array[..., : array.shape[2] - self._num_alpha]

    def _decoded(self) -> AnyArray:
        try:
            array: AnyArray = self._series.asarray(maxworkers=1)
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            return _by_others(self._path, self._page, self._shape)
        return array.reshape(self._shape) if array.ndim == 2 else _channels_last(array, self._series.axes)

    def _check_whole(self) -> None:
        """Finds strips that are missing, which tifffile would fill with zeros."""
        size = self._path.stat().st_size
        for page in self._series.pages:
            ends = (offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False))
            if max(ends, default=0) > size or (self._num_values and not page.dataoffsets):
                raise DataError("it is truncated: its pixels end behind the file's end. Copy or export it again.")

    def _colours(self) -> AnyArray:
        return (np.asarray(self._page.colormap).T >> 8).astype(np.uint8)

    @property
    def _num_values(self) -> int:
        return int(np.prod(self._series.shape))

    @property
    def _shape(self) -> tuple[int, int, int]:
        lengths = {axis: int(length) for axis, length in zip(self._series.axes, self._series.shape, strict=True)}
        return lengths["Y"], lengths["X"], lengths.get("S", 1) * lengths.get("C", 1)

    @property
    def _num_alpha(self) -> int:
        return sum(int(kind) in _ALPHA for kind in self._page.extrasamples)

    @property
    def _orientation(self) -> int:
        tag = self._page.tags.get(_ORIENTATION_TAG)
        value = int(tag.value) if tag is not None else 1
        return value if 1 <= value <= 8 else 1


def _only_series(file: Any) -> Any:
    series = [one for one in file.series if not one.keyframe.is_reduced]
    if len(series) != 1:
        raise DataError(f"it holds {len(file.pages)} pages of {len(series)} images. {_ONE_IMAGE}")
    if series[0].axes not in _AXES:
        shape = " x ".join(str(length) for length in series[0].shape)
        raise DataError(f"it holds {len(series[0].pages)} pages ({shape}, axes {series[0].axes}). {_ONE_IMAGE}")
    return series[0]


def _channels_last(array: AnyArray, axes: str) -> AnyArray:
    return np.moveaxis(array, 0, -1) if axes in ("SYX", "CYX") else array


def _by_others(path: Path, page: Any, shape: tuple[int, int, int]) -> AnyArray:
    """Decodes what tifffile needs imagecodecs for, where another decoder gives exactly what the header says."""
    for decode in (_by_pillow, _by_opencv):
        try:
            array = decode(path)
        except Exception:
            continue
        if array.shape == shape and array.dtype == np.dtype(page.dtype).newbyteorder("="):
            return array
    raise DataError(
        f"its compression {page.compression.name} with {shape[2]} channels of {page.dtype} needs another decoder. "
        "Run `pip install imagecodecs`, or save it uncompressed or with deflate."
    )


def _by_pillow(path: Path, *, as_rgb: bool = False) -> AnyArray:
    with TiffImagePlugin.TiffImageFile(path) as picture:
        picture.load()
        array = np.asarray(picture.convert("RGB") if as_rgb or picture.mode == "YCbCr" else picture)
    return array if array.ndim == 3 else array[..., None]


def _by_opencv(path: Path) -> AnyArray:
    array = np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED))
    if array.ndim == 2:
        return array[..., None]
    return array[..., [2, 1, 0, *range(3, array.shape[2])]]


__all__ = ["Tiff", "check_limits", "opened"]
