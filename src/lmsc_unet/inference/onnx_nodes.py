"""Reads the steps of an ONNX graph and the sides of the tensors that the file holds, with no package."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lmsc_unet.errors import ModelError
from lmsc_unet.inference.onnx_wire import fields, numbers

WINDOWED = ("Conv", "ConvTranspose", "MaxPool")
"""The operators whose attributes say how large what they give is."""
_GRAPH, _FUNCTION, _TRAINING = 7, 25, 20  # of a model
_NODE, _INITIALIZER, _INPUT = 1, 5, 11  # of a graph
_INPUT_NAME, _TENSOR_DIMS, _TENSOR_NAME = 1, 1, 8
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 4, 5, 7
_ATTRIBUTE_NAME, _ATTRIBUTE_INT, _ATTRIBUTE_TEXT, _ATTRIBUTE_INTS = 1, 3, 4, 8


@dataclass(frozen=True, kw_only=True)
class Node:
    """One step of a graph."""

    operator: str
    """Its name, with its domain before it where that is not ONNX's own."""
    inputs: tuple[str, ...]
    """The names of its inputs."""
    outputs: tuple[str, ...]
    """The names of its outputs."""
    attributes: Mapping[str, tuple[int, ...]]
    """Its attributes that are whole numbers, of an operator of `WINDOWED`; `name=text` of those that are texts."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A graph without the values of its tensors."""

    inputs: list[str] = field(default_factory=list)
    """The names of what it is given."""
    held: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The sides of each tensor that the file holds, by name."""
    nodes: list[Node] = field(default_factory=list)
    """Its steps in their order."""


def read_graph(data: memoryview) -> Graph:
    """The graph of a whole file.

    Raises:
        ModelError: the bytes are no ONNX file, or hold functions.
    """
    graph = Graph()
    for number, value in fields(data):
        if number in (_FUNCTION, _TRAINING):
            raise ModelError("it holds functions or steps of training, which `lmsc export` never writes")
        if number == _GRAPH:
            _add(_message(value), graph)
    return graph


def _add(message: memoryview, graph: Graph) -> None:
    for number, value in fields(message):
        if number == _NODE:
            graph.nodes.append(_node(_message(value)))
        elif number == _INITIALIZER:
            name, dims = _tensor(_message(value))
            graph.held[name] = dims
        elif number == _INPUT:
            graph.inputs.extend(_text(part) for key, part in fields(_message(value)) if key == _INPUT_NAME)


def _node(message: memoryview) -> Node:
    texts: dict[int, list[str]] = {_NODE_INPUT: [], _NODE_OUTPUT: [], _NODE_OPERATOR: [], _NODE_DOMAIN: []}
    attributes = []
    for number, value in fields(message):
        if number in texts:
            texts[number].append(_text(value))
        elif number == _NODE_ATTRIBUTE:
            attributes.append(value)
    operator, domain = "".join(texts[_NODE_OPERATOR]), "".join(texts[_NODE_DOMAIN])
    return Node(
        operator=operator if domain in ("", "ai.onnx") else f"{domain}.{operator}",
        inputs=tuple(texts[_NODE_INPUT]),
        outputs=tuple(texts[_NODE_OUTPUT]),
        attributes=dict(map(_attribute, attributes)) if operator in WINDOWED else {},
    )


def _attribute(value: int | memoryview) -> tuple[str, tuple[int, ...]]:
    """Its name and whole numbers; a text stands behind its name."""
    name, given, text = "", [], ""
    for number, part in fields(_message(value)):
        if number == _ATTRIBUTE_NAME:
            name = _text(part)
        elif number == _ATTRIBUTE_TEXT:
            text = "=" + _text(part)
        elif number in (_ATTRIBUTE_INT, _ATTRIBUTE_INTS):
            given += numbers(part)
    return name + text, tuple(given)


def _tensor(value: memoryview) -> tuple[str, tuple[int, ...]]:
    name, dims = "", []
    for number, part in fields(value):
        if number == _TENSOR_NAME:
            name = _text(part)
        elif number == _TENSOR_DIMS:
            dims += numbers(part)
    return name, tuple(dims)


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode()


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ModelError("this is no ONNX file")
    return value
