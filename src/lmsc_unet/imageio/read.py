"""Reads an image file as an array; errors name the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from lmsc_unet.errors import DataError
from lmsc_unet.imageio import npy, raster
from lmsc_unet.imageio.info import IMAGE_KINDS, MAX_PIXELS, AnyArray, ImageInfo, check_limits, plain_values, turn

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG2000",
    b"\xff\x4f\xff\x51": "JPEG2000",
    npy.MAGIC: "NPY",
}
_NUM_HEAD_BYTES = 32


def read_info(path: Path) -> ImageInfo:
    """Reads the header: size after EXIF orientation, channels without alpha, type of values.

    For a TIFF with alpha it also reads the pixels: a fourth band that is not transparency is a channel.

    Raises:
        DataError: the file is missing, empty, of unknown type, or its header is damaged.
    """
    with named(path):
        head = file_head(path)
        if kind_of(head) == "TIFF":
            from lmsc_unet.imageio.tiff import reader as tiff  # imported here: other formats do not need tifffile

            with tiff.opened(path) as file:
                return file.info
        if kind_of(head) == "NPY":
            return npy.npy_info(path)
        with path.open("rb") as stream:
            return raster.raster_info(raster.opened(stream, kind_of(head)), head)


def header_size(path: Path) -> tuple[int, int]:
    """Height and width in pixels from the header alone, of a TIFF with alpha too.

    Raises:
        DataError: as `read_info`.
    """
    with named(path):
        if kind_of(file_head(path)) == "TIFF":
            from lmsc_unet.imageio.tiff import reader as tiff

            with tiff.opened(path) as file:
                return file.header.height_px, file.header.width_px
    info = read_info(path)
    return info.height_px, info.width_px


def read_image(path: Path, *, max_pixels: int = MAX_PIXELS) -> AnyArray:
    """Reads an image as `H W C`: uint8, uint16 or float32, RGB order, EXIF applied, alpha dropped.

    A TIFF's alpha channel is kept if it is not mere transparency (see `ImageInfo.keeps_alpha`).

    The first bytes decide on the file type, not the suffix. Palettes become RGB, bits 0 and 255, other integers and
    floats float32; otherwise values are those of the file.

    Raises:
        DataError: the file is missing, empty, truncated, damaged, multi-page or too large; names it.
    """
    with named(path):
        return _read(path, max_pixels)


def _read(path: Path, max_pixels: int) -> AnyArray:
    head = file_head(path)
    kind = kind_of(head)
    if kind == "TIFF":
        from lmsc_unet.imageio.tiff import reader as tiff

        with tiff.opened(path) as file:
            file.check(max_pixels)
            array, info = file.pixels(), file.header
    elif kind == "NPY":
        info = npy.npy_info(path)
        check_limits(info, max_pixels)
        array = npy.npy_array(path)
    else:
        data = path.read_bytes()
        picture = raster.opened(BytesIO(data), kind)
        info = raster.raster_info(picture, data)
        check_limits(info, max_pixels)
        raster.check_whole(picture, data)
        array = raster.raster_pixels(picture, data)
    return plain_values(turn(array, info.orientation))


def file_head(path: Path) -> bytes:
    """The first bytes of a file, which identify its type."""
    with path.open("rb") as stream:
        head = stream.read(_NUM_HEAD_BYTES)
    if not head:
        raise DataError("the file is empty (0 bytes). Copy or export it again.")
    return head


def kind_of(head: bytes) -> str:
    """The type of an image by its first bytes."""
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    raise DataError(f"the content is no {IMAGE_KINDS}. Save it as one of these.")


def is_tiff(path: Path) -> bool:
    """Whether the content of a file is TIFF or BigTIFF."""
    return kind_of(file_head(path)) == "TIFF"


def is_lossy_file(path: Path) -> bool:
    """Whether the content of a file is JPEG; False if it cannot be read."""
    try:
        return kind_of(file_head(path)) == "JPEG"
    except (OSError, DataError):
        return False


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Adds the file's name to errors, and converts the system's errors."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise DataError(f"{path}: this is a folder, not a picture.") from None
    except MemoryError as error:
        raise DataError(f"{path}: the picture does not fit into memory. Cut it into smaller ones.") from error
    except OSError as error:
        raise DataError(f"{path}: the file cannot be read ({error.strerror or error}).") from error
