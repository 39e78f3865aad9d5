"""Transposed convolutions in 8 bits for ONNX Runtime, which has none and would compute them in float32.

The four taps of a 2x2 transposed convolution of stride 2 never meet, so it is a 1x1 convolution to four times the
channels, each of which then goes to its place in a square of 2 x 2 pixels: the same numbers, in the same 8 bits. They
are moved with the channels last, as ONNX Runtime keeps them between convolutions: a move is a copy of whole runs of
channels then. `DepthToSpace`, which does the same with the channels first, took a seventh of the network's time.
"""

from collections.abc import Callable
from itertools import chain

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

TAPS = 4
"""The pixels that each pixel becomes."""


def convtranspose_to_conv1x1(graph: onnx.GraphProto) -> None:
    """Replaces each 8-bit 2x2 transposed convolution of stride 2 in a QDQ graph; those left in float32 stay."""
    values = {value.name: value for value in graph.initializer}
    made_by = {node.output[0]: node for node in graph.node}
    for node in list(graph.node):
        weight = made_by.get(node.input[1]) if _doubles(node) else None
        if weight is None:  # of no such step, or one in float32, whose weights no step makes
            continue
        biases = [made_by[name].input if name in made_by else [name] for name in node.input[2:]]  # none where all are 0
        num_out = values[weight.input[0]].dims[1]
        _change(values[weight.input[0]], lambda taps: taps.transpose(2, 3, 1, 0).reshape(-1, taps.shape[0], 1, 1))
        for name in (*weight.input[1:], *chain.from_iterable(biases)):
            _change(values[name], lambda of_channels: np.tile(of_channels, TAPS))
        next(one for one in weight.attribute if one.name == "axis").i = 0
        node.CopyFrom(helper.make_node("Conv", node.input, node.output, node.name, kernel_shape=[1, 1]))
        quantised = next(one for one in graph.node if node.output[0] in one.input)
        _spread(graph, quantised, num_out)
    del graph.value_info[:]  # shapes that are known without being noted, and were others


def _doubles(node: onnx.NodeProto) -> bool:
    """Whether a step doubles the sides, by a tap for each pixel."""
    given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return (
        node.op_type == "ConvTranspose"
        and given["kernel_shape"] == given["strides"] == [2, 2]
        and not any(given.get("pads", ()))
        and given.get("group", 1) == 1
    )


def _spread(graph: onnx.GraphProto, before: onnx.NodeProto, channels: int) -> None:
    """Puts steps after one: its output "B 2*2*C H W" becomes "B C 2*H 2*W", whatever B, H and W are."""
    first = last = before.output[0]
    users = [node for node in graph.node if first in node.input]
    steps: list[tuple[str, list[int]]] = [
        ("Transpose", [0, 2, 3, 1]),
        ("Reshape", [0, 0, 0, 2, 2 * channels]),  # B H W row column*C; 0 is as before, -1 what is left
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
