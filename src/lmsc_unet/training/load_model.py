"""Loads a trained network from its run folder or checkpoint, for prediction and for export."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lmsc_unet.catalog import ModelConfig, model_config
from lmsc_unet.complexity.arithmetic import num_parameters
from lmsc_unet.config import from_mapping
from lmsc_unet.core.storage import sha256
from lmsc_unet.datasets.options import ChunkOptions, DataOptions
from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.evaluation.session import pieces_of
from lmsc_unet.inference.loading import find_file
from lmsc_unet.inference.outputs import Network
from lmsc_unet.inference.runtime import TORCH, Runtime
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.models import build_model
from lmsc_unet.training.checkpoint import read_checkpoint
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.run_folder import is_run, read_config


def network_config(config: TrainConfig, input_channels: int, num_outputs: int) -> ModelConfig:
    """The catalog's config of a run's model, with the overrides of `config.network`, the channels and outputs.

    Raises:
        ConfigError: an unknown model, an unknown field, or one that follows from the data.
    """
    base = model_config(config.model, input_channels=input_channels, num_classes=num_outputs)
    fields = {name: getattr(base, name) for name in base.__dataclass_fields__}
    changes = {str(key).replace("-", "_"): value for key, value in config.network.items()}
    if changes.keys() & {"input_channels", "num_classes"}:
        raise ConfigError("network.input_channels and network.num_classes follow from the data; leave them out.")
    return from_mapping(type(base), fields | changes, "network")


PREFIX = "network."
BYTES_PER_WEIGHT = 4


def load_model(path: Path, runtime: Runtime = Runtime()) -> tuple[Network, ModelSpec]:  # noqa: B008 - frozen
    """Loads `best.ckpt` of a run folder, or a checkpoint file, on the GPU if there is one.

    Raises:
        ModelError: it does not exist, is damaged, or does not fit the model that it names.
        ConfigError: a backend for exported files was chosen.
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
    """Loads the PyTorch network in evaluation mode and its spec.

    Raises:
        ModelError: it does not exist, is damaged, or does not fit the model that it names.
    """
    checkpoint_path = find_file(path)
    checkpoint = read_checkpoint(checkpoint_path)
    own, weights = checkpoint["lmsc"], weights_of(checkpoint)
    try:
        spec = from_mapping(ModelSpec, own.get("spec"), "spec")
        config = from_mapping(TrainConfig, own.get("config"), "config")
        model = network_config(config, spec.input_channels, spec.num_outputs)
    except ConfigError as error:
        raise ModelError(f"{checkpoint_path}: its config cannot be used: {error}") from error
    if BYTES_PER_WEIGHT * num_parameters(model) > _num_bytes(weights):  # checked before allocation
        raise ModelError(f"{checkpoint_path}: its weights do not fit the model {config.model!r} that it names.")
    network = build_model(model)
    _load_weights(network, weights, checkpoint_path, config.model)
    return network.eval(), spec


def weights_of(checkpoint: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The network's weights by parameter name, from the result of `read_checkpoint`."""
    state = checkpoint["state_dict"]
    return {str(key).removeprefix(PREFIX): state[key] for key in state if str(key).startswith(PREFIX)}


def as_network(module: nn.Module) -> Network:
    """Wraps a PyTorch network as a callable from NumPy pixels to NumPy logits, in float32."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    module = module.to(device).to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            batch = torch.from_numpy(pixels).to(device, memory_format=torch.channels_last)
            logits: NDArray[np.float32] = module(batch).float().contiguous().cpu().numpy()
        return logits

    return run


def _num_bytes(weights: dict[str, torch.Tensor]) -> int:
    """The memory of all weights; shared storage counts once."""
    storages = [value.untyped_storage() for value in weights.values()]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _load_weights(network: nn.Module, weights: dict[str, torch.Tensor], path: Path, model: str) -> None:
    try:
        network.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise ModelError(f"{path}: its weights do not fit the model {model!r} that it names ({first}).") from error


SPLIT_FILE, SUMMARY_FILE = "split.csv", "summary.json"


@dataclass(frozen=True, kw_only=True)
class TrainedRun:
    """A trained network and its origin."""

    network: nn.Module
    """The network in evaluation mode, with its batch norms."""
    spec: ModelSpec
    """How its input is made."""
    checkpoint: Path
    """The checkpoint file."""
    checkpoint_sha256: str
    """Its SHA-256."""
    data_options: DataOptions
    """The layout of the run's data folder; defaults for a checkpoint without its run."""
    pieces: ChunkOptions
    """How the run's recordings became spectrograms; for a checkpoint without its run, from its spec."""
    split_file: Path | None
    """The training and validation images of the run."""
    data: Path | None
    """The run's data folder, if recorded and still there."""
    commit: str
    """The commit that trained it; empty if unknown."""


def open_trained_run(model: Path) -> TrainedRun:
    """Loads a run folder or a checkpoint.

    Raises:
        ModelError: it does not exist, is damaged, or does not fit the model that it names.
    """
    checkpoint = find_file(model)
    network, spec = load_module(checkpoint)
    folder = checkpoint.parent
    summary = _summary(folder)
    config = read_config(folder) if is_run(folder) else None
    split_file, data = folder / SPLIT_FILE, Path(str(summary.get("data") or ""))
    return TrainedRun(
        network=network,
        spec=spec,
        checkpoint=checkpoint,
        checkpoint_sha256=sha256(checkpoint),
        data_options=config.data if config is not None else DataOptions(),
        pieces=config.recordings if config is not None else pieces_of(spec),
        split_file=split_file if split_file.is_file() else None,
        data=data if summary.get("data") and data.is_dir() else None,
        commit=str(summary.get("commit") or ""),
    )


def _summary(folder: Path) -> dict[str, Any]:
    """summary.json of a finished run; empty if there is none."""
    try:
        summary = json.loads((folder / SUMMARY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}
