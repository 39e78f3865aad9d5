"""NumPy's .npy: an array `H W` or `H W C`; files with Python objects are never read."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from lmsc_unet.errors import DataError
from lmsc_unet.imageio.info import AnyArray, ImageInfo, decoding, plain_dtype

MAGIC = b"\x93NUMPY"
_MAX_CHANNELS_FIRST = 16  # a first axis at most this long, with a longer last one, is taken for channels


def npy_array(path: Path) -> AnyArray:
    """Reads the whole array `H W C` of a file.

    Raises:
        DataError: as for `npy_info`.
    """
    return np.array(_mapped(path))


def npy_info(path: Path) -> ImageInfo:
    """Reads the header.

    Raises:
        DataError: it contains objects, or has an unusable shape. The caller adds the file's name.
    """
    height_px, width_px, channels = (array := _mapped(path)).shape
    return ImageInfo(height_px=height_px, width_px=width_px, channels=channels, dtype=plain_dtype(array.dtype))


def holds_objects(stream: BinaryIO) -> bool:
    """Whether an .npy file is a pickle, such as Cellpose's `_seg.npy`; False without such a header."""
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        _, _, dtype = read(stream)
    except Exception:  # NumPy's parser of headers raises anything at all, such as tokenize.TokenError
        return False
    return bool(dtype.hasobject)


def _mapped(path: Path) -> AnyArray:
    with path.open("rb") as stream, decoding():
        if holds_objects(stream):
            raise DataError("it holds Python objects, which are not read, as they can run code. Save a plain array.")
    with decoding():
        array: AnyArray = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.dtype.names is not None:
        raise DataError("it holds records with named fields. Save one number per pixel and channel.")
    if array.ndim not in (2, 3) or not array.size:
        raise DataError(
            f"the array has the shape {array.shape}. Height x width is needed, or height x width x channels."
        )
    if array.ndim == 3 and array.shape[0] <= _MAX_CHANNELS_FIRST < array.shape[2]:
        raise DataError(
            f"the array has the shape {array.shape}, which looks like channels x height x width. "
            "Save it with the channels last: np.moveaxis(array, 0, -1)."
        )
    return array if array.ndim == 3 else array[..., None]
