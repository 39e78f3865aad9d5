"""A variant's file as something to time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lmsc_unet.benchmark.gpu import open_on_gpu
from lmsc_unet.benchmark.plan import Lane
from lmsc_unet.inference.backends import open_network, read_description
from lmsc_unet.inference.backends.open_vino import open_with_hint
from lmsc_unet.inference.outputs import Network
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.training.load_model import load_module


def open_lane(lane: Lane, file: Path, size_px: int) -> Callable[[], None]:
    """Loads a file; gives what runs one batch of it.

    Raises:
        ConfigError: the backend is not installed.
        ModelError: the file cannot be loaded.
    """
    network, channels = open_variant(lane, file)
    pixels = np.random.default_rng(0).normal(size=(lane.batch, channels, size_px, size_px)).astype(np.float32)

    def run() -> None:
        network(pixels)

    return run


def open_variant(lane: Lane, file: Path) -> tuple[Network, int]:
    """The network of a lane, and its input channels.

    Raises:
        ConfigError: the backend is not installed.
        ModelError: the file cannot be loaded.
    """
    return OPENERS[lane.variant.backend](lane, file)


def _open_torch(lane: Lane, file: Path) -> tuple[Network, int]:
    """Eager PyTorch on the processor, as `lmsc predict` runs it: channels last, in inference mode."""
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


def _open_runtime(lane: Lane, file: Path) -> tuple[Network, int]:
    description = read_description(file)
    runtime = Runtime(backend=lane.variant.backend, threads=lane.threads)
    if lane.variant.precision == "bf16":
        return open_with_hint(file, description, "CPU", runtime, "bf16"), description.spec.input_channels
    return open_network(file, description, runtime), description.spec.input_channels


OPENERS: dict[str, Callable[[Lane, Path], tuple[Network, int]]] = {
    "torch": _open_torch,
    "onnxruntime": _open_runtime,
    "openvino": _open_runtime,
    "cuda": open_on_gpu,
    "cuda-compile": open_on_gpu,
    "cuda-graphs": open_on_gpu,
    "tensorrt": _open_runtime,
}
