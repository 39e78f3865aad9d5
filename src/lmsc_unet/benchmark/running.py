"""A variant's file as something to time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lmsc_unet.benchmark.plan import Lane
from lmsc_unet.prediction.backends import open_network
from lmsc_unet.prediction.backends.open_vino import open_with_hint
from lmsc_unet.prediction.modelfile import read_description
from lmsc_unet.prediction.network import Network
from lmsc_unet.prediction.runtime import Runtime
from lmsc_unet.training.loading import as_network, load_module


def open_lane(lane: Lane, file: Path, size_px: int) -> Callable[[], None]:
    """Loads a file; gives what runs one batch of it.

    Raises:
        ConfigError: the backend is not installed.
        ModelError: the file cannot be loaded.
    """
    network, channels = OPENERS[lane.variant.backend](lane, file)
    pixels = np.random.default_rng(0).normal(size=(lane.batch, channels, size_px, size_px)).astype(np.float32)

    def run() -> None:
        network(pixels)

    return run


def _open_torch(lane: Lane, file: Path) -> tuple[Network, int]:
    """Eager PyTorch as `lmsc predict` runs it: channels last, in inference mode."""
    module, spec = load_module(file)
    if lane.variant.precision == "bf16":
        module = _InBfloat16(module)
    network = as_network(module)

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        if torch.get_num_threads() != lane.threads:
            torch.set_num_threads(lane.threads)
        return network(pixels)

    return run, spec.input_channels


class _InBfloat16(torch.nn.Module):
    """A network whose weights and sums are bfloat16."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module.to(torch.bfloat16)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits in bfloat16."""
        logits: torch.Tensor = self.module(pixels.to(torch.bfloat16))
        return logits


def _open_runtime(lane: Lane, file: Path) -> tuple[Network, int]:
    description = read_description(file)
    runtime = Runtime(backend=lane.variant.backend, threads=lane.threads)
    if lane.variant.precision == "bf16":
        return open_with_hint(file, description, "CPU", lane.threads, "bf16"), description.spec.input_channels
    return open_network(file, description, runtime), description.spec.input_channels


OPENERS: dict[str, Callable[[Lane, Path], tuple[Network, int]]] = {
    "torch": _open_torch,
    "onnxruntime": _open_runtime,
    "openvino": _open_runtime,
}
