"""Pictures that are read by rows, because they are large: no more of them is decoded than is looked at."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lmsc_unet.errors import DataError
from lmsc_unet.imageio.info import AnyArray, ImageInfo, plain_values
from lmsc_unet.imageio.read import named
from lmsc_unet.imageio.rows import RowSource

STREAM_FROM_PIXELS = 2**23
"""Smaller pictures are decoded whole: they fit in memory many times."""
MAX_STREAMED_PIXELS = 2**36
"""Larger ones are refused: 262,144 x 262,144. Reading by rows takes no memory for them, but what is written would fill
a disk."""
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def open_rows(path: Path, *, from_pixels: int = STREAM_FROM_PIXELS) -> RowSource | None:
    """A large TIFF as rows to be read; None for what is small, is no TIFF, or can only be decoded whole.

    Rows are what `read_image` gives: RGB order, alpha dropped, uint8, uint16 or float32. Floats are checked not to be
    infinite as they are read, but for the file's nodata value, which becomes NaN then.

    Raises:
        DataError: the file is missing or damaged, or too large even to be read by rows; it is named.
    """
    with named(path):
        with path.open("rb") as stream:
            if stream.read(4) not in _TIFF:
                return None
        from lmsc_unet.imageio.tiff import reader as tiff  # here, as other pictures do without tifffile

        with tiff.opened(path) as file:
            header = file.header
            if header.height_px * header.width_px < from_pixels or not file.can_stream:
                return None
            _check_size(header)
            info = file.info
    return RowSource(
        height_px=info.height_px,
        width_px=info.width_px,
        channels=info.channels,
        dtype=np.dtype(info.dtype),
        blocks=lambda: _blocks(path, info),
        nodata=info.nodata,
    )


def _blocks(path: Path, info: ImageInfo) -> Iterator[AnyArray]:
    from lmsc_unet.imageio.tiff import reader as tiff

    with named(path), tiff.opened(path) as file:
        for block in file.pixel_blocks(keeps_alpha=info.keeps_alpha):
            values = plain_values(block)
            yield _without_infinity(values, info.nodata) if values.dtype.kind == "f" else values


def _without_infinity(values: AnyArray, nodata: float | None) -> AnyArray:
    is_infinite = np.isinf(values)
    if not is_infinite.any():
        return values
    if (values[is_infinite] != nodata).any():
        raise DataError("it holds values that are infinite. Replace them by numbers, or by NaN where nothing is known.")
    return np.where(is_infinite, np.float32(np.nan), values)


def _check_size(header: ImageInfo) -> None:
    if header.height_px * header.width_px > MAX_STREAMED_PIXELS:
        raise DataError(
            f"the header announces {header.width_px} x {header.height_px} px, more than the limit of "
            f"{MAX_STREAMED_PIXELS} px. Cut it into smaller pictures."
        )
