"""PNG, JPEG, BMP, GIF, WebP and JPEG 2000 by Pillow, with checks before Pillow decodes them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from lmsc_unet.errors import DataError
from lmsc_unet.imageio.info import AnyArray, ImageInfo, decoding, plain_dtype, turned_size
from lmsc_unet.imageio.write import SIGNATURE, deep_png_pixels, has_png_chunks

_SOC, _EOC = b"\xff\x4f\xff\x51", b"\xff\xd9"  # start, with the sizes, and end of a JPEG 2000 codestream
_NUM_COMPONENTS, _FIRST_DEPTH = 40, 42  # byte offsets from the start
_CODING, _TRANSFORM = b"\xff\x52\0", 13  # the coding marker and the offset of its wavelet: 0 is lossy


def is_lossy(kind: str, data: bytes) -> bool:
    """Whether the compression changes values: JPEG, and WebP and JPEG 2000 unless lossless."""
    if kind == "WEBP":
        return b"VP8 " in data[12:]
    if kind == "JPEG2000":
        coding = data.find(_CODING)
        return data[coding + _TRANSFORM : coding + _TRANSFORM + 1] == b"\0"
    return kind == "JPEG"


def check_single(picture: ImageFile.ImageFile) -> None:
    """Raises DataError if a GIF or WebP is an animation. The caller adds the file's name."""
    if getattr(picture, "is_animated", False):
        number = getattr(picture, "n_frames", 2)
        raise DataError(
            f"it is an animation of {number} frames. One image per file is needed: save each frame by itself."
        )


def check_end(kind: str, data: bytes) -> None:
    """Raises DataError if a file of these types is truncated. The caller adds the file's name."""
    if kind in _HAS_END and not _HAS_END[kind](data):
        raise DataError("it is truncated: its end is missing. Copy or export it again.")


def check_depth(data: bytes) -> None:
    """Rejects depths of JPEG 2000 that Pillow would change: colours with more than 8 bits, signed numbers.

    Raises:
        DataError: the caller adds the file's name.
    """
    depths = _depths(data)
    if any(depth < 0 or depth > 16 for depth in depths) or (len(depths) > 1 and max(depths, default=8) > 8):
        words = ", ".join(f"{abs(depth)}{' (signed)' if depth < 0 else ''}" for depth in depths)
        raise DataError(
            f"it is JPEG 2000 of {len(depths)} channels with {words} bits. Grey of up to 16 bits and colours of up to "
            "8 are read: save it as TIFF."
        )


def unscaled(array: AnyArray, data: bytes) -> AnyArray:
    """JPEG 2000 values as stored: Pillow scales 1 to 7 and 9 to 15 bits to 8 and 16."""
    depth = max(_depths(data), default=8)
    return array >> (-depth % 8)


def _depths(data: bytes) -> list[int]:
    """Bits per component, negative if signed; empty if `data` does not begin with the codestream."""
    start = data.find(_SOC)
    if start < 0 or len(data) <= start + _FIRST_DEPTH:
        return []
    number = int.from_bytes(data[start + _NUM_COMPONENTS :][:2], "big")
    bits = data[start + _FIRST_DEPTH :: 3][:number]
    return [-((one & 0x7F) + 1) if one & 0x80 else (one & 0x7F) + 1 for one in bits]


def _has_gif_end(data: bytes) -> bool:
    return data.rstrip(b"\0\r\n ").endswith(b";")


def _has_webp_end(data: bytes) -> bool:
    return len(data) >= 8 + int.from_bytes(data[4:8], "little")


def _has_jpeg_2000_end(data: bytes) -> bool:
    """Whether the end marker follows the codestream's start; it cannot occur inside."""
    start = data.find(_SOC)
    return start >= 0 and data.find(_EOC, start) >= 0


_HAS_END: Mapping[str, Callable[[bytes], bool]] = MappingProxyType(
    {"GIF": _has_gif_end, "WEBP": _has_webp_end, "JPEG2000": _has_jpeg_2000_end}
)


Opener = Callable[[BinaryIO], ImageFile.ImageFile]

# The classes and not `Image.open`, whose pixel limit is a global of the process.
OPENERS: dict[str, Opener] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
}

_ORIENTATION_TAG = 274
_PNG_DEPTH, _PNG_COLOUR = 24, 25  # byte offsets in IHDR
_GREY_MODES = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L")
_DEEP_MODES = {"I": "float32", "F": "float32", "I;16": "uint16", "I;16B": "uint16", "I;16L": "uint16"}


def opened(stream: BinaryIO, kind: str) -> ImageFile.ImageFile:
    """Opens an image and reads only the header.

    Raises:
        DataError: it is damaged. The caller adds the file's name.
    """
    with decoding():
        return OPENERS[kind](stream)


def raster_info(picture: ImageFile.ImageFile, head: bytes) -> ImageInfo:
    """The header's information; `head` is the file's first 32 bytes."""
    orientation = _orientation(picture)
    height_px, width_px = turned_size(picture.height, picture.width, orientation)
    dtype = "uint16" if _is_deep_png(head) else _DEEP_MODES.get(picture.mode, "uint8")
    if picture.mode == "LAB":
        raise DataError("it is in CIELAB colours. Save it as RGB.")
    return ImageInfo(
        height_px=height_px,
        width_px=width_px,
        channels=_channels(picture, head),
        dtype=plain_dtype(np.dtype(dtype)),
        orientation=orientation,
    )


def raster_pixels(picture: ImageFile.ImageFile, data: bytes) -> AnyArray:
    """Decodes to `H W C`, RGB order, without alpha, palette resolved; not yet turned."""
    if _is_deep_png(data) and data[_PNG_COLOUR] != 0:
        return deep_png_pixels(data)[..., : _channels(picture, data)]
    if picture.mode == "1":
        return np.asarray(picture.convert("L"))[..., None]
    if picture.mode in _GREY_MODES:
        grey = _with_channels(np.asarray(picture))[..., :1]
        return unscaled(grey, data) if picture.format == "JPEG2000" else grey
    rgb = picture if picture.mode in ("RGB", "RGBA", "RGBX") else picture.convert("RGB")
    return np.asarray(rgb)[..., :3]


def stored_values(picture: ImageFile.ImageFile, data: bytes) -> tuple[AnyArray, int]:
    """Decodes to the stored values `H W C`, a palette to its indices; also returns the number of alpha channels."""
    if _is_deep_png(data) and data[_PNG_COLOUR] != 0:
        array = deep_png_pixels(data)
        return array, array.shape[2] - _channels(picture, data)
    if picture.mode == "1":
        return np.asarray(picture).astype(np.uint8)[..., None], 0
    known = picture if picture.mode in (*_GREY_MODES, "P", "PA", "RGB", "RGBA") else picture.convert("RGB")
    array = _with_channels(np.asarray(known)) // _grey_step(picture, data)
    array = unscaled(array, data) if picture.format == "JPEG2000" else array
    return array, int(known.mode in ("LA", "La", "PA", "RGBA"))


def palette_of(picture: ImageFile.ImageFile) -> NDArray[np.uint8] | None:
    """The colours `N 3` of palette indices; None without a palette."""
    if picture.mode not in ("P", "PA"):
        return None
    return np.array(picture.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)


def bits_of(picture: ImageFile.ImageFile, data: bytes) -> int:
    """Bits per value in the file."""
    if picture.format == "PNG" and picture.mode not in ("P", "PA"):
        return int(data[_PNG_DEPTH])
    return {"1": 1, "I": 32, "F": 32, "I;16": 16, "I;16B": 16, "I;16L": 16}.get(picture.mode, 8)


def check_whole(picture: ImageFile.ImageFile, data: bytes) -> None:
    """Rejects files that decoders would silently complete or change: truncated, wrong checksums, animations.

    Raises:
        DataError: the caller adds the file's name.
    """
    if picture.format == "JPEG" and not _has_jpeg_end(data):
        raise DataError("it is truncated: its end is missing. Copy or export it again.")
    if picture.format == "PNG" and not has_png_chunks(data):
        raise DataError("it is truncated or damaged: a chunk is missing or has a wrong checksum. Export it again.")
    with decoding():
        check_single(picture)
    check_end(str(picture.format), data)
    if picture.format == "JPEG2000":
        check_depth(data)
    with decoding():
        picture.load()


def _has_jpeg_end(data: bytes) -> bool:
    """Whether the end-of-image marker follows the first scan; it cannot occur inside a scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xDA:
            return data.find(b"\xff\xd9", at) >= 0
        at += 1 if data[at + 1] == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False


def _is_deep_png(head: bytes) -> bool:
    return head.startswith(SIGNATURE) and head[_PNG_DEPTH] == 16


def _grey_step(picture: ImageFile.ImageFile, data: bytes) -> int:
    """The step between grey values: Pillow scales PNG values of 2 and 4 bits to 0..255."""
    is_small = picture.format == "PNG" and data[_PNG_COLOUR] == 0 and data[_PNG_DEPTH] in (2, 4)
    return int(255 // (2 ** data[_PNG_DEPTH] - 1)) if is_small else 1


def _channels(picture: ImageFile.ImageFile, head: bytes) -> int:
    if _is_deep_png(head):
        return 1 if head[_PNG_COLOUR] in (0, 4) else 3
    return 1 if picture.mode in _GREY_MODES else 3


def _with_channels(array: AnyArray) -> AnyArray:
    return array if array.ndim == 3 else array[..., None]


def _orientation(picture: ImageFile.ImageFile) -> int:
    """The EXIF orientation; for PNG only from before the pixels, as Pillow would decode them to read further."""
    if picture.format in ("BMP", "GIF", "JPEG2000") or (picture.format == "PNG" and "exif" not in picture.info):
        return 1
    with decoding():
        exif: Image.Exif = picture.getexif()
        value = exif.get(_ORIENTATION_TAG, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
