"""Pictures on disk: PNG without loss, whole or not at all."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from lmsc_unet.files import replacing
from lmsc_unet.images.info import AnyArray
from lmsc_unet.images.png import png_parts

_BLOCK_BYTES = 1 << 20


def write_png(path: Path, array: AnyArray) -> None:
    """Writes `H W`, `H W 1` or `H W 3` (RGB) of uint8 or uint16 as PNG; missing folders are made.

    The bytes go to a temporary file in the same folder that then takes the name, so that a reader or a
    crash never meets half a picture.

    Raises:
        OutputError: the disk is full or the folder may not be written.
    """
    step = max(1, _BLOCK_BYTES // max(1, array[:1].nbytes))
    blocks = (array[start : start + step] for start in range(0, len(array), step))
    write_png_rows(path, blocks, *array.shape[:2])


def write_png_rows(path: Path, blocks: Iterable[AnyArray], height_px: int, width_px: int) -> None:
    """Writes a picture that comes in blocks of rows, as `write_png` does, and keeps one block in memory.

    Raises:
        OutputError: the disk is full or the folder may not be written.
    """
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.writelines(png_parts(blocks, height_px, width_px))


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
