"""OpenVINO on the processor, in float32 where the file is: its own default would be bfloat16."""

import re
import threading
from hashlib import sha256 as sha256_of
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.storage import sha256
from lmsc_unet.errors import ModelError
from lmsc_unet.inference.metadata import KEY, Description, check_graph, from_text
from lmsc_unet.inference.onnx_graph import MOST_VALUES_PER_PX
from lmsc_unet.inference.outputs import Network
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.inference.spec import ModelSpec


def open_session(path: Path, description: Description, device: str, runtime: Runtime) -> Network:
    """Opens a model file.

    Raises:
        ModelError: OpenVINO rejects the file.
    """
    return open_with_hint(path, description, device, runtime, "f32")


def open_with_hint(path: Path, description: Description, device: str, runtime: Runtime, hint: str) -> Network:
    """Opens a model file with a precision for its float32 layers: "f32" or "bf16".

    Raises:
        ModelError: OpenVINO rejects the file.
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

    own = threading.local()  # an inference request serves one thread at a time

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        if not hasattr(own, "request"):
            own.request = compiled.create_infer_request()
        return np.array(own.request.infer([pixels])[0], dtype=np.float32)

    return run


def _shape(side: Any) -> list[int | None]:
    """The lengths of a shape; None for a free side."""
    return [length.get_length() if length.is_static else None for length in side.get_partial_shape()]


DESCRIPTION = KEY.split(".")
"""The place of the description in the file's rt_info."""
WEIGHTS_SHA256 = [DESCRIPTION[0], "weights_sha256"]
"""The place of the weights file's SHA-256."""

OPERATORS = (
    *("Parameter", "Result", "Constant", "Convolution", "ConvolutionBackpropData", "GroupConvolution", "MaxPool"),
    *("Relu", "Clamp", "Add", "Subtract", "Multiply", "Concat", "FakeQuantize", "Convert", "Reshape", "Transpose"),
    *("Sigmoid", "Softmax", "TopK", "GreaterEqual", "Interpolate", "DepthToSpace", "Gather"),
)
"""The operators that `lmsc export --to openvino` writes."""
_WEIGHTS_LINE = re.compile(rb'<weights_sha256 value="[0-9a-f]{64}" ?/>')
_GRAPH_SHA256 = re.compile(rb'(<graph_sha256 value=")([0-9a-f]{64})("/>)')
_NONE_YET = 64 * b"0"


def weights_of(path: Path) -> Path:
    """The weights file: always the one beside the graph."""
    return path.with_suffix(".bin")


def size_mib(path: Path) -> float:
    """The size of a model file of any kind, including a weights file beside it."""
    weights = weights_of(path)
    files = [path, weights] if path.suffix == ".xml" and weights.is_file() else [path]
    return sum(file.stat().st_size for file in files) / 2**20


def read_description(path: Path) -> Description:
    """Reads the description of an IR, and checks the weights file beside it.

    Raises:
        ModelError: a file is damaged or missing, or was not written by lmsc-unet or by a newer one.
    """
    model, weights = read_graph(path), weights_of(path)
    if not model.has_rt_info(DESCRIPTION):
        raise ModelError(
            f"{path}: the file has no rt_info {KEY!r}, which says how images are prepared and what the logits mean. "
            "Use a file that `lmsc export --to openvino` wrote."
        )
    description = from_text(_text(model, DESCRIPTION), path)
    if not model.has_rt_info(WEIGHTS_SHA256) or _text(model, WEIGHTS_SHA256) != sha256(weights):
        raise ModelError(
            f"{path}: {weights.name} beside it holds other weights than were exported with it. "
            "Copy both files together, or export the model again."
        )
    _check_digest(path)
    _check_size(path, model, description.spec)
    return description


def with_digest(content: bytes) -> bytes:
    """Adds the SHA-256 of the graph file's contents to it."""
    line = b'<graph_sha256 value="' + _NONE_YET + b'"/>'
    noted = _WEIGHTS_LINE.sub(lambda found: found[0] + line, content, count=1)
    return _GRAPH_SHA256.sub(rb"\g<1>" + _digest(noted).encode() + rb"\g<3>", noted)


def _digest(content: bytes) -> str:
    """SHA-256 of a graph file with zeros in place of its own digest."""
    return sha256_of(_GRAPH_SHA256.sub(rb"\g<1>" + _NONE_YET + rb"\g<3>", content)).hexdigest()


def _check_digest(path: Path) -> None:
    """Checks the digest; the oldest files have none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: the model cannot be read ({error.strerror}).") from error
    found = _GRAPH_SHA256.search(content)
    if found is not None and found[2].decode() != _digest(content):
        raise ModelError(
            f"{path}: its contents do not match the SHA-256 stored in it; the file was changed or damaged after it "
            "was written. Copy or export it again."
        )


def _check_size(path: Path, model: Any, spec: ModelSpec) -> None:
    """Rejects operators that `lmsc export` never writes, and tensors that grow too large, before allocation."""
    unknown = sorted({step.get_type_name() for step in model.get_ops()} - set(OPERATORS))
    if unknown:
        raise ModelError(
            f"{path}: its graph has the operator {unknown[0]}, which `lmsc export` never writes; "
            f"the known ones are {', '.join(OPERATORS)}. Copy or export it again."
        )
    side_px = 8 * spec.side_multiple_px
    try:
        example = model.clone()
        example.reshape([1, spec.input_channels, side_px, side_px])
        steps = [step for step in example.get_ops() if step.get_type_name() != "Constant"]
        shapes = [side.get_shape() for step in steps for side in step.outputs()]
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ModelError(f"{path}: its graph does not fit its description ({reason}). Export it again.") from error
    largest = max(map(prod, shapes), default=0) / side_px**2
    if largest > MOST_VALUES_PER_PX:
        raise ModelError(
            f"{path}: a step of its graph gives {largest:.4g} values for each pixel of the image; at most "
            f"{MOST_VALUES_PER_PX} are taken. Copy or export it again."
        )


def read_graph(path: Path) -> Any:
    """Reads an `openvino.Model`.

    Raises:
        ModelError: OpenVINO cannot read it, or its weights are missing.
    """
    import openvino as ov

    weights = weights_of(path)
    if not weights.is_file():
        raise ModelError(f"{path}: {weights.name} with its weights is not beside it. Copy both files together.")
    try:
        return ov.Core().read_model(path, weights)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ModelError(f"{path}: OpenVINO {ov.__version__} cannot read it ({reason}).") from error


def _text(model: Any, place: list[str]) -> str:
    return str(model.get_rt_info(place).astype(str))
