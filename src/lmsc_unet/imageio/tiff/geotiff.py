"""GeoTIFF: location tags and the nodata value of images, and masks with the same location."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lmsc_unet.imageio.info import AnyArray
from lmsc_unet.imageio.rows import block_rows

NODATA_TAG = 42113
# ModelPixelScale, ModelTiepoint, ModelTransformation, GeoKeyDirectory, GeoDoubleParams, GeoAsciiParams
_PLACE_TAGS = (33550, 33922, 34264, 34735, 34736, 34737)
_ASCII = 2
_ROUNDING = 1e-5  # some programs write the least float as "-3.40282e+38", which is a different number

GeoTag = tuple[int, int, int, Any, bool]
"""A TIFF tag for `tifffile.imwrite(..., extratags=[tag])`: code, type, count, value, True."""


def geo_tags(path: Path) -> list[GeoTag]:
    """The location tags of a GeoTIFF and its nodata value (42113), in ascending order.

    Empty if the file is not a TIFF, has no such tags, or has an orientation: `read_image` turns such an image, but the
    location is for the pixels as stored.

    Raises:
        DataError: the file is missing or damaged; names it.
    """
    from lmsc_unet.imageio.read import is_tiff, named

    with named(path):
        if not is_tiff(path):
            return []
        from lmsc_unet.imageio.tiff import reader as tiff  # imported here: other formats do not need tifffile

        with tiff.opened(path) as file:
            return file.geo_tags()


def page_geo_tags(page: Any) -> list[GeoTag]:
    """The location tags of one page of tifffile."""
    found = (page.tags.get(code) for code in (*_PLACE_TAGS, NODATA_TAG))
    return [_copied(tag) for tag in found if tag is not None]


def stored_nodata(page: Any) -> np.generic | None:
    """The nodata value of a page in the type of its values; None if there is none, or no pixel can have it."""
    tag, dtype = page.tags.get(NODATA_TAG), np.dtype(page.dtype)
    number = _number(tag.value) if tag is not None else None
    if number is None or dtype.kind not in "buif":
        return None
    if dtype.kind == "f":
        return _as_float(float(number), dtype)
    is_whole = isinstance(number, int) or number.is_integer()
    return dtype.type(int(number)) if is_whole and _fits(int(number), dtype) else None


def _number(text: object) -> int | float | None:
    """Parses a number; integers of 64 bits would lose digits as floats."""
    for kind in (int, float):
        try:
            return kind(str(text).strip("\0 "))
        except ValueError:
            continue
    return None


def _as_float(number: float, dtype: np.dtype[Any]) -> np.generic:
    bound = float(np.finfo(dtype).max)
    if np.isfinite(number) and abs(abs(number) - bound) <= _ROUNDING * bound:
        number = bound if number > 0 else -bound
    with np.errstate(over="ignore"):
        value: np.generic = dtype.type(number)
        return value


def _fits(number: int, dtype: np.dtype[Any]) -> bool:
    return number in (0, 1) if dtype.kind == "b" else np.iinfo(dtype).min <= number <= np.iinfo(dtype).max


def _copied(tag: Any) -> GeoTag:
    kind = int(tag.dtype)
    if kind == _ASCII:
        text = tag.value if isinstance(tag.value, bytes) else str(tag.value).encode()
        return int(tag.code), kind, 0, text, True
    values = tag.value if isinstance(tag.value, tuple) else (tag.value,)
    return int(tag.code), kind, len(values), values, True


_BIG_BYTES = 1 << 31  # files at least this large uncompressed are written as BigTIFF
_FROM_8_TO_16_BITS = 257


def write_tiff(
    stream: BinaryIO,
    blocks: Iterable[AnyArray],
    size_px: tuple[int, int],
    tags: Sequence[GeoTag],
    palette: NDArray[np.uint8] | None,
    dtype: DTypeLike,
) -> None:
    """Writes blocks of rows "h W" of unsigned integers, deflated, with tags, and with a palette "N 3" if given."""
    import tifffile  # imported here: other formats do not need it

    height_px, width_px = size_px
    rows = min(block_rows(4 * width_px), height_px)
    file = tifffile.FileHandle(stream, name="mask.tif")  # a stream without a path has no name
    with tifffile.TiffWriter(file, bigtiff=height_px * width_px * np.dtype(dtype).itemsize >= _BIG_BYTES) as writer:
        writer.write(
            (zlib.compress(strip.tobytes(), 1) for strip in _strips(blocks, rows)),
            shape=size_px,
            dtype=dtype,
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
    """Regroups blocks into strips of `rows` rows; the last may have fewer."""
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
