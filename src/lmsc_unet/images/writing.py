"""Pictures on disk: PNG without loss, whole or not at all."""

import hashlib
import os
import tempfile
from pathlib import Path

import cv2
import numpy as np

from lmsc_unet.errors import OutputError
from lmsc_unet.images.info import AnyArray


def write_png(path: Path, array: AnyArray) -> None:
    """Writes `H W`, `H W 1` or `H W 3` (RGB) of uint8 or uint16 as PNG; missing folders are made.

    The bytes go to a temporary file in the same folder that then takes the name, so that a reader or a
    crash never meets half a picture.

    Raises:
        OutputError: the disk is full or the folder may not be written.
    """
    is_colour = array.ndim == 3 and array.shape[2] == 3
    assert array.dtype in (np.uint8, np.uint16), array.dtype
    assert array.ndim == 2 or array.shape[2] in (1, 3), array.shape
    _, encoded = cv2.imencode(".png", np.ascontiguousarray(array[..., ::-1] if is_colour else array))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, encoded.tobytes())
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}). Free space or choose another folder."
        ) from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write_whole(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
