"""JPEG tiles and strips one by one, for TIFFs that leave some of them out: Pillow decodes whole TIFFs alone."""

from io import BytesIO
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import JpegImagePlugin

JPEG = 7
_RGB = 2  # of PhotometricInterpretation
_MODES = ("L", "RGB")


def teach_tifffile_jpeg() -> None:
    """Gives tifffile a decoder of JPEG, where it has none."""
    helpers: Any = getattr(tifffile.tifffile, "imagecodecs", None)
    known = getattr(tifffile.TIFF.DECOMPRESSORS, "_codecs", None)
    if helpers is not None and not hasattr(helpers, "jpeg_decode") and isinstance(known, dict):
        helpers.jpeg_decode = known[JPEG] = decode_jpeg


def decode_jpeg(
    data: bytes,
    *,
    shape: tuple[int, int],
    bitspersample: int = 8,
    tables: bytes | None = None,
    colorspace: int | None = None,
    **_: object,
) -> NDArray[np.uint8]:
    """The values "h w" or "h w 3", of no more than a shape of height and width.

    Raises:
        NotImplementedError: values of more than 8 bits, or colours that are neither grey nor RGB.
        ValueError: the JPEG is larger than the shape.
    """
    if bitspersample != 8:
        raise NotImplementedError(f"JPEG of {bitspersample} bits")
    whole = tables[:-2] + data[2:] if tables else data  # without the end of the one, and the start of the other
    with JpegImagePlugin.JpegImageFile(BytesIO(whole)) as picture:
        if picture.mode not in _MODES:
            raise NotImplementedError(f"JPEG in {picture.mode}")
        if picture.height > shape[0] or picture.width > shape[1]:
            raise ValueError(f"{picture.width} x {picture.height} px in a place of {shape[1]} x {shape[0]}")
        if colorspace == _RGB:  # no colour transform, though no marker says so
            picture.tile = [tile._replace(args=(picture.mode, picture.mode)) for tile in picture.tile]
        return np.asarray(picture)
