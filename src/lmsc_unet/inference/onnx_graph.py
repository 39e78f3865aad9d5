"""Checks the graph of a model file against what `lmsc export` writes, before a runtime loads it.

A runtime executes any graph, and 20 bytes can request 100 GB. So only the operators of our own networks are accepted,
and the size of every tensor is bounded in values per pixel of the input.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType

from lmsc_unet.errors import ModelError
from lmsc_unet.inference.onnx_wire import Node, read_graph

MOST_VALUES_PER_PX = 2048
"""Values of a tensor per pixel of the input: U-Net has at most 128, in its widest concatenation."""
MOST_NODES = 10_000


@dataclass(frozen=True, kw_only=True)
class Size:
    """The size of a tensor."""

    per_px: float = 0.0
    """Values per pixel of the input; 0 for a tensor stored in the file."""
    dims: tuple[int, ...] = field(default=())
    """The dimensions of a tensor stored in the file."""
    values: tuple[float, ...] = ()
    """The values of a tensor stored in the file, if they are at most four."""


Grow = Callable[[Node, Sequence[Size]], float]
"""Computes the values per pixel of the input that a step outputs."""


def check_graph_size(data: memoryview, channels: int) -> None:
    """Follows the graph of a whole file from its input to its outputs.

    Raises:
        ModelError: an operator that `lmsc export` never writes, a tensor too large, or an input from no earlier step.
    """
    graph = read_graph(data)
    if len(graph.nodes) > MOST_NODES:
        raise ModelError(f"its graph has {len(graph.nodes)} steps; at most {MOST_NODES} are taken")
    sizes = {"": Size(dims=(0,))}  # an omitted input has no name
    sizes |= {name: Size(per_px=channels) for name in graph.inputs}
    sizes |= {name: Size(dims=held.dims, values=held.values) for name, held in graph.held.items()}
    for node in graph.nodes:
        _follow(node, sizes)


def _follow(node: Node, sizes: dict[str, Size]) -> None:
    if node.operator not in OPERATORS:
        raise ModelError(
            f"its graph has the operator {node.operator[:80]}, which `lmsc export` never writes; "
            f"the known ones are {', '.join(OPERATORS)}"
        )
    if not node.inputs or any(name not in sizes for name in node.inputs):
        raise ModelError(f"a step {node.operator} of its graph takes what no step before it gives")
    inputs = [sizes[name] for name in node.inputs]
    if any(one.per_px for one in inputs):
        size = Size(per_px=OPERATORS[node.operator](node, inputs))
    elif node.operator in _OF_HELD:
        size = Size(dims=inputs[0].dims)
    else:
        raise ModelError(f"a step {node.operator} of its graph does not depend on the image")
    if not size.per_px <= MOST_VALUES_PER_PX:
        raise ModelError(
            f"a step {node.operator} of its graph gives {size.per_px:.4g} values for each pixel of the image; "
            f"at most {MOST_VALUES_PER_PX} are taken"
        )
    sizes.update(dict.fromkeys(node.outputs, size))


def _as_first(_node: Node, inputs: Sequence[Size]) -> float:
    return inputs[0].per_px


def _as_largest(_node: Node, inputs: Sequence[Size]) -> float:
    """The larger of two inputs, which may be broadcast."""
    images = [one.per_px for one in inputs if one.per_px]
    held = prod(prod(one.dims) for one in inputs if not one.per_px)
    return (images[0] if len(set(images)) == 1 else prod(images)) * max(1, held)


def _as_sum(_node: Node, inputs: Sequence[Size]) -> float:
    return sum(one.per_px for one in inputs)


def _pooled(node: Node, inputs: Sequence[Size]) -> float:
    kernel = node.attributes.get("kernel_shape", ())
    return inputs[0].per_px * _shrink(node, kernel)


def _convolved(node: Node, inputs: Sequence[Size]) -> float:
    num_out, of_group = _weight(node, inputs)[:2]
    num_in = of_group * _group(node)
    return inputs[0].per_px / num_in * num_out * _shrink(node, inputs[1].dims[2:])


def _grown(node: Node, inputs: Sequence[Size]) -> float:
    num_in, of_group = _weight(node, inputs)[:2]
    if node.attributes.get("output_shape") or any(name.startswith("auto_pad=SAME") for name in node.attributes):
        raise ModelError("a step ConvTranspose of its graph names the size of what it gives")
    sides = inputs[1].dims[2:]
    strides, dilations = _each(node, "strides", 1, sides), _each(node, "dilations", 1, sides)
    added, pads = _each(node, "output_padding", 0, sides), _pads(node, sides)
    steps = zip(sides, strides, dilations, added, pads, strict=True)
    factors = [max(stride, dilation * (side - 1) + 1 - pad) + more for side, stride, dilation, more, pad in steps]
    return inputs[0].per_px / num_in * of_group * _group(node) * prod(factors)


def _shrink(node: Node, sides: Sequence[int]) -> float:
    """The share of pixels left after a sliding window; at most 1."""
    dilations, strides = _each(node, "dilations", 1, sides), _each(node, "strides", 1, sides)
    for side, dilation, pad in zip(sides, dilations, _pads(node, sides), strict=True):
        if pad > dilation * (side - 1):
            raise ModelError(f"a step {node.operator} of its graph pads by {pad} px, more than its window of {side} px")
    return 1 / prod(strides)


def _resized(node: Node, inputs: Sequence[Size]) -> float:
    scales = inputs[2].values if len(inputs) == 3 and inputs[2].dims == (4,) else ()
    if len(scales) != 4 or scales[:2] != (1, 1) or not min(scales) >= 1 or "axes" in node.attributes:
        raise ModelError("a step Resize of its graph does not name by how much the file's own scales enlarge")
    return inputs[0].per_px * scales[2] * scales[3]


def _weight(node: Node, inputs: Sequence[Size]) -> tuple[int, ...]:
    dims = inputs[1].dims if len(inputs) > 1 else ()
    if len(dims) != 4 or min(dims) < 1 or not inputs[0].per_px:
        raise ModelError(f"a step {node.operator} of its graph has no weights of four sides that the file holds")
    return dims


def _group(node: Node) -> int:
    return max(1, *node.attributes.get("group", (1,)))


def _each(node: Node, name: str, usual: int, sides: Sequence[int]) -> Sequence[int]:
    """An attribute with a number per side."""
    given = node.attributes.get(name) or (usual,) * len(sides)
    if len(given) != len(sides) or min(given, default=usual) < usual:
        raise ModelError(f"a step {node.operator} of its graph has the {name} {list(given)[:8]}")
    return given


def _pads(node: Node, sides: Sequence[int]) -> list[int]:
    """The padding of each side, both ends together."""
    given = node.attributes.get("pads") or (0,) * 2 * len(sides)
    if len(given) != 2 * len(sides) or min(given, default=0) < 0:
        raise ModelError(f"a step {node.operator} of its graph has the pads {list(given)[:8]}")
    return [first + last for first, last in zip(given[: len(sides)], given[len(sides) :], strict=True)]


OPERATORS: Mapping[str, Grow] = MappingProxyType(
    {
        "Conv": _convolved,
        "ConvTranspose": _grown,
        "MaxPool": _pooled,
        "Resize": _resized,
        "Gather": _as_largest,
        "Concat": _as_sum,
        "Add": _as_largest,
        "GreaterOrEqual": _as_largest,
        **dict.fromkeys(("Relu", "Clip", "Sigmoid", "Softmax", "ArgMax", "Cast"), _as_first),
        **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), _as_first),
        **dict.fromkeys(("Transpose", "Reshape", "DepthToSpace"), _as_first),
    }
)
"""The operators that `lmsc export` writes or has written, and the size of their outputs."""
_OF_HELD = ("QuantizeLinear", "DequantizeLinear")
