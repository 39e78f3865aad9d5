"""TIFF of one channel by rows: a mask that keeps the place of its GeoTIFF."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray

from lmsc_unet.imageio.info import AnyArray
from lmsc_unet.imageio.rows import block_rows
from lmsc_unet.imageio.tiff.geotiff import GeoTag

_BIG_BYTES = 1 << 31  # uncompressed, a file of so many is written as BigTIFF
_FROM_8_TO_16_BITS = 257


def write_tiff(
    stream: BinaryIO,
    blocks: Iterable[AnyArray],
    size_px: tuple[int, int],
    tags: Sequence[GeoTag],
    palette: NDArray[np.uint8] | None,
) -> None:
    """Writes blocks of rows "h W" of uint8, deflated, with tags, and as indices of a palette "N 3" if there is one."""
    height_px, width_px = size_px
    rows = min(block_rows(4 * width_px), height_px)
    file = tifffile.FileHandle(stream, name="mask.tif")  # a stream by its number has no name of its own
    with tifffile.TiffWriter(file, bigtiff=height_px * width_px >= _BIG_BYTES) as writer:
        writer.write(
            (zlib.compress(strip.tobytes(), 1) for strip in _strips(blocks, rows)),
            shape=size_px,
            dtype=np.uint8,
            rowsperstrip=rows,
            compression="zlib",
            metadata=None,
            software=False,
            extratags=tags,
            **_shown(palette),
        )


def _shown(palette: NDArray[np.uint8] | None) -> dict[str, Any]:
    if palette is None:
        return {"photometric": "minisblack"}
    colours = np.zeros((3, 256), np.uint16)
    colours[:, : len(palette)] = palette.T.astype(np.uint16) * _FROM_8_TO_16_BITS
    return {"photometric": "palette", "colormap": colours}


def _strips(blocks: Iterable[AnyArray], rows: int) -> Iterator[AnyArray]:
    """Blocks of any height as blocks of so many rows; the last may have fewer."""
    held: list[AnyArray] = []
    for block in blocks:
        held.append(block)
        if sum(map(len, held)) < rows:
            continue
        joined = np.concatenate(held)
        last = len(joined) // rows * rows
        yield from (joined[top : top + rows] for top in range(0, last, rows))
        held = [joined[last:]]
    joined = np.concatenate(held)
    if len(joined):
        yield joined
