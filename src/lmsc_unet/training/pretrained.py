"""Initial weights of a training: from a bundled model, a run, a checkpoint or an exported file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lmsc_unet.catalog import CATALOG
from lmsc_unet.config import to_mapping
from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.inference.bundled import bundled_files, float32_file, hint
from lmsc_unet.inference.loading import find_file
from lmsc_unet.inference.metadata import read_description
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.models.onnx_weights import Layer, load_folded, read_layers, restore_norms
from lmsc_unet.training.dataset import Crops
from lmsc_unet.training.load_model import load_module

SEEN_CROPS = 64
"""Crops that initialise the batch-norm means and variances for an exported file."""


def load_initial(network: nn.Module, source: str, spec: ModelSpec, crops: Crops, batch: int) -> None:
    """Loads the initial weights.

    Args:
        network: The network to train.
        source: A bundled model's name, a run folder, a checkpoint, or a float32 file of `lmsc export`.
        spec: How the input of the network to train is made.
        crops: Its training crops.
        batch: Crops per network call.

    Raises:
        ModelError: the model does not exist, is damaged, or has another network.
        ConfigError: it was trained with other channels or classes.
    """
    file = find_initial(source)
    head = {name: values.detach().numpy() for name, values in network.get_submodule("head").named_parameters()}
    if file.suffix == ".ckpt":
        other, of_other = load_module(file)
        _check_same(source, of_other, spec)
        _check_network(source, other, network)
        weights = other.state_dict()
        for name, values in head.items():
            weights[f"head.{name}"] = torch.from_numpy(_with_rows(values, weights[f"head.{name}"].numpy()))
        network.load_state_dict(weights)
    else:
        layers, description = read_layers(file)
        _check_same(source, description.spec, spec)
        if "head" in layers:
            bias = layers["head"].bias
            layers["head"] = Layer(
                weight=_with_rows(head["weight"], layers["head"].weight),
                bias=None if bias is None else _with_rows(head["bias"], bias),
            )
        load_folded(network, layers, str(file))
        restore_norms(network, _batches(crops, batch))


def _with_rows(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The head's rows of their network, as many as ours has; a contour's that theirs lacks stay as they are."""
    rows = min(len(ours), len(theirs))
    return np.concatenate([theirs[:rows], ours[rows:]])


def find_initial(source: str) -> Path:
    """The file of the weights; for a bundled model its float32 file.

    Raises:
        ModelError: it does not exist, or a training cannot start from it.
    """
    file = find_file(source)
    if file in bundled_files().values():
        file = float32_file(source) or file
    if file.suffix not in (".ckpt", ".onnx"):
        raise ModelError(
            f"{file}: a training begins with a run, a checkpoint, a float32 file of `lmsc export` ending in .onnx, or "
            f"a bundled model. {hint(source)}"
        )
    return file


def scaling_settings(source: str) -> Mapping[str, Any]:
    """The network and the intensity settings of the training that made these weights.

    Raises:
        ModelError: the model does not exist or is damaged.
    """
    file = find_initial(source)
    spec = load_module(file)[1] if file.suffix == ".ckpt" else read_description(file).spec
    model = {"model": spec.name} if spec.name in CATALOG else {}
    return {**model, "input": {"scaling": spec.scaling, "mean": list(spec.mean), "std": list(spec.std)}}


def _check_same(source: str, theirs: ModelSpec, ours: ModelSpec) -> None:
    if theirs.input_channels != ours.input_channels:
        raise ConfigError(
            f"{source} was trained on images with {theirs.input_channels} channels, this training has "
            f"{ours.input_channels}. Set --input.channels {theirs.input_channels} if the images allow it, or leave "
            "--initial-weights out."
        )
    if theirs.num_logits != ours.num_logits:
        raise ConfigError(
            f"{source} was trained on the classes {', '.join(theirs.class_names)}, this data has "
            f"{', '.join(ours.class_names)}. Use a model of as many classes, or leave --initial-weights out."
        )
    if theirs.name != ours.name:
        raise ConfigError(
            f"{source} is a {theirs.name}, this training's network a {ours.name}. Add --model {theirs.name}."
        )


def _check_network(source: str, theirs: nn.Module, ours: nn.Module) -> None:
    """Compares the configs of both networks field by field, but for the outputs: contours may be in one alone."""
    before, after = to_mapping(theirs.config), to_mapping(ours.config)
    changed = "; ".join(
        f"{name}: {before[name]} -> {after[name]}"
        for name in before
        if name != "num_classes" and before[name] != after[name]
    )
    if changed:
        raise ConfigError(f"{source} has another network ({changed}). Set the same by --network.FIELD.")


def _batches(crops: Crops, batch: int) -> Iterator[Tensor]:
    """The first crops of the first epoch, up to a limit."""
    number = min(len(crops), SEEN_CROPS)
    for first in range(0, number, batch):
        yield torch.stack([crops[key][0] for key in range(first, min(first + batch, number))])
