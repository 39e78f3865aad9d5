"""A small picture in any type, and files of it as other programs write them."""

from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image

HEIGHT_PX, WIDTH_PX = 24, 40


def picture(channels=3, dtype=np.uint8, height_px=HEIGHT_PX, width_px=WIDTH_PX):
    """Differs in every pixel and channel, and is no mirror image of itself."""
    y, x, c = np.mgrid[:height_px, :width_px, :channels]
    values = y * 7 + x * 3 + c * 50 + (x * y) % 5
    if np.dtype(dtype).kind == "f":
        return (values / 300).astype(dtype)
    return (values % 256 * (np.iinfo(dtype).max // 255 if np.iinfo(dtype).max > 255 else 1)).astype(dtype)


def squeezed(array):
    return array[..., 0] if array.shape[2] == 1 else array


def pillow(path: Path, array, mode=None, **options) -> Path:
    made = Image.fromarray(squeezed(array))
    (made.convert(mode) if mode else made).save(path, **options)
    return path


def opencv(path: Path, array) -> Path:
    """Writes RGB or RGBA of 8 or 16 bits."""
    order = [2, 1, 0, 3][: array.shape[2]] if array.shape[2] > 1 else [0]
    assert cv2.imwrite(str(path), np.ascontiguousarray(array[..., order]))
    return path


def tiff(path: Path, array, **options) -> Path:
    options = {"photometric": "rgb" if array.shape[-1] in (3, 4) else "minisblack", **options}
    if array.ndim == 3 and array.shape[2] > 1:
        options = {"planarconfig": "contig", **options}
    tifffile.imwrite(path, squeezed(array) if array.ndim == 3 else array, **options)
    return path
