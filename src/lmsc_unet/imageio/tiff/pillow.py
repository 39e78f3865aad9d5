"""Pillow for the TIFF compressions that tifffile has no decoder for without imagecodecs, or a slow one.

What it returns is taken back to what the file holds: it turns, inverts and spreads values on its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import TiffImagePlugin

from lmsc_unet.errors import DataError
from lmsc_unet.imageio.info import AnyArray, decoding, turn
from lmsc_unet.imageio.tiff.codecs import HAS_IMAGECODECS, JPEG, LZW, PACKBITS

WHITE_IS_ZERO = 0
_PILLOW_HOLDS = {(1, "bool"), (1, "uint8"), (3, "uint8"), (4, "uint8"), (1, "uint16"), (1, "float32")}
_PILLOW_BITS, _WHOLE_BITS = (2, 4, 12), (1, 8, 16, 32, 64)
_PILLOW_DECODES = (1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000)  # libtiff as Pillow's wheels have it
_INVERSE_TURN = {6: 8, 8: 6}


def is_better_elsewhere(page: Any, num_channels: int) -> bool:
    """Whether tifffile can, but slowly, strip by strip: NuInsSeg's label masks are packed so. Or cannot at all.

    Pillow, for its part, cannot where strips or tiles are left out.
    """
    is_packed = page.bitspersample not in _WHOLE_BITS and not HAS_IMAGECODECS
    is_whole = all(page.databytecounts)
    is_pillows = int(page.compression) in (LZW, PACKBITS, JPEG)
    return is_pillows and (is_packed or (is_whole and _is_held(page, num_channels)))


def decode_elsewhere(path: Path, page: Any, num_channels: int, orientation: int) -> AnyArray:
    """Decodes one page to `H W C` of the values in the file, not turned.

    Raises:
        DataError: no decoder gives just what the header says. The caller adds the file's name.
    """
    shape, dtype = (page.imagelength, page.imagewidth, num_channels), np.dtype(page.dtype).newbyteorder("=")
    if _is_held(page, num_channels) and int(page.compression) in _PILLOW_DECODES:
        array = turn(_by_pillow(path, page), _INVERSE_TURN.get(orientation, orientation))
        if array.shape == shape and array.dtype == dtype:
            return array
    raise DataError(
        f"its compression {name_of(page.compression)} with {num_channels} channels of {page.dtype} needs another "
        "decoder. Run `pip install imagecodecs`, or save it uncompressed or with deflate."
    )


def name_of(value: Any) -> str:
    """The name of a value of a tag; its number where it has none."""
    return str(getattr(value, "name", value))


def decode_cmyk(path: Path, page: Any, orientation: int) -> AnyArray:
    """Decodes to RGB of `H W 3`, not turned."""
    with decoding(), _opened(path, page) as picture:
        array = np.asarray(picture.convert("RGB"))
    return turn(array, _INVERSE_TURN.get(orientation, orientation))


def grey_step(page: Any) -> int:
    """The step between two grey values of less than 8 bits, spread over 0..255; 1 for 8 bits and more."""
    bits = page.bitspersample
    return 255 // (2**bits - 1) if isinstance(bits, int) and 1 < bits < 8 else 1


def _is_held(page: Any, num_channels: int) -> bool:
    is_whole = page.bitspersample in _WHOLE_BITS or (num_channels == 1 and page.bitspersample in _PILLOW_BITS)
    return is_whole and (num_channels, np.dtype(page.dtype).name) in _PILLOW_HOLDS


def _by_pillow(path: Path, page: Any) -> AnyArray:
    with decoding(), _opened(path, page) as picture:
        is_grey, is_spread = picture.mode in ("1", "L"), picture.mode == "L"
        array = np.asarray(picture.convert("RGB") if picture.mode == "YCbCr" else picture)
    if is_grey and int(page.photometric) == WHITE_IS_ZERO:
        array = ~array
    if is_spread:
        array = array // np.uint8(grey_step(page))
    return array if array.ndim == 3 else array[..., None]


@contextmanager
def _opened(path: Path, page: Any) -> Iterator[TiffImagePlugin.TiffImageFile]:
    with TiffImagePlugin.TiffImageFile(path) as picture:
        picture.seek(page.index)
        picture.load()
        yield picture
