"""Opens each benchmark case for timing: exported files, PyTorch, and on a GPU torch.compile and CUDA graphs.

The GPU cases are untested.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lmsc_unet.benchmark.plan import ON_GPU, Case
from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.backends import find_backend, open_network, read_description
from lmsc_unet.inference.backends.onnx_runtime import has_provider
from lmsc_unet.inference.backends.open_vino import open_with_hint
from lmsc_unet.inference.outputs import Network
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.training.load_model import load_module

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
WARM_UP = 3
Run = Callable[[Tensor], Tensor]


def why_skipped(backend: str) -> str | None:
    """Why a GPU case cannot be measured here; None if it can, or is not a GPU case."""
    if backend not in ON_GPU:
        return None
    if not torch.cuda.is_available():
        return f"{backend}: skipped, as PyTorch {torch.__version__} sees no CUDA GPU here"
    return _why_no_tensorrt() if backend == "tensorrt" else None


def _why_no_tensorrt() -> str | None:
    try:
        find_backend("tensorrt")
    except ConfigError as error:
        return f"tensorrt: skipped. {error}"
    if not has_provider("TensorrtExecutionProvider"):
        return "tensorrt: skipped, as the installed ONNX Runtime has no TensorRT. Try: pip install onnxruntime-gpu"
    return None


def open_on_gpu(lane: Case, file: Path) -> tuple[Network, int]:
    """A checkpoint on the GPU, channels last; transfers of image and logits are timed too."""
    module, spec = load_module(file)
    dtype = DTYPES[lane.variant.precision]
    module = module.to("cuda", dtype).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    run = RUNNERS[lane.variant.backend](module)

    def network(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            batch = torch.from_numpy(pixels).to("cuda", dtype).contiguous(memory_format=torch.channels_last)
            return np.asarray(run(batch).float().cpu().numpy())

    return network, spec.input_channels


def _eager(module: nn.Module) -> Run:
    return module


def _compiled(module: nn.Module) -> Run:
    compiled: Run = torch.compile(module, mode="max-autotune-no-cudagraphs")
    return compiled


def _as_graph(module: nn.Module) -> Run:
    """Captures a CUDA graph at the first call; later calls must have the same shape."""
    captured: list[tuple[torch.cuda.CUDAGraph, Tensor, Tensor]] = []

    def run(batch: Tensor) -> Tensor:
        if not captured:
            captured.append(_capture(module, batch.clone()))
        graph, source, logits = captured[0]
        source.copy_(batch)
        graph.replay()
        return logits

    return run


def _capture(module: nn.Module, source: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor, Tensor]:
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            module(source)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        logits: Tensor = module(source)
    return graph, source, logits


RUNNERS: Mapping[str, Callable[[nn.Module], Run]] = MappingProxyType(
    {"cuda": _eager, "cuda-compile": _compiled, "cuda-graphs": _as_graph}
)


def open_lane(lane: Case, file: Path, size_px: int) -> Callable[[], None]:
    """Loads a file; returns a function that runs one batch.

    Raises:
        ConfigError: the backend is not installed.
        ModelError: the file cannot be loaded.
    """
    network, channels = open_variant(lane, file)
    pixels = np.random.default_rng(0).normal(size=(lane.batch, channels, size_px, size_px)).astype(np.float32)

    def run() -> None:
        network(pixels)

    return run


def open_variant(lane: Case, file: Path) -> tuple[Network, int]:
    """The network of a case, and its input channels.

    Raises:
        ConfigError: the backend is not installed.
        ModelError: the file cannot be loaded.
    """
    return OPENERS[lane.variant.backend](lane, file)


def _open_torch(lane: Case, file: Path) -> tuple[Network, int]:
    """Eager PyTorch on the processor, like `lmsc predict`: channels last, in inference mode."""
    module, spec = load_module(file)
    dtype = torch.bfloat16 if lane.variant.precision == "bf16" else torch.float32
    module = module.to(dtype).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        if torch.get_num_threads() != lane.threads:
            torch.set_num_threads(lane.threads)
        with torch.inference_mode():
            batch = torch.from_numpy(pixels).to(dtype, memory_format=torch.channels_last)
            return np.asarray(module(batch).float().contiguous().numpy())

    return run, spec.input_channels


def _open_runtime(lane: Case, file: Path) -> tuple[Network, int]:
    description = read_description(file)
    runtime = Runtime(backend=lane.variant.backend, threads=lane.threads)
    if lane.variant.precision == "bf16":
        return open_with_hint(file, description, "CPU", runtime, "bf16"), description.spec.input_channels
    return open_network(file, description, runtime), description.spec.input_channels


OPENERS: dict[str, Callable[[Case, Path], tuple[Network, int]]] = {
    "torch": _open_torch,
    "onnxruntime": _open_runtime,
    "openvino": _open_runtime,
    "cuda": open_on_gpu,
    "cuda-compile": open_on_gpu,
    "cuda-graphs": open_on_gpu,
    "tensorrt": _open_runtime,
}
