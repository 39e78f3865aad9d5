"""Damage that tifffile ignores: missing strips, missing tags, and strips that inflate without bound."""

import lzma
import struct
import zlib
from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np

from lmsc_unet.errors import DataError
from lmsc_unet.imageio.info import MAX_BYTES_PER_PIXEL, decoding

_PALETTE = 3
_MAX_INFLATION = 8192  # deflate reaches 1032, LZMA some 7000
_INFLATERS: dict[int, Callable[[], Any]] = {
    8: zlib.decompressobj,
    32946: zlib.decompressobj,
    34925: lzma.LZMADecompressor,
}
# BitsPerSample, Compression, Photometric, StripOffsets, SamplesPerPixel, RowsPerStrip, StripByteCounts, PlanarConfig,
# Predictor, ColorMap, TileWidth, TileLength, TileOffsets, TileByteCounts, ExtraSamples, SampleFormat
_ESSENTIAL = {258, 259, 262, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 338, 339}


def check_header(page: Any) -> None:
    """Rejects a page whose header contains other types where numbers belong; tifffile passes them on.

    Raises:
        DataError: the caller adds the file's name.
    """
    with decoding():
        rows = page.tilelength if page.is_tiled else page.rowsperstrip
    sizes = (page.imagewidth, page.imagelength, page.samplesperpixel, rows)
    kinds = (page.photometric, page.compression, page.planarconfig, page.predictor, page.imagedepth, page.fillorder)
    is_palette_whole = page.photometric != _PALETTE or _is_palette(page.colormap, page.bitspersample)
    are_numbers = all(isinstance(number, Integral) for number in (*sizes, *kinds, *page.extrasamples))
    if not are_numbers or min(sizes) < 1 or not is_palette_whole:
        raise DataError("truncated or damaged: its header makes no sense. Copy or export it again.")


def _is_palette(colours: Any, bits: Any) -> bool:
    is_list = isinstance(colours, np.ndarray) and colours.dtype.kind == "u"
    return is_list and isinstance(bits, int) and colours.shape == (3, 2**bits)


def check_pages(pages: list[Any], max_pixels: int) -> None:
    """Rejects pages whose pixels or tags are not all in the file, or would fill the memory.

    Raises:
        DataError: the caller adds the file's name.
    """
    _check_tags(pages[0])
    for page in pages:
        _check_strips(page)
        _check_inflation(page, MAX_BYTES_PER_PIXEL * max_pixels)


def check_presence(page: Any) -> None:
    """Rejects a page whose pixels or tags are not all in the file.

    Raises:
        DataError: the caller adds the file's name.
    """
    _check_tags(page)
    _check_strips(page)


def _check_tags(page: Any) -> None:
    """Rejects tags whose values lie beyond the end of the file; tifffile would use defaults."""
    layout, handle = page.parent.tiff, page.parent.filehandle
    handle.seek(page.offset)
    (count,) = struct.unpack(layout.tagnoformat, handle.read(layout.tagnosize))
    entries = handle.read(count * layout.tagsize)
    starts = range(0, len(entries), layout.tagsize)
    codes = {struct.unpack_from(f"{layout.byteorder}H", entries, at)[0] for at in starts}
    if (codes & _ESSENTIAL) - set(page.tags.keys()):
        raise DataError("it is truncated: tags of its header are missing. Copy or export it again.")


def _check_strips(page: Any) -> None:
    """Rejects strips beyond the end of the file; tifffile would fill them with zeros."""
    offsets, counts = page.dataoffsets, page.databytecounts
    if not all(isinstance(number, Integral) for number in (*offsets, *counts)):
        raise DataError("truncated or damaged: its pixels have no place. Copy or export it again.")
    ends = [offset + count for offset, count in zip(offsets, counts, strict=False)]
    if not ends or max(ends) > page.parent.filehandle.size:
        raise DataError("it is truncated: its pixels end beyond the file's end. Copy or export it again.")


def _check_inflation(page: Any, max_bytes: int) -> None:
    """The header limits the pixels, but not the inflated size of a strip."""
    inflater = _INFLATERS.get(int(page.compression))
    if inflater is None:
        return
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if count * _MAX_INFLATION > max_bytes and _inflates_beyond(page, offset, count, inflater(), max_bytes):
            raise DataError(f"a strip of {count} bytes inflates to more than {max_bytes} (a decompression bomb?).")


def _inflates_beyond(page: Any, offset: int, count: int, inflater: Any, max_bytes: int) -> bool:
    page.parent.filehandle.seek(offset)
    data, total, step = page.parent.filehandle.read(count), 0, 2**24
    while total <= max_bytes:
        with decoding():
            part = inflater.decompress(data, step)
        total += len(part)
        data = getattr(inflater, "unconsumed_tail", b"")
        if not part or inflater.eof:
            return total > max_bytes
    return True
