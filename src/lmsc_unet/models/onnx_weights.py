"""Reads the weights of an exported float32 file by the layer that they belong to, with no package but numpy.

`lmsc export` keeps the names of weights; a bias has one of the exporter's choice, or none where it is zero, so it is
found by the convolution that it goes into.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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
    """As PyTorch has it: "out in/groups h w", of a transposed one "in out h w"."""
    bias: NDArray[np.float32] | None
    """One value for each channel; None where all are zero."""


def read_layers(path: Path) -> tuple[dict[str, Layer], Description]:
    """The convolutions of a float32 file by their names in the network, and what the file says of itself.

    Raises:
        ModelError: the file is damaged, of 8-bit integers, or not one of `lmsc export`.
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
    """The inputs of a convolution; none of other operations."""
    parts = [(number, bytes(value).decode()) for number, value in _parts(node) if number in (_INPUT, _OPERATION)]
    is_convolution = any(number == _OPERATION and value in CONVOLUTIONS for number, value in parts)
    return [value for number, value in parts if number == _INPUT] if is_convolution else []


def _tensor(message: memoryview) -> tuple[str, NDArray[np.float32]]:
    """An initializer's name and values; of another type than float32, nothing."""
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
