"""Exports a run at its first use; later uses run the file beside the checkpoint.

The file's name contains the checkpoint's SHA-256, so a changed checkpoint is exported again. If the run's folder is
not writable, the file goes to the user's cache folder; if the export fails, the checkpoint runs in PyTorch.
"""

import logging
import os
import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from lmsc_unet.core.storage import sha256
from lmsc_unet.errors import ConfigError, LmscError, ModelError
from lmsc_unet.inference.metadata import read_description
from lmsc_unet.inference.runtime import TORCH, Runtime

EXPORTER = "lmsc_unet.export.on_first_use:export_checkpoint"
"""The "module:function" that exports a checkpoint to a file."""
NEEDED = ("onnxruntime", "torch", "onnx", "onnxscript")
"""The packages that an export needs."""


def exported(checkpoint: Path, runtime: Runtime) -> Path | None:
    """The ONNX file of a checkpoint, exported if needed; None if the checkpoint must run in PyTorch.

    Raises:
        ConfigError: a backend was chosen and the checkpoint cannot be exported for it.
        ModelError: the checkpoint cannot be read.
    """
    if runtime.backend == TORCH or (runtime.backend is None and _has_gpu_for_torch()):
        return None
    try:
        sum_of_checkpoint = sha256(checkpoint)
    except OSError as error:
        raise ModelError(f"{checkpoint}: cannot be read ({error.strerror}). See that it may be.") from error
    name = f"{checkpoint.stem}-{sum_of_checkpoint[:16]}.onnx"
    places = checkpoint.with_name(name), cache_folder() / name
    for place in places:
        if _is_of(place, sum_of_checkpoint):
            return place
    return _make(checkpoint, places, runtime)


def cache_folder() -> Path:
    """The folder of exported files whose run folders are not writable."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "lmsc-unet"


def _make(checkpoint: Path, places: tuple[Path, ...], runtime: Runtime) -> Path | None:
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing and runtime.backend is None:
        return None
    if missing:
        raise ConfigError(
            f"{checkpoint}: the backend {runtime.backend} runs an exported file, and {', '.join(missing)} to make one "
            'is not installed. Try: pip install "lmsc-unet[export]"'
        )
    place = next(filter(_is_writable, places), None)
    try:
        if place is None:
            raise ModelError(f"neither {places[0].parent} nor {places[1].parent} can be written")
        _note(f"{checkpoint}: exported once to {place}, which later uses run; --backend {TORCH} does without.")
        module, function = EXPORTER.split(":")
        export: Callable[[Path, Path], None] = getattr(import_module(module), function)
        export(checkpoint, place)
    except LmscError as error:
        if runtime.backend is not None:
            raise ConfigError(f"{checkpoint}: cannot be exported for {runtime.backend}: {error}") from error
        _note(f"{checkpoint}: runs in PyTorch, as it could not be exported: {error}")
        return None
    return place


def _is_of(file: Path, sum_of_checkpoint: str) -> bool:
    """Whether a complete file exists that was exported from this checkpoint."""
    try:
        return file.is_file() and read_description(file).checkpoint_sha256 == sum_of_checkpoint
    except (ModelError, OSError):
        return False


def _is_writable(file: Path) -> bool:
    """Whether the file and its folder can be created."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(file.parent, os.W_OK | os.X_OK)


def _has_gpu_for_torch() -> bool:
    """Whether PyTorch has CUDA and a driver exists: exported files run on the CPU by default.

    A CPU build of PyTorch, which lacks this library, would run the checkpoint far slower than its exported file.
    """
    if shutil.which("nvidia-smi") is None or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    torch = find_spec("torch")
    return torch is not None and any(Path(torch.origin or "").parent.glob("lib/*torch_cuda*"))


def _note(text: str) -> None:
    """Writes to standard error unless the calling program configures logging."""
    logging.getLogger("lmsc_unet").warning("lmsc: note: %s", text)
