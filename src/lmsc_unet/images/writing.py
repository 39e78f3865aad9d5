"""Pictures on disk: PNG without loss, whole or not at all."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from lmsc_unet.errors import OutputError
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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, png_parts(blocks, height_px, width_px))
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}). Free space or choose another folder."
        ) from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_whole(path: Path, parts: Iterable[bytes]) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(parts)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
