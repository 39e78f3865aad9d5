"""A trained network by its run folder or checkpoint, as the callable that prediction takes."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lmsc_unet.complexity.arithmetic import num_parameters
from lmsc_unet.config import from_mapping
from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.inference.loading import find_file
from lmsc_unet.inference.outputs import Network
from lmsc_unet.inference.runtime import TORCH, Runtime
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.models import build_model
from lmsc_unet.training.checkpoint import read_checkpoint
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.network import network_config

PREFIX = "network."
BYTES_PER_WEIGHT = 4


def load_model(path: Path, runtime: Runtime = Runtime()) -> tuple[Network, ModelSpec]:  # noqa: B008 - frozen
    """Loads `best.ckpt` of a run folder, or a checkpoint file, on the GPU where there is one.

    Raises:
        ModelError: nothing is there, or it is damaged, or it does not fit the model that it names.
        ConfigError: another backend is named; these are for exported files.
    """
    if runtime.backend not in (None, TORCH):
        raise ConfigError(
            f"{path}: a checkpoint runs on PyTorch, not on {runtime.backend}. Export it first: "
            f"lmsc export {path} --out model.onnx"
        )
    if runtime.threads is not None:
        torch.set_num_threads(runtime.threads)
    module, spec = load_module(path)
    return as_network(module), spec


def load_module(path: Path) -> tuple[nn.Module, ModelSpec]:
    """The PyTorch network in evaluation mode, and how it wants its images.

    Raises:
        ModelError: nothing is there, or it is damaged, or it does not fit the model that it names.
    """
    checkpoint_path = find_file(path)
    checkpoint = read_checkpoint(checkpoint_path)
    own, weights = checkpoint["lmsc"], weights_of(checkpoint)
    try:
        spec = from_mapping(ModelSpec, own.get("spec"), "spec")
        config = from_mapping(TrainConfig, own.get("config"), "config")
        model = network_config(config, spec.input_channels, spec.num_logits)
    except ConfigError as error:
        raise ModelError(f"{checkpoint_path}: its config cannot be used: {error}") from error
    if BYTES_PER_WEIGHT * num_parameters(model) > _num_bytes(weights):  # before as many are made
        raise ModelError(f"{checkpoint_path}: its weights do not fit the model {config.model!r} that it names.")
    network = build_model(model)
    _load_weights(network, weights, checkpoint_path, config.model)
    return network.eval(), spec


def weights_of(checkpoint: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The network's weights by their names in it, as `read_checkpoint` gives them."""
    state = checkpoint["state_dict"]
    return {str(key).removeprefix(PREFIX): state[key] for key in state if str(key).startswith(PREFIX)}


def as_network(module: nn.Module) -> Network:
    """A callable from numpy pixels to numpy logits around a PyTorch network, computing in float32."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    module = module.to(device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            batch = torch.from_numpy(pixels).to(device, memory_format=torch.channels_last)
            logits: NDArray[np.float32] = module(batch).float().contiguous().cpu().numpy()
        return logits

    return run


def _num_bytes(weights: dict[str, torch.Tensor]) -> int:
    """What weights take in memory, parts of one storage once."""
    storages = [value.untyped_storage() for value in weights.values()]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _load_weights(network: nn.Module, weights: dict[str, torch.Tensor], path: Path, model: str) -> None:
    try:
        network.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise ModelError(f"{path}: its weights do not fit the model {model!r} that it names ({first}).") from error
