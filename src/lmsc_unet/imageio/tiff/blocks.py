"""Reads a TIFF by rows: decodes one row of strips or tiles at a time."""

import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import tifffile

from lmsc_unet.errors import DataError
from lmsc_unet.imageio.info import AnyArray, decoding
from lmsc_unet.imageio.rows import block_rows

MAX_HELD_BYTES = 1 << 28
"""The largest decoded size of a row of strips or tiles; files with more are not read by rows."""
_NONE, _DEFLATES = 1, (8, 32946)
_STREAMED = (_NONE, 5, *_DEFLATES, 32773)  # LZW, deflate, PackBits: the size of their output is bounded


def can_stream(page: Any, num_channels: int) -> bool:
    """Whether `raw_blocks` can read a page: pixels in one plane, in a compression with bounded output."""
    rows = page.tilelength if page.is_tiled else page.rowsperstrip
    row_bytes = page.imagewidth * num_channels * np.dtype(page.dtype).itemsize
    is_small = row_bytes * min(rows, page.imagelength) <= MAX_HELD_BYTES
    is_plain = page.planarconfig == 1 and page.imagedepth == 1 and not page.is_subsampled and page.samplesperpixel > 0
    is_packed = page.bitspersample not in (8, 16, 32, 64) and int(page.compression) not in (_NONE, *_DEFLATES)
    return bool(is_plain and int(page.compression) in _STREAMED and not is_packed and (is_small or _is_flat(page)))


def raw_blocks(page: Any) -> Iterator[AnyArray]:
    """The stored values, "h W C", from top to bottom."""
    return _flat_blocks(page) if _is_flat(page) else _segment_blocks(page)


def _is_flat(page: Any) -> bool:
    """Whether the pixels are stored uncompressed, row after row."""
    is_whole = page.bitspersample == 8 * np.dtype(page.dtype).itemsize and page.fillorder == 1
    is_there = all(page.dataoffsets) and all(page.databytecounts)
    return bool(is_whole and is_there and page.predictor == 1 and not page.is_tiled and page.is_contiguous)


def _flat_blocks(page: Any) -> Iterator[AnyArray]:
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    shape = (page.imagewidth, page.samplesperpixel)
    step = block_rows(page.imagewidth * page.samplesperpixel * dtype.itemsize)
    with open(page.parent.filehandle.path, "rb") as stream:  # noqa: PTH123 - tifffile's path is a string
        stream.seek(page.dataoffsets[0])
        for start in range(0, page.imagelength, step):
            rows = min(step, page.imagelength - start)
            values = np.fromfile(stream, dtype, rows * shape[0] * shape[1])
            if len(values) < rows * shape[0] * shape[1]:
                raise DataError("it is truncated: its pixels end beyond the file's end. Copy or export it again.")
            yield values.reshape(rows, *shape)


def _segment_blocks(page: Any) -> Iterator[AnyArray]:
    """Rows of tiles; single strips, thin ones combined."""
    height_px, width_px, channels = page.imagelength, page.imagewidth, page.samplesperpixel
    length_px = page.tilelength if page.is_tiled else min(page.rowsperstrip, height_px)
    across = -(-width_px // page.tilewidth) if page.is_tiled else 1
    down = -(-height_px // length_px)
    if len(page.databytecounts) < down * across:
        raise DataError("it is truncated: strips or tiles are missing in its header. Copy or export it again.")
    together = max(1, block_rows(width_px * channels * np.dtype(page.dtype).itemsize) // length_px)
    for first in range(0, down, together):
        top_px = first * length_px
        bottom_px = min((first + together) * length_px, height_px)
        block = np.full((bottom_px - top_px, width_px, channels), page.nodata, np.dtype(page.dtype).newbyteorder("="))
        for index in range(first * across, min(first + together, down) * across):
            _place(page, index, block, top_px)
        yield block


def _place(page: Any, index: int, block: AnyArray, top_px: int) -> None:
    """Decodes one strip or tile into a block of rows; one missing in the file keeps the fill value."""
    if not page.databytecounts[index] or not page.dataoffsets[index]:
        return
    handle = page.parent.filehandle
    with decoding():
        handle.seek(page.dataoffsets[index])
        decoded, (_, _, row, column, _), _ = page.decode(handle.read(page.databytecounts[index]), index)
    if decoded is None:
        return
    rows = min(decoded.shape[1], len(block) - (row - top_px))
    columns = min(decoded.shape[2], block.shape[1] - column)
    block[row - top_px : row - top_px + rows, column : column + columns] = decoded[0, :rows, :columns]


def _inflate(data: bytes, *, out: int, **_: object) -> bytes:
    """Inflates at most `out` bytes, whatever the data contains."""
    inflater = zlib.decompressobj()
    values = inflater.decompress(data, out)
    if len(values) < out and not inflater.eof:
        raise DataError("it is truncated: a strip or tile ends too early. Copy or export it again.")
    return values


def bound_tifffile() -> None:
    """Gives tifffile a deflate decoder with bounded output."""
    known = getattr(tifffile.TIFF.DECOMPRESSORS, "_codecs", None)
    if isinstance(known, dict) and find_spec("imagecodecs") is None:
        known.update(dict.fromkeys(_DEFLATES, _inflate))


bound_tifffile()
