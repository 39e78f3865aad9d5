"""Decoders that tifffile takes from imagecodecs, by Pillow and NumPy: LZW, PackBits, JPEG, CMYK, predictors."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, TiffImagePlugin

from lmsc_unet.errors import DataError
from lmsc_unet.imageio.info import AnyArray, decoding, turn

WHITE_IS_ZERO = 0
_PILLOW_HOLDS = {(1, "bool"), (1, "uint8"), (3, "uint8"), (4, "uint8"), (1, "uint16"), (1, "float32")}
_PILLOW_BITS, _WHOLE_BITS = (2, 4, 12), (1, 8, 16, 32, 64)
_PILLOW_DECODES = (1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000)  # by libtiff in Pillow's wheels
_INVERSE_TURN = {6: 8, 8: 6}


def is_better_elsewhere(page: Any, num_channels: int) -> bool:
    """Whether Pillow should decode: tifffile cannot, or only slowly, strip by strip (as NuInsSeg's label masks).

    Pillow cannot decode files with missing strips or tiles.
    """
    is_packed = page.bitspersample not in _WHOLE_BITS and not HAS_IMAGECODECS
    is_whole = all(page.databytecounts)
    is_pillows = int(page.compression) in (LZW, PACKBITS, JPEG)
    return is_pillows and (is_packed or (is_whole and _is_held(page, num_channels)))


def decode_elsewhere(path: Path, page: Any, num_channels: int, orientation: int) -> AnyArray:
    """Decodes one page to `H W C` of the stored values, not turned.

    Raises:
        DataError: no decoder returns what the header says. The caller adds the file's name.
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
    """The name of a tag's value; its number if it has none."""
    return str(getattr(value, "name", value))


def decode_cmyk(path: Path, page: Any, orientation: int) -> AnyArray:
    """Decodes to RGB of `H W 3`, not turned."""
    with decoding(), _opened(path, page) as picture:
        array = np.asarray(picture.convert("RGB"))
    return turn(array, _INVERSE_TURN.get(orientation, orientation))


def grey_step(page: Any) -> int:
    """The step between two grey values of less than 8 bits, scaled to 0..255; 1 for 8 bits and more."""
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


LZW, PACKBITS = 5, 32773
HAS_IMAGECODECS = find_spec("imagecodecs") is not None
"""Whether tifffile has all decoders."""
_HORIZONTAL, _FLOATS = 2, 3
_SHORT, _LONG = 3, 4  # types of a TIFF entry
_MAX_SPREAD_BITS = 1 << 24  # unpacked at once, one byte per bit
_STRIP_AT = 122  # offset after the header, nine entries and the end of their list


def teach_tifffile() -> None:
    """Adds the missing decoders to tifffile; a tifffile that stores them elsewhere is left as it is."""
    if HAS_IMAGECODECS:
        return
    for table, decoders in (
        (tifffile.TIFF.DECOMPRESSORS, {LZW: _decode_lzw, PACKBITS: _decode_packbits}),
        (tifffile.TIFF.UNPREDICTORS, {_HORIZONTAL: undo_differences, _FLOATS: undo_float_differences}),
    ):
        known = getattr(table, "_codecs", None)
        if isinstance(known, dict):
            known.update(decoders)

    helpers: Any = getattr(tifffile.tifffile, "imagecodecs", None)
    others = getattr(helpers, "packints_decode", None)
    if others is not None:
        helpers.packints_decode = partial(unpack_integers, others=others)


def unpack_integers(
    data: bytes, dtype: Any, bits: int, runlen: int = 0, *, others: Callable[..., Any], **options: Any
) -> NDArray[Any]:
    """Unpacks unsigned integers of 2 to 31 bits, high bit first; each run starts at a byte."""
    dtype = np.dtype(dtype)
    if bits in (1, 8, 16) or bits > 31 or dtype.kind != "u" or not runlen:
        values: NDArray[Any] = others(data, dtype, bits, runlen, **options)
        return values
    runs = np.frombuffer(data, np.uint8)
    runs = runs[: len(runs) // -(-runlen * bits // 8) * -(-runlen * bits // 8)].reshape(-1, -(-runlen * bits // 8))
    step = max(1, _MAX_SPREAD_BITS // (runlen * bits))
    parts = [_spread(runs[at : at + step], dtype, bits, runlen) for at in range(0, len(runs), step)]
    return np.concatenate(parts) if parts else np.empty(0, dtype)


def _spread(runs: NDArray[np.uint8], dtype: np.dtype[Any], bits: int, runlen: int) -> NDArray[Any]:
    ones = np.unpackbits(runs, axis=1)[:, : runlen * bits].reshape(-1, bits)
    whole = np.pad(ones, ((0, 0), (8 * dtype.itemsize - bits, 0)))
    return np.packbits(whole, axis=1).view(dtype.newbyteorder(">"))[:, 0].astype(dtype.newbyteorder("="))


def decode_strip(data: bytes, compression: int, num_bytes: int) -> bytes:
    """Decodes a strip or tile with Pillow's libtiff, as one row of a grey image."""
    file = _as_file(data, compression, num_bytes)
    return Image.frombytes("L", (num_bytes, 1), file, "libtiff", *_libtiff_arguments()).tobytes()


def _as_file(data: bytes, compression: int, num_bytes: int) -> bytes:
    entries = [
        (256, _LONG, num_bytes),  # width
        (257, _SHORT, 1),  # height
        (258, _SHORT, 8),  # bits per sample
        (259, _SHORT, compression),
        (262, _SHORT, 1),  # black is zero
        (273, _LONG, _STRIP_AT),
        (277, _SHORT, 1),  # samples per pixel
        (278, _SHORT, 1),  # rows per strip
        (279, _LONG, len(data)),
    ]
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + directory + bytes(4) + data


@cache
def _libtiff_arguments() -> tuple[Any, ...]:
    """The arguments that Pillow passes to its decoder for such a file; they depend on its version."""
    with TiffImagePlugin.TiffImageFile(BytesIO(_as_file(b"\x80\0", LZW, 1))) as picture:
        arguments: Any = picture.tile[0].args
        return tuple(arguments)


def undo_differences(values: NDArray[Any], *, axis: int, **_: object) -> NDArray[Any]:
    """Undoes horizontal differencing: each value is the sum of the differences up to it (TIFF 6.0, section 14)."""
    bits = values.view(f"u{values.itemsize}")
    return np.add.accumulate(bits, axis=axis, dtype=bits.dtype).view(values.dtype)


def undo_float_differences(values: NDArray[Any], *, axis: int, **_: object) -> NDArray[Any]:
    """Undoes the float predictor for "... W C": differences over a row's bytes, ordered by significance.

    See Adobe's technical note 3 for Photoshop's TIFF; the high bytes come first.
    """
    assert axis == -2, axis
    (*outer, num_pixels, channels), size = values.shape, values.itemsize
    planes = np.ascontiguousarray(values).view(np.uint8).reshape(*outer, size * num_pixels, channels)
    planes = undo_differences(planes, axis=-2).reshape(*outer, size, num_pixels * channels)
    numbers = np.ascontiguousarray(np.moveaxis(planes, -2, -1)).view(values.dtype.newbyteorder(">"))
    return numbers.astype(values.dtype).reshape(values.shape)


def _decode_lzw(data: bytes, *, out: int, **_: object) -> bytes:
    return decode_strip(data, LZW, out)


def _decode_packbits(data: bytes, *, out: int, **_: object) -> bytes:
    return decode_strip(data, PACKBITS, out)


JPEG = 7
_RGB = 2  # of PhotometricInterpretation
_MODES = ("L", "RGB")


def teach_tifffile_jpeg() -> None:
    """Adds a JPEG decoder to tifffile if it has none."""
    helpers: Any = getattr(tifffile.tifffile, "imagecodecs", None)
    known = getattr(tifffile.TIFF.DECOMPRESSORS, "_codecs", None)
    if helpers is not None and not hasattr(helpers, "jpeg_decode") and isinstance(known, dict):
        helpers.jpeg_decode = known[JPEG] = decode_jpeg


def decode_jpeg(
    data: bytes,
    *,
    shape: tuple[int, int],
    bitspersample: int = 8,
    tables: bytes | None = None,
    colorspace: int | None = None,
    **_: object,
) -> NDArray[np.uint8]:
    """Decodes values "h w" or "h w 3", no larger than the given height and width.

    Raises:
        NotImplementedError: values with more than 8 bits, or colours that are neither grey nor RGB.
        ValueError: the JPEG is larger than the shape.
    """
    if bitspersample != 8:
        raise NotImplementedError(f"JPEG of {bitspersample} bits")
    whole = tables[:-2] + data[2:] if tables else data  # drops the end marker of one and the start marker of the other
    with JpegImagePlugin.JpegImageFile(BytesIO(whole)) as picture:
        if picture.mode not in _MODES:
            raise NotImplementedError(f"JPEG in {picture.mode}")
        if picture.height > shape[0] or picture.width > shape[1]:
            raise ValueError(f"{picture.width} x {picture.height} px in a place of {shape[1]} x {shape[0]}")
        if colorspace == _RGB:  # no colour transform, although no marker says so
            picture.tile = [tile._replace(args=(picture.mode, picture.mode)) for tile in picture.tile]
        return np.asarray(picture)
