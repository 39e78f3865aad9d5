"""Whether the data is what the metadata was written for."""

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lmsc_unet.signals.recording.recording import RecordingWarning

_BLOCK_BYTES = 1 << 20


def sha512_of(path: Path, *, start_byte: int = 0, num_bytes: int | None = None) -> str:
    """The SHA-512 of a file or a part of it, read in blocks."""
    digest = hashlib.sha512()
    left = path.stat().st_size - start_byte if num_bytes is None else num_bytes
    with path.open("rb") as file:
        file.seek(start_byte)
        while left > 0 and (block := file.read(min(_BLOCK_BYTES, left))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


def warn_of_other_sha512(
    whole: Mapping[str, Any], path: Path, data: Path, *, start_byte: int = 0, num_bytes: int | None = None
) -> None:
    """Warns where the data has another SHA-512 than the metadata names; says nothing where it names none."""
    expected = whole["global"].get("core:sha512")
    if not expected:
        return
    found = sha512_of(data, start_byte=start_byte, num_bytes=num_bytes)
    if str(expected).lower() != found:
        warnings.warn(
            f"{path}: the data has the SHA-512 {found[:12]}..., the metadata names {str(expected)[:12]}...: it was "
            "changed after the metadata was written, or damaged. It is read as it is.",
            RecordingWarning,
            stacklevel=3,
        )
