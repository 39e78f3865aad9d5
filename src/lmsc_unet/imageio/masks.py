"""Masks as stored in files. A mask is data: stored values count, without inversion or scaling."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError
from lmsc_unet.imageio import npy, raster
from lmsc_unet.imageio.files import picture_files
from lmsc_unet.imageio.info import MAX_PIXELS, AnyArray, check_limits, turn
from lmsc_unet.imageio.raster import is_lossy
from lmsc_unet.imageio.read import file_head, kind_of, named

NAN, NOTHING = -(2**63), -(2**63) + 1
"""Integers that represent NaN in a mask, and the file's nodata value if that is not an integer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredMask:
    """The values of a mask and other information in its file."""

    values: AnyArray
    """Numbers or palette indices `H W`; or `H W 3` for a mask in colours."""
    bits: int
    """Bits per value in the file: 1 for a bit mask, even if `values` are bytes."""
    palette: NDArray[np.uint8] | None = None
    """The colours `N 3` of the indices."""
    is_lossy: bool = False
    """Whether the file is JPEG, lossy WebP or lossy JPEG 2000, which change values at edges."""
    nodata: int | float | None = None
    """The value of the tag GDAL_NODATA."""

    @property
    def is_coloured(self) -> bool:
        """Whether the mask has three different channels."""
        return self.values.ndim == 3

    @property
    def shows_greys(self) -> bool:
        """Whether the palette contains only greys, so that greys and not indices were drawn."""
        if self.palette is None or (self.palette != self.palette[:, :1]).any():
            return False
        used = np.flatnonzero(np.bincount(self.values.ravel()))
        greys = self.palette[used[used < len(self.palette)], 0]
        return len(np.unique(greys)) == len(used) and len(np.unique(self.palette)) > 1

    def numbers(self, *, as_greys: bool) -> NDArray[np.integer]:
        """`H W` integers; with `as_greys` a palette gives its greys. NaN and a float nodata become `NAN`.

        Raises:
            DataError: the mask has colours or fractions. The caller adds the file's name.
        """
        if self.is_coloured:
            raise DataError(
                f"the mask has {self.values.shape[2]} differing channels. A mask holds one number per pixel: "
                "save it as class ids in a grey or palette PNG, or name the colour of each class with --colors."
            )
        if self.palette is not None and as_greys:
            return np.append(self.palette[:, 0], np.zeros(256, np.uint8))[self.values]
        return _integers(self.values, self.nodata)

    def above(self, threshold: float, ignore_index: int | None = None) -> NDArray[np.int64]:
        """`H W` of 1 from the threshold on, 0 below; `NAN`, and `NOTHING` for ignored values.

        Raises:
            DataError: the mask is in colour. The caller adds the file's name.
        """
        is_float = self.values.dtype.kind == "f" and not self.is_coloured
        known = self.values if is_float else self.numbers(as_greys=self.shows_greys)
        result = (known >= threshold).astype(np.int64)
        for value in (ignore_index, self.nodata):
            if value is not None:
                result[known == value] = NOTHING
        if known.dtype.kind == "f":
            is_tagged = self.nodata is not None and np.isnan(self.nodata)
            result[np.isnan(known)] = NOTHING if is_tagged else NAN
        return result

    def colours(self) -> NDArray[np.int64]:
        """`H W` of 0xRRGGBB; a grey value has three equal parts.

        Raises:
            DataError: the values are not colours of 8 or 16 bits. The caller adds the file's name.
        """
        if self.values.dtype.kind not in "bu" or self.bits > 16:
            raise DataError(
                f"the mask holds values of type {self.values.dtype}, which are not colours. Save it as class ids."
            )
        if self.palette is not None:
            rgb = np.append(self.palette, np.zeros((256, 3), np.uint8), axis=0)[self.values]
        else:
            rgb = (self.values.astype(np.int64) * 255) // (2**self.bits - 1)
        if rgb.ndim == 2:
            rgb = np.repeat(rgb[..., None], 3, axis=2)
        packed: NDArray[np.int64] = rgb.astype(np.int64) @ np.array([65536, 256, 1])
        return packed


def read_mask(path: Path, *, max_pixels: int = MAX_PIXELS) -> AnyArray:
    """Reads a mask as `H W` of the integers in the file.

    One bit gives 0 and 1, and a white-is-zero tag is ignored. A palette gives its indices, or its greys if it has no
    colours.

    Raises:
        DataError: as for `read_image`, or the mask has colours, has its shape in the alpha channel, or contains NaN or
        values that are not integers.
    """
    stored = read_stored_mask(path, max_pixels=max_pixels)
    with named(path):
        numbers = stored.numbers(as_greys=stored.shows_greys)
        if stored.values.dtype.kind == "f" and (numbers == NAN).any():
            raise DataError("the mask holds NaN. Replace it by a number.")
        return numbers


def read_stored_mask(path: Path, *, max_pixels: int = MAX_PIXELS) -> StoredMask:
    """Reads a mask with all information on its values; for a folder with a file per object, their union.

    Raises:
        DataError: as for `read_image`, or the mask's shape is in its alpha channel.
    """
    if path.is_dir():
        return _read_objects(path, max_pixels)
    with named(path):
        kind = kind_of(file_head(path))
        if kind == "NPY":
            return _read_npy(path, max_pixels)
        return _read_tiff(path, max_pixels) if kind == "TIFF" else _read_raster(path, kind, max_pixels)


def read_object_masks(folder: Path, *, max_pixels: int = MAX_PIXELS) -> Iterator[NDArray[np.bool_]]:
    """The masks "H W" of a folder with one file per object.

    Raises:
        DataError: as for `read_image`, a mask holds two values above 0, masks differ in size, or there is none.
    """
    shape: tuple[int, ...] | None = None
    for path in picture_files(folder):
        values = read_mask(path, max_pixels=max_pixels)
        if len(np.unique(values)) > 2:
            raise DataError(f"{path}: the mask of one object holds 0 and one other value, this one more. Correct it.")
        if shape is not None and shape != values.shape:
            raise DataError(f"{path}: it differs in size from the masks of other objects beside it. Make them alike.")
        shape = values.shape
        yield values > 0
    if shape is None:
        raise DataError(f"{folder}: the folder holds no mask. Add a file for each object.")


def _read_objects(folder: Path, max_pixels: int) -> StoredMask:
    """The union of single-object masks: 1 where one of them is above 0."""
    union = reduce(np.logical_or, read_object_masks(folder, max_pixels=max_pixels))
    return StoredMask(values=union.astype(np.uint8), bits=8)


def _read_tiff(path: Path, max_pixels: int) -> StoredMask:
    from lmsc_unet.imageio.tiff import reader as tiff  # imported here: other formats do not need tifffile

    with tiff.opened(path) as file:
        file.check(max_pixels)
        array, num_alpha = file.stored_values()
        nodata = file.stored_nodata
        stored = StoredMask(
            values=array,
            bits=file.bits,
            palette=file.palette,
            is_lossy=file.is_lossy,
            nodata=None if nodata is None else nodata.item(),
        )
        orientation = file.orientation
    return _flattened(stored, num_alpha, orientation)


def _read_npy(path: Path, max_pixels: int) -> StoredMask:
    check_limits(npy.npy_info(path), max_pixels)
    array = npy.npy_array(path)
    bits = 1 if array.dtype == np.bool_ else 8 * array.dtype.itemsize
    return _flattened(StoredMask(values=array, bits=bits), num_alpha=0, orientation=1)


def _read_raster(path: Path, kind: str, max_pixels: int) -> StoredMask:
    data = path.read_bytes()
    picture = raster.opened(BytesIO(data), kind)
    info = raster.raster_info(picture, data)
    check_limits(info, max_pixels)
    raster.check_whole(picture, data)
    array, num_alpha = raster.stored_values(picture, data)
    stored = StoredMask(
        values=array,
        bits=raster.bits_of(picture, data),
        palette=raster.palette_of(picture),
        is_lossy=is_lossy(kind, data),
    )
    return _flattened(stored, num_alpha, info.orientation)


def _flattened(stored: StoredMask, num_alpha: int, orientation: int) -> StoredMask:
    """Turns a mask upright, and removes alpha and equal channels."""
    array = np.ascontiguousarray(turn(stored.values, orientation))
    colours, alpha = array[..., : array.shape[2] - num_alpha], array[..., array.shape[2] - num_alpha :]
    _check_alpha(colours, alpha)
    first = colours[..., 0]
    is_coloured = colours.shape[2] > 1 and bool((colours != first[..., None]).any())
    if is_coloured and colours.shape[2] != 3:
        raise DataError(
            f"the mask has {colours.shape[2]} differing channels. A mask holds one number per pixel: "
            "save it as class ids in a grey or palette PNG."
        )
    return replace(stored, values=np.ascontiguousarray(colours if is_coloured else first))


def _check_alpha(colours: AnyArray, alpha: AnyArray) -> None:
    """Rejects a mask whose alpha carries information that its colours do not."""
    if not alpha.size or (alpha == alpha[0, 0]).all():
        return
    one, many = _num_distinct(colours), _num_distinct(np.concatenate([colours, alpha], axis=2))
    if one != many:
        raise DataError(
            "the mask's shape is in its alpha channel, not in its values. Flatten it onto black, and save it as a "
            "grey PNG without transparency."
        )


def _num_distinct(array: AnyArray) -> int:
    flat = np.ascontiguousarray(array).reshape(-1, array.shape[2])
    return len(np.unique(flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1])))))


def _integers(array: AnyArray, nodata: float | None) -> NDArray[np.integer[Any]]:
    if array.dtype == np.bool_:
        return array.astype(np.uint8)
    if array.dtype.kind in "ui":
        return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
    if array.dtype.kind != "f":
        raise DataError(f"the mask holds values of type {array.dtype}. Save it as class ids.")
    is_nan, is_nothing = np.isnan(array), array == np.array(np.nan if nodata is None else nodata, array.dtype)
    known = np.where(is_nan | is_nothing, array.dtype.type(0), array)
    if (np.abs(known) > 2**31).any() or (known != np.rint(known)).any():
        raise DataError(
            f"the mask holds values of type {array.dtype} that are no integers. Save it as class ids, or say from "
            "which value on it is foreground: --mask-threshold 0.5."
        )
    whole = known.astype(np.int32)
    if not is_nan.any() and not is_nothing.any():
        return whole
    whole = whole.astype(np.int64)
    whole[is_nothing] = NOTHING
    whole[is_nan] = NOTHING if nodata is not None and np.isnan(nodata) else NAN
    return whole
