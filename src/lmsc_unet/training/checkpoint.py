"""Safe checkpoints: written atomically together with their SHA-256, and always read with `weights_only=True`.

The file `last.ckpt.sha256` beside `last.ckpt` has the format of `sha256sum`. It is written first and names both sums,
new and old, until the checkpoint is in place: a kill in between leaves a valid pair.
"""

import os
from pathlib import Path
from typing import Any

import torch

from lmsc_unet.core.storage import remove, sha256, write_text
from lmsc_unet.errors import ModelError, OutputError

FORMAT = 1
"""Version of this project's data in a checkpoint, under the key `lmsc`."""


def write_checkpoint(checkpoint: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint and its SHA-256; a complete checkpoint exists at every moment.

    Raises:
        OutputError: the disk is full or the folder is not writable; the old checkpoint is kept.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        new = sha256(partial)
        _write_sums(path, [new, *_read_sums(path)])
        partial.replace(path)
        _write_sums(path, [new])
        _sync_folder(path.parent)
    except (OSError, RuntimeError, OutputError) as error:
        remove(partial)
        reason = getattr(error, "strerror", None) or "the disk is full or fails"  # torch's RuntimeError has no reason
        raise OutputError(
            f"{path}: the checkpoint cannot be written ({reason}). The one before it is kept. "
            "Free disk space or fix the folder's permissions, then go on with --resume."
        ) from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a checkpoint to the CPU after verifying its SHA-256.

    Raises:
        ModelError: the file is missing, damaged, or not from this project.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such checkpoint. A run folder holds best.ckpt and last.ckpt.")
    try:
        is_whole = not _sums_path(path).is_file() or sha256(path) in _read_sums(path)
    except OSError as error:
        raise ModelError(f"{path}: the checkpoint cannot be read ({error.strerror}). Fix its permissions.") from error
    if not is_whole:
        raise ModelError(
            f"{path}: its SHA-256 is not the one in {_sums_path(path).name}; the file was changed or damaged after it "
            "was written. Restore an intact copy, or train again."
        )
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds of error for a file that is not a checkpoint
        raise ModelError(
            f"{path}: this is not a checkpoint that can be read safely ({type(error).__name__})."
        ) from error
    if not isinstance(checkpoint, dict) or "lmsc" not in checkpoint:
        raise ModelError(f"{path}: this checkpoint is not one of lmsc-unet's. Give a run folder of `lmsc train`.")
    own = checkpoint["lmsc"]
    version = own.get("format") if isinstance(own, dict) else None
    if not isinstance(version, int) or version < 1:
        raise ModelError(f"{path}: this checkpoint does not say which version of lmsc-unet wrote it; it is damaged.")
    if version > FORMAT:
        raise ModelError(f"{path}: written by a newer lmsc-unet; update with `pip install -U lmsc-unet`.")
    state = checkpoint.get("state_dict")
    if not isinstance(state, dict) or not all(map(_is_plain, state.values())):
        raise ModelError(f"{path}: this checkpoint holds no weights; it is damaged. Restore an intact copy.")
    return checkpoint


def _is_plain(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.layout == torch.strided


def _sums_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _read_sums(path: Path) -> list[str]:
    sums = _sums_path(path)
    text = sums.read_text(encoding="utf-8", errors="replace") if sums.is_file() else ""
    return [line.split()[0] for line in text.splitlines() if line.strip()]


def _write_sums(path: Path, sums: list[str]) -> None:
    write_text(_sums_path(path), "".join(f"{value}  {path.name}\n" for value in sums))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
