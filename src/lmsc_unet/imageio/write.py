"""Pictures on disk: PNG or TIFF without loss, whole or not at all."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.storage import replacing
from lmsc_unet.imageio.info import AnyArray
from lmsc_unet.imageio.png import png_parts
from lmsc_unet.imageio.tiff.geotiff import GeoTag

_BLOCK_BYTES = 1 << 20


def write_png(path: Path, array: AnyArray, palette: NDArray[np.uint8] | None = None) -> None:
    """Writes `H W`, `H W 1` or `H W 3` (RGB) of uint8 or uint16 as PNG; missing folders are made.

    With a palette "N 3", values of uint8 are its indices. The bytes go to a temporary file in the same folder that then
    takes the name, so that a reader or a crash never meets half a picture.

    Raises:
        OutputError: the disk is full or the folder may not be written.
    """
    write_png_rows(path, in_blocks(array), *array.shape[:2], palette=palette)


def write_png_rows(
    path: Path,
    blocks: Iterable[AnyArray],
    height_px: int,
    width_px: int,
    *,
    palette: NDArray[np.uint8] | None = None,
) -> None:
    """Writes a picture that comes in blocks of rows, as `write_png` does, and keeps one block in memory.

    Raises:
        OutputError: the disk is full or the folder may not be written.
    """
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.writelines(png_parts(blocks, height_px, width_px, palette))


def write_tiff_rows(
    path: Path,
    blocks: Iterable[AnyArray],
    height_px: int,
    width_px: int,
    *,
    tags: Sequence[GeoTag] = (),
    palette: NDArray[np.uint8] | None = None,
) -> None:
    """Writes a picture of one channel of uint8 as TIFF with the tags given; otherwise as `write_png_rows`.

    Raises:
        OutputError: the disk is full or the folder may not be written.
    """
    from lmsc_unet.imageio.tiff.writer import write_tiff  # here, as other pictures do without tifffile

    with replacing(path) as temporary, temporary.open("w+b") as stream:
        write_tiff(stream, blocks, (height_px, width_px), tags, palette)


def in_blocks(array: AnyArray) -> Iterator[AnyArray]:
    """The rows of a picture in blocks of a megabyte."""
    step = max(1, _BLOCK_BYTES // max(1, array[:1].nbytes))
    return (array[start : start + step] for start in range(0, len(array), step))
