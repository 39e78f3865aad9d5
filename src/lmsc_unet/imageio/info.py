"""Image headers, size limits, and translation of decoder errors.

Decoders raise and log anything on damaged bytes; `decoding` separates them from our code.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError

_here = threading.local()


class NoDecoderError(DataError):
    """The file may be intact, but no installed decoder supports it."""


@contextmanager
def decoding() -> Iterator[None]:
    """Wraps calls of a decoder only: any error about a file's bytes becomes a `DataError`.

    Errors of the system, of memory, and our own pass through. tifffile's log lines, which name no file, are hidden.

    Raises:
        NoDecoderError: another decoder is needed.
        DataError: the file is damaged. The caller adds its name.
    """
    before, _here.is_silent = getattr(_here, "is_silent", False), True
    try:
        yield
    except (DataError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if isinstance(error, ImportError | NotImplementedError) or "imagecodecs" in str(error):
            raise NoDecoderError("it needs another decoder. Run `pip install imagecodecs`.") from error
        raise DataError("truncated or damaged. Copy or export it again.") from error
    finally:
        _here.is_silent = before


logging.getLogger("tifffile").addFilter(lambda _: not getattr(_here, "is_silent", False))


IMAGE_SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".svs", ".bmp", ".gif", ".webp", ".jp2", ".j2k", ".npy")
)
"""Suffixes of image files, in lower case."""

IMAGE_KINDS = "PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000 or .npy"
"""The readable file types, for messages."""

MAX_PIXELS = 2**28
"""Limit of an image's pixels, checked before decoding: 16384 x 16384, at least 256 MiB per channel."""

MAX_BYTES_PER_PIXEL = 16
"""Limit of an image's decoded size: at most this many bytes times the pixel limit."""

AnyArray = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """The shape and type of `read_image`'s result, from the header alone."""

    height_px: int
    """Rows, after applying the EXIF orientation."""
    width_px: int
    """Columns, after applying the EXIF orientation."""
    channels: int
    """Channels without alpha; a palette counts as three. See `keeps_alpha`."""
    dtype: str
    """NumPy's name of the type: uint8, uint16 or float32."""
    are_separate: bool = False
    """Whether several channels are independent images rather than colours: a TIFF that is not marked RGB."""
    orientation: int = 1
    """The EXIF or TIFF orientation, 1 to 8; 1 is upright."""
    keeps_alpha: bool = False
    """Whether a TIFF's alpha channel counts because it is more than transparency, such as infrared."""
    nodata: float | None = None
    """The nodata value of a GeoTIFF in the type of `read_image`; NaN if it is NaN, None if there is none or no pixel
    can have it."""


def check_limits(info: ImageInfo, max_pixels: int) -> None:
    """Rejects an image whose header announces more than the limits.

    Raises:
        DataError: too many pixels, or too many bytes. The caller adds the file's name.
    """
    num_pixels = info.height_px * info.width_px
    num_bytes = num_pixels * info.channels * np.dtype(info.dtype).itemsize
    if num_pixels > max_pixels or num_bytes > MAX_BYTES_PER_PIXEL * max_pixels:
        raise DataError(
            f"the header announces {info.width_px} x {info.height_px} px with {info.channels} channels of "
            f"{info.dtype}, more than the limit of {max_pixels} px at {MAX_BYTES_PER_PIXEL} bytes "
            "(a decompression bomb?). Cut it into smaller pictures, or raise max_pixels."
        )


def turned_size(height_px: int, width_px: int, orientation: int) -> tuple[int, int]:
    """Height and width after applying the orientation; 5 to 8 swap them."""
    return (width_px, height_px) if orientation >= 5 else (height_px, width_px)


def turn(array: AnyArray, orientation: int) -> AnyArray:
    """Applies an EXIF orientation to an array of `H W` or `H W C` (Exif 2.3, tag 274)."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array


def plain_values(array: AnyArray) -> AnyArray:
    """Converts values to the three types used in the package: uint8, uint16 and float32.

    Booleans become 0 and 255; every other integer or float becomes float32.

    Raises:
        DataError: another kind of values, such as complex. The caller adds the file's name.
    """
    array = np.ascontiguousarray(array)
    name = plain_dtype(array.dtype)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    with np.errstate(over="ignore"):  # the least float64, a common nodata value, becomes -inf
        return array.astype(name, copy=False)


def plain_dtype(dtype: np.dtype[Any]) -> str:
    """The name of the type that `plain_values` converts to."""
    if dtype.kind not in "buif":
        raise DataError(f"the values are of type {dtype}; integers or floats are needed.")
    if dtype == np.bool_:
        return "uint8"
    return dtype.newbyteorder("=").name if dtype.newbyteorder("=").name in ("uint8", "uint16") else "float32"
