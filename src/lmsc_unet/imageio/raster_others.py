"""GIF, WebP and JPEG 2000: what has to be looked at before Pillow decodes them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from PIL import ImageFile

from lmsc_unet.errors import DataError
from lmsc_unet.imageio.info import AnyArray

_SOC, _EOC = b"\xff\x4f\xff\x51", b"\xff\xd9"  # start and end of a JPEG 2000 codestream; the start holds its sizes
_NUM_COMPONENTS, _FIRST_DEPTH = 40, 42  # where their bytes stand after the start
_CODING, _TRANSFORM = b"\xff\x52\0", 13  # the marker of how it is coded, and where it says by which wavelet: 0 rounds


def is_lossy(kind: str, data: bytes) -> bool:
    """Whether the compression changes values: JPEG, and WebP and JPEG 2000 but for their lossless kinds."""
    if kind == "WEBP":
        return b"VP8 " in data[12:]
    if kind == "JPEG2000":
        coding = data.find(_CODING)
        return data[coding + _TRANSFORM : coding + _TRANSFORM + 1] == b"\0"
    return kind == "JPEG"


def check_single(picture: ImageFile.ImageFile) -> None:
    """Raises DataError where a GIF or WebP is an animation. The caller adds the file's name."""
    if getattr(picture, "is_animated", False):
        number = getattr(picture, "n_frames", 2)
        raise DataError(
            f"it is an animation of {number} frames. One image a file is needed: save each frame by itself."
        )


def check_end(kind: str, data: bytes) -> None:
    """Raises DataError where a file of these kinds ends too early. The caller adds the file's name."""
    if kind in _HAS_END and not _HAS_END[kind](data):
        raise DataError("it is truncated: its end is missing. Copy or export it again.")


def check_depth(data: bytes) -> None:
    """Refuses the depths of JPEG 2000 that Pillow would change: colours of more than 8 bits, numbers below 0.

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
    """JPEG 2000 values as stored: Pillow spreads those of 1 to 7 and 9 to 15 bits over 8 and 16."""
    depth = max(_depths(data), default=8)
    return array >> (-depth % 8)


def _depths(data: bytes) -> list[int]:
    """Bits of each component, negative for signed ones; none where the codestream does not begin in `data`."""
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
    """Whether the end marker follows the codestream's start; inside it cannot occur."""
    start = data.find(_SOC)
    return start >= 0 and data.find(_EOC, start) >= 0


_HAS_END: Mapping[str, Callable[[bytes], bool]] = MappingProxyType(
    {"GIF": _has_gif_end, "WEBP": _has_webp_end, "JPEG2000": _has_jpeg_2000_end}
)
