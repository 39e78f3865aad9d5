"""Replaces 8-bit transposed convolutions for ONNX Runtime, which has none and would compute them in float32.

The taps of a 2x2 transposed convolution with stride 2 do not overlap, so it equals a 1x1 convolution to four times the
channels followed by depth-to-space, with the same values in 8 bits. The channels are moved last first, since ONNX
Runtime keeps them last between convolutions and then copies contiguous runs; `DepthToSpace` with channels first took
a seventh of the network's time.
"""

from collections.abc import Callable
from itertools import chain

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

TAPS = 4
"""Output pixels per input pixel."""


def convtranspose_to_conv1x1(graph: onnx.GraphProto) -> None:
    """Replaces each 8-bit 2x2 transposed convolution with stride 2 in a QDQ graph; float32 ones are kept."""
    values = {value.name: value for value in graph.initializer}
    made_by = {node.output[0]: node for node in graph.node}
    for node in list(graph.node):
        weight = made_by.get(node.input[1]) if _doubles(node) else None
        if weight is None:  # another operator, or one in float32, whose weights are not computed
            continue
        biases = [made_by[name].input if name in made_by else [name] for name in node.input[2:]]  # none if all are 0
        num_out = values[weight.input[0]].dims[1]
        _change(values[weight.input[0]], lambda taps: taps.transpose(2, 3, 1, 0).reshape(-1, taps.shape[0], 1, 1))
        for name in (*weight.input[1:], *chain.from_iterable(biases)):
            _change(values[name], lambda of_channels: np.tile(of_channels, TAPS))
        next(one for one in weight.attribute if one.name == "axis").i = 0
        node.CopyFrom(helper.make_node("Conv", node.input, node.output, node.name, kernel_shape=[1, 1]))
        quantised = next(one for one in graph.node if node.output[0] in one.input)
        _spread(graph, quantised, num_out)
    del graph.value_info[:]  # outdated shapes; they are inferred again


def _doubles(node: onnx.NodeProto) -> bool:
    """Whether a transposed convolution doubles the sides without overlap."""
    given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return (
        node.op_type == "ConvTranspose"
        and given["kernel_shape"] == given["strides"] == [2, 2]
        and not any(given.get("pads", ()))
        and given.get("group", 1) == 1
    )


def _spread(graph: onnx.GraphProto, before: onnx.NodeProto, channels: int) -> None:
    """Adds depth-to-space after a step: its output "B 2*2*C H W" becomes "B C 2*H 2*W" for any B, H and W."""
    first = last = before.output[0]
    users = [node for node in graph.node if first in node.input]
    steps: list[tuple[str, list[int]]] = [
        ("Transpose", [0, 2, 3, 1]),
        ("Reshape", [0, 0, 0, 2, 2 * channels]),  # B H W row column*C; 0 keeps a dimension, -1 infers it
        ("Transpose", [0, 1, 3, 2, 4]),
        ("Reshape", [0, 0, -1, 2 * channels]),  # B H row*W column*C
        ("Reshape", [0, -1, 0, channels]),  # B 2*H 2*W C
        ("Transpose", [0, 3, 1, 2]),
    ]
    place = list(graph.node).index(before) + 1
    for number, (kind, numbers) in enumerate(steps):
        name = f"{first}_{number}"
        if kind == "Transpose":
            node = helper.make_node(kind, [last], [name], name, perm=numbers)
        else:
            graph.initializer.append(numpy_helper.from_array(np.array(numbers, np.int64), f"{name}_shape"))
            node = helper.make_node(kind, [last, f"{name}_shape"], [name], name)
        graph.node.insert(place + number, node)
        last = name
    for user in users:
        user.input[list(user.input).index(first)] = last


def _change(values: onnx.TensorProto, change: Callable[[NDArray[np.generic]], NDArray[np.generic]]) -> None:
    changed = np.ascontiguousarray(change(numpy_helper.to_array(values)))
    values.CopyFrom(numpy_helper.from_array(changed, values.name))
