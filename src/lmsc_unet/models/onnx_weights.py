"""Loads the weights of an exported float32 file back into a network, layer by layer.

`lmsc export` keeps the names of weights but not of biases, which may be missing if zero, so they are found through
their convolution. The file's convolutions include their batch norms: the network's batch norms become the identity
until `restore_norms` measures them.
"""

import mmap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lmsc_unet.errors import ModelError
from lmsc_unet.inference.metadata import Description, read_description
from lmsc_unet.inference.onnx_wire import fields, numbers

_GRAPH = 7  # of a model
_NODE, _INITIALIZER = 1, 5  # of a graph
_INPUT, _OPERATION = 1, 4  # of a node
_DIMS, _TYPE, _FLOATS, _NAME, _RAW = 1, 2, 4, 8, 9  # of a tensor
_FLOAT = 1
CONVOLUTIONS = ("Conv", "ConvTranspose")
WEIGHT = ".weight"


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """A convolution with its batch norm folded in."""

    weight: NDArray[np.float32]
    """In PyTorch's order: "out in/groups h w", transposed "in out h w"."""
    bias: NDArray[np.float32] | None
    """One value per channel; None if all are zero."""


def read_layers(path: Path) -> tuple[dict[str, Layer], Description]:
    """The convolutions of a float32 file by layer name, and the file's metadata.

    Raises:
        ModelError: the file is damaged, INT8, or was not written by `lmsc export`.
    """
    description = read_description(path)
    if description.precision != "float32":
        raise ModelError(f"{path}: the file holds 8-bit integers; PyTorch takes the float32 file of the model.")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _layers(data[:], path), description


def _layers(data: bytes, path: Path) -> dict[str, Layer]:
    graph = _one(memoryview(data), _GRAPH)
    tensors = dict(_tensor(part) for number, part in _parts(graph) if number == _INITIALIZER)
    layers = {}
    for inputs in (_inputs(part) for number, part in _parts(graph) if number == _NODE):
        if len(inputs) > 1 and inputs[1].endswith(WEIGHT):
            bias = tensors.get(inputs[2]) if len(inputs) > 2 else None
            layers[inputs[1].removesuffix(WEIGHT)] = Layer(weight=tensors[inputs[1]], bias=bias)
    if not layers:
        raise ModelError(f"{path}: the file names no weights as PyTorch does. Export the model again.")
    return layers


def _parts(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    return ((number, value) for number, value in fields(message) if isinstance(value, memoryview))


def _one(message: memoryview, wanted: int) -> memoryview:
    return next(value for number, value in _parts(message) if number == wanted)


def _inputs(node: memoryview) -> list[str]:
    """The inputs of a convolution; empty for other operators."""
    parts = [(number, bytes(value).decode()) for number, value in _parts(node) if number in (_INPUT, _OPERATION)]
    is_convolution = any(number == _OPERATION and value in CONVOLUTIONS for number, value in parts)
    return [value for number, value in parts if number == _INPUT] if is_convolution else []


def _tensor(message: memoryview) -> tuple[str, NDArray[np.float32]]:
    """An initializer's name and values; empty for types other than float32."""
    name, values, shape, kind = "", np.empty(0, np.float32), [], 0
    for number, value in fields(message):
        if number == _DIMS:
            shape += numbers(value)
        elif number == _TYPE and isinstance(value, int):
            kind = value
        elif number == _NAME and isinstance(value, memoryview):
            name = bytes(value).decode()
        elif number in (_RAW, _FLOATS) and isinstance(value, memoryview):
            values = np.frombuffer(value, "<f4") if len(value) % 4 == 0 else values
    return name, values.reshape(shape).astype(np.float32) if kind == _FLOAT else np.empty(0, np.float32)


Convolution = nn.Conv2d | nn.ConvTranspose2d


@torch.no_grad()
def load_folded(network: nn.Module, layers: Mapping[str, Layer], source: str) -> None:
    """Loads an exported file's convolutions; each batch norm becomes the identity with its layer's bias.

    Raises:
        ModelError: the file's network has other layers; names the first.
    """
    own = dict(_convolutions(network))
    for name in sorted(own.keys() ^ layers.keys()):
        raise ModelError(f"{source}: its network differs: {name} is in only one of the two.")
    for name, (conv, norm) in own.items():
        layer = layers[name]
        if tuple(conv.weight.shape) != layer.weight.shape:
            found, needed = _sides(layer.weight.shape), _sides(conv.weight.shape)
            raise ModelError(f"{source}: its network differs: {name} is {found} there and {needed} here.")
        conv.weight.copy_(torch.from_numpy(layer.weight))
        bias = torch.zeros(_channels(conv)) if layer.bias is None else torch.from_numpy(layer.bias)
        if norm is not None:
            _make_identity(norm, bias)
        if conv.bias is not None:
            conv.bias.copy_(bias if norm is None else torch.zeros_like(bias))


@torch.no_grad()
def restore_norms(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Sets each batch norm's mean and variance to those of its input, without changing the network's logits.

    Must be called before further training of a folded network.

    Args:
        network: Its logits in evaluation mode do not change.
        batches: Preprocessed pixels "B C H W" like those of the training.
    """
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    seen = {norm: _Moments() for norm in norms}
    handles = [norm.register_forward_pre_hook(lambda norm, inputs: seen[norm].add(inputs[0])) for norm in norms]
    was_training = network.training
    try:
        network.eval()
        for batch in batches:
            network(batch)
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    for norm, moments in seen.items():
        _set_statistics(norm, moments)


class _Moments:
    """The mean and variance of each channel over all added values."""

    def __init__(self) -> None:
        self.number = 0
        self.total = self.squares = torch.zeros(())

    def add(self, x: Tensor) -> None:
        """Adds a batch norm's input, "B C H W"."""
        x = x.double()
        self.number += x.numel() // x.shape[1]
        self.total = self.total + x.sum((0, 2, 3))
        self.squares = self.squares + (x * x).sum((0, 2, 3))

    @property
    def mean(self) -> Tensor:
        """Mean per channel."""
        return self.total / self.number

    @property
    def variance(self) -> Tensor:
        """Variance per channel."""
        return (self.squares / self.number - self.mean**2).clamp(min=0)


def _set_statistics(norm: nn.BatchNorm2d, moments: _Moments) -> None:
    """Replaces the statistics and adapts scale and shift so that the output does not change."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    shift = norm.bias.double() - scale * norm.running_mean.double()
    norm.running_mean.copy_(moments.mean)
    norm.running_var.copy_(moments.variance)
    norm.weight.copy_(scale * (moments.variance + norm.eps).sqrt())
    norm.bias.copy_(shift + scale * moments.mean)


def _make_identity(norm: nn.BatchNorm2d, bias: Tensor) -> None:
    norm.reset_running_stats()
    nn.init.constant_(norm.weight, (1 + norm.eps) ** 0.5)
    norm.bias.copy_(bias)


def _convolutions(network: nn.Module) -> Iterator[tuple[str, tuple[Convolution, nn.BatchNorm2d | None]]]:
    """Each convolution and its batch norm, by name."""
    for name, layer in network.named_modules():
        if isinstance(layer, Convolution):
            beside = getattr(network.get_submodule(name.rpartition(".")[0]), "norm", None)
            yield name, (layer, beside if isinstance(beside, nn.BatchNorm2d) else None)


def _channels(conv: Convolution) -> int:
    return conv.out_channels


def _sides(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape))
