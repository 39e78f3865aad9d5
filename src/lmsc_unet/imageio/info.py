"""What the header of an image says, how large an image may be, and the errors of decoders in our words.

Decoders raise anything at all on damaged bytes, and log it: `decoding` is the line between them and our code.
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
    """The file may be whole, but nothing that is installed decodes it."""


@contextmanager
def decoding() -> Iterator[None]:
    """Around calls of a decoder alone: whatever it raises about a file's bytes becomes a `DataError`.

    Errors of the system and of memory pass, and so do ours. tifffile's log lines, which name no file, are left out.

    Raises:
        NoDecoderError: it takes another decoder.
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
"""The endings, in lower case, of the files that count as pictures."""

IMAGE_KINDS = "PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000 or .npy"
"""The kinds of pictures that are read, for messages."""

MAX_PIXELS = 2**28
"""Pictures of more pixels are refused before they are decoded: 16384 x 16384, at least 256 MiB a channel."""

MAX_BYTES_PER_PIXEL = 16
"""Bounds channels times depth: a picture may decode to at most this many times the pixel limit in bytes."""

AnyArray = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """The shape that `read_image` will give, known from the header alone."""

    height_px: int
    """Rows, after the EXIF orientation is applied."""
    width_px: int
    """Columns, after the EXIF orientation is applied."""
    channels: int
    """Channels without alpha; a palette counts as three. See `keeps_alpha`."""
    dtype: str
    """NumPy's name of the values' type: uint8, uint16 or float32."""
    are_separate: bool = False
    """Whether several channels are no colours but pictures of their own: a TIFF that does not call them RGB."""
    orientation: int = 1
    """The EXIF or TIFF orientation, 1 to 8; 1 is upright."""
    keeps_alpha: bool = False
    """Whether a channel that a TIFF calls alpha counts, as it is more than transparency: infrared, for example."""
    nodata: float | None = None
    """The value of a GeoTIFF that means "nothing known here", as `read_image` gives it; NaN where NaN is that value.
    None where the file names none, or one that no pixel can have."""


def check_limits(info: ImageInfo, max_pixels: int) -> None:
    """Refuses a picture whose header announces more than memory should be given to.

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
    """Height and width once the orientation is applied: 5 to 8 lie on their side."""
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
    """Values of the three types that the rest of the package knows: uint8, uint16 and float32.

    Booleans become 0 and 255; every other integer or float becomes float32.

    Raises:
        DataError: values of another kind, such as complex ones. The caller adds the file's name.
    """
    array = np.ascontiguousarray(array)
    name = plain_dtype(array.dtype)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    with np.errstate(over="ignore"):  # the least float64, a usual nodata value, becomes -inf
        return array.astype(name, copy=False)


def plain_dtype(dtype: np.dtype[Any]) -> str:
    """The name of the type that `plain_values` gives for another."""
    if dtype.kind not in "buif":
        raise DataError(f"the values are of type {dtype}; integers or floats are needed.")
    if dtype == np.bool_:
        return "uint8"
    return dtype.newbyteorder("=").name if dtype.newbyteorder("=").name in ("uint8", "uint16") else "float32"
