"""ONNX Runtime: the default on any processor, and on GPUs through its execution providers."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.inference.metadata import INPUT, Description, check_graph
from lmsc_unet.inference.outputs import Network
from lmsc_unet.inference.runtime import Runtime

_FATAL = 4  # hides its own messages, which would repeat ours


def open_session(path: Path, description: Description, device: str, runtime: Runtime) -> Network:
    """Opens a model file on one execution provider, without falling back to another.

    Raises:
        ConfigError: this build of ONNX Runtime lacks the provider, or it does not start.
        ModelError: ONNX Runtime rejects the file.
    """
    import onnxruntime as ort

    _check_provider(device, ort.get_available_providers())
    options = ort.SessionOptions()
    options.log_severity_level = _FATAL
    options.intra_op_num_threads = _threads(runtime)
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # one allocation for all tensors takes 1.6 times the memory and is no faster
    try:
        session = ort.InferenceSession(str(path), options, providers=[device])
    except Exception as error:  # its errors have no common base class
        raise ModelError(f"{path}: ONNX Runtime {ort.__version__} cannot load it ({_first_line(error)}).") from error
    if session.get_providers()[0] != device:
        raise ConfigError(
            f"{device} does not start on this machine. Check that its libraries and driver are installed."
        )
    inputs, outputs = ([side.shape for side in sides] for sides in (session.get_inputs(), session.get_outputs()))
    check_graph(path, description, inputs, outputs)

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            return np.asarray(session.run(None, {INPUT: pixels})[0], dtype=np.float32)
        except Exception as error:
            raise ModelError(
                f"{path}: ONNX Runtime cannot run it on {pixels.shape} ({_first_line(error)}). "
                "Where memory is short, use a smaller --tile-px or --batch."
            ) from error

    return run


def has_provider(name: str) -> bool:
    """Whether the installed ONNX Runtime has an execution provider."""
    import onnxruntime as ort

    return name in ort.get_available_providers()


def _threads(runtime: Runtime) -> int:
    """Threads of a session, including the caller; 0 is ONNX Runtime's default."""
    if runtime.at_once == 1:
        return runtime.threads or 0
    return max(1, (runtime.threads or os.cpu_count() or 1) - runtime.at_once + 1)


def _check_provider(device: str, available: list[str]) -> None:
    """Rejects a missing provider: ONNX Runtime itself falls back to the processor without a message."""
    if device not in available:
        raise ConfigError(
            f"The installed ONNX Runtime has no {device}; it has {', '.join(available)}. "
            "Try: pip uninstall onnxruntime && pip install onnxruntime-gpu"
        )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
