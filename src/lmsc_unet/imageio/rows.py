"""Images as blocks of rows from top to bottom, for images larger than memory; decodes only what is read."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lmsc_unet.errors import DataError
from lmsc_unet.imageio.info import AnyArray, ImageInfo, plain_values
from lmsc_unet.imageio.read import named
from lmsc_unet.imageio.resize import Stretch, resize_rows

BLOCK_BYTES = 1 << 22
"""Bytes read at a time."""


@dataclass(frozen=True, kw_only=True)
class RowSource:
    """An image whose rows can be read repeatedly from top to bottom."""

    height_px: int
    """Rows."""
    width_px: int
    """Columns."""
    channels: int
    """Channels per pixel."""
    dtype: np.dtype[np.generic]
    """The type of the values."""
    blocks: Callable[[], Iterator[AnyArray]]
    """Starts a new read: blocks "h W C" that stacked make the whole image."""
    nodata: float | None = None
    """The nodata value."""
    has_missing: bool = False
    """Whether there are missing pixels; they are NaN."""

    def rolling(self) -> "RollingRows":
        """A new read in windows."""
        return RollingRows(self.blocks())


def as_source(image: AnyArray) -> RowSource:
    """An image "H W C" in memory, as a source of one block."""
    height_px, width_px, channels = image.shape
    return RowSource(
        height_px=height_px, width_px=width_px, channels=channels, dtype=image.dtype, blocks=lambda: iter([image])
    )


class RollingRows:
    """Windows of an image that is read in blocks: no window starts above the previous one."""

    def __init__(self, blocks: Iterator[AnyArray]) -> None:
        self._blocks = blocks
        self._held: deque[tuple[int, AnyArray]] = deque()  # with their first rows
        self._next_row = 0

    def window(self, rows: slice, columns: slice) -> AnyArray:
        """The pixels "h w C" of some rows and columns; earlier rows are discarded."""
        self._forget(rows.start)
        while self._next_row < rows.stop:
            block = next(self._blocks)
            self._held.append((self._next_row, block))
            self._next_row += len(block)
            self._forget(rows.start)
        assert self._held[0][0] <= rows.start, "rows above the last window are gone"
        parts = [block[max(0, rows.start - first) : rows.stop - first, columns] for first, block in self._held]
        parts = [part for part in parts if len(part)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _forget(self, row: int) -> None:
        while self._held and self._held[0][0] + len(self._held[0][1]) <= row:
            self._held.popleft()


def resized(source: RowSource, height_px: int, width_px: int) -> RowSource:
    """The same image at another size, bit for bit like `resize`."""
    if (source.height_px, source.width_px) == (height_px, width_px):
        return source

    def blocks() -> Iterator[AnyArray]:
        return resized_blocks(source.blocks(), (source.height_px, source.width_px), (height_px, width_px))

    return replace(source, height_px=height_px, width_px=width_px, blocks=blocks)


def resized_blocks(
    blocks: Iterator[AnyArray], before_px: tuple[int, int], after_px: tuple[int, int]
) -> Iterator[AnyArray]:
    """Resizes blocks of rows "h W C" of an image to another size (height, width)."""
    held, everything = RollingRows(blocks), slice(0, before_px[1])
    rows = Stretch(num_in=before_px[0], num_out=after_px[0])
    columns = Stretch(num_in=before_px[1], num_out=after_px[1])
    start, step = 0, 0
    while start < rows.num_out:
        if not step:  # the size of a row is known from the first block
            first = held.window(rows.needed(0, 1), everything)
            step = block_rows(first[0].nbytes * max(before_px[1], after_px[1]) // before_px[1])
        stop = min(start + step, rows.num_out)
        yield resize_rows(held.window(rows.needed(start, stop), everything), rows, columns, start, stop)
        start = stop


def block_rows(row_bytes: int) -> int:
    """Rows per block of a few megabytes; even, so that halving is simple."""
    return max(2, BLOCK_BYTES // max(1, row_bytes) // 2 * 2)


STREAM_FROM_PIXELS = 2**23
"""Smaller images are decoded whole."""
MAX_STREAMED_PIXELS = 2**36
"""Larger images are rejected: 262,144 x 262,144. Reading them by rows takes no memory, but the results would fill a
disk."""
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def open_rows(path: Path, *, from_pixels: int = STREAM_FROM_PIXELS) -> RowSource | None:
    """Opens a large TIFF for reading by rows; None for small images, other types, or files that must be decoded whole.

    Rows equal those of `read_image`: RGB order, alpha dropped, uint8, uint16 or float32. Infinite floats are rejected
    when read, except the file's nodata value, which becomes NaN.

    Raises:
        DataError: the file is missing or damaged, or too large to be read even by rows; names it.
    """
    with named(path):
        with path.open("rb") as stream:
            if stream.read(4) not in _TIFF:
                return None
        from lmsc_unet.imageio.tiff import reader as tiff  # imported here: other formats do not need tifffile

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
