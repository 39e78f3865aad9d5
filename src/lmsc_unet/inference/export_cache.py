"""A run is exported when it is first used: the file lies beside the checkpoint and is what later uses run.

Its name holds the checkpoint's SHA-256, so another checkpoint is exported anew. Where the run may not be written, the
file lies in the user's cache folder; where it cannot be made, the checkpoint runs in PyTorch.
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
"""The "module:function" that takes a checkpoint and the file to make of it."""
NEEDED = ("onnxruntime", "torch", "onnx", "onnxscript")
"""The packages that an export takes."""


def exported(checkpoint: Path, runtime: Runtime) -> Path | None:
    """The ONNX file of a checkpoint, made if need be; None where the checkpoint runs in PyTorch.

    Raises:
        ConfigError: a backend is named and the checkpoint cannot be exported for it.
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
    """Where this user's exported runs lie whose own folder may not be written."""
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
    """Whether a whole file is there that was made of the checkpoint."""
    try:
        return file.is_file() and read_description(file).checkpoint_sha256 == sum_of_checkpoint
    except (ModelError, OSError):
        return False


def _is_writable(file: Path) -> bool:
    """Whether a file can be made, and its folder with it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(file.parent, os.W_OK | os.X_OK)


def _has_gpu_for_torch() -> bool:
    """Whether a PyTorch for NVIDIA's GPUs and their driver are there: exported files take the processor by themselves.

    PyTorch's build for processors, which lacks this library, would run the checkpoint far slower than its file.
    """
    if shutil.which("nvidia-smi") is None or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    torch = find_spec("torch")
    return torch is not None and any(Path(torch.origin or "").parent.glob("lib/*torch_cuda*"))


def _note(text: str) -> None:
    """Goes to standard error unless the program that uses us logs otherwise."""
    logging.getLogger("lmsc_unet").warning("lmsc: note: %s", text)
