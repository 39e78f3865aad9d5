"""OpenVINO on the processor, computing in float32 where the file does: its own default would be bfloat16."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ModelError
from lmsc_unet.inference.metadata import Description, check_graph
from lmsc_unet.inference.network import Network
from lmsc_unet.inference.runtime import Runtime


def open_session(path: Path, description: Description, device: str, runtime: Runtime) -> Network:
    """Opens a model file.

    Raises:
        ModelError: OpenVINO refuses the file.
    """
    return open_with_hint(path, description, device, runtime, "f32")


def open_with_hint(path: Path, description: Description, device: str, runtime: Runtime, hint: str) -> Network:
    """Opens a model file with a precision for what the file computes in float32: "f32" or "bf16".

    Raises:
        ModelError: OpenVINO refuses the file.
    """
    import openvino as ov

    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": hint}
    if runtime.threads is not None:
        settings["INFERENCE_NUM_THREADS"] = str(runtime.threads)
    if runtime.at_once > 1:
        settings["NUM_STREAMS"] = str(runtime.at_once)
    try:
        model = ov.Core().read_model(path)
        check_graph(
            path, description, [_shape(side) for side in model.inputs], [_shape(side) for side in model.outputs]
        )
        compiled = ov.Core().compile_model(model, device, settings)
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(f"{path}: OpenVINO {ov.__version__} cannot load it ({reason}).") from error

    own = threading.local()  # one request serves one thread at a time

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        if not hasattr(own, "request"):
            own.request = compiled.create_infer_request()
        return np.array(own.request.infer([pixels])[0], dtype=np.float32)

    return run


def _shape(side: Any) -> list[int | None]:
    """A side's lengths; None where one is free."""
    return [length.get_length() if length.is_static else None for length in side.get_partial_shape()]
