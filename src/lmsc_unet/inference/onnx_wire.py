"""Scans the header of an ONNX file: its metadata, and whether all weights are inside.

It follows the lengths of the protobuf messages without decoding weights, so it takes a millisecond and needs no
package; no runtime loads a file before its description is checked.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType

from lmsc_unet.errors import ModelError

# The messages of onnx.proto that contain tensors: message -> field number -> message.
_TREE: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "model": {7: "graph", 14: "entry", 20: "training", 25: "function"},
        "graph": {1: "node", 5: "tensor", 15: "sparse"},
        "node": {5: "attribute"},
        "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
        "sparse": {1: "tensor", 2: "tensor"},
        "function": {7: "node", 11: "attribute"},
        "training": {1: "graph", 2: "graph"},
        "tensor": {},
    }
)
_METADATA = 14  # of a model
_KEY, _VALUE = 1, 2  # of a metadata entry
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of a tensor
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 64

Field = tuple[int, int | memoryview]
"""A field's number and its value: a number, or the bytes of a string or message."""


@dataclass(kw_only=True)
class OnnxHeader:
    """What an ONNX file says without its weights."""

    metadata: dict[str, str] = field(default_factory=dict)
    """The file's metadata_props."""
    num_graphs: int = 0
    """The number of top-level graphs; a model has one."""
    has_external: bool = False
    """Whether a tensor's values lie in another file."""


def scan_header(data: memoryview) -> OnnxHeader:
    """Scans a whole file.

    Raises:
        ModelError: the bytes are not an ONNX file, or end too early.
    """
    outside = OnnxHeader()
    _walk(data, "model", outside, 0)
    if outside.num_graphs != 1:
        raise ModelError("this is no ONNX file, or only a part of one")
    return outside


def _walk(message: memoryview, kind: str, outside: OnnxHeader, depth: int) -> None:
    if depth > _DEEPEST:
        raise ModelError("its graphs are nested too deeply")
    for number, value in fields(message):
        inner = _TREE[kind].get(number)
        if kind == "tensor" and (number == _EXTERNAL_DATA or (number, value) == (_DATA_LOCATION, 1)):
            outside.has_external = True
        elif inner is None or not isinstance(value, memoryview):
            continue
        elif inner == "entry":
            key, text = _entry(value)
            outside.metadata[key] = text
        else:
            outside.num_graphs += kind == "model" and inner == "graph"
            _walk(value, inner, outside, depth + 1)


def digest(data: memoryview, described: str) -> str:
    """SHA-256 of a file's contents without the metadata of keys other than `described`, such as the digest itself.

    Raises:
        ModelError: the bytes are not an ONNX file, or end too early.
    """
    found = sha256()
    for number, value in fields(data):
        if number == _METADATA and isinstance(value, memoryview) and _entry(value)[0] != described:
            continue
        content = str(value).encode() if isinstance(value, int) else value
        found.update(f"{number} {type(value).__name__} {len(content)} ".encode())
        found.update(content)
    return found.hexdigest()


def metadata_field(key: str, text: str) -> bytes:
    """A metadata entry to append to an ONNX file; key and text must be under 64 characters."""
    parts = [(_KEY, key.encode()), (_VALUE, text.encode())]
    entry = b"".join(bytes([number << 3 | _BYTES, len(part)]) + part for number, part in parts)
    return bytes([_METADATA << 3 | _BYTES, len(entry)]) + entry


def numbers(value: int | memoryview) -> list[int]:
    """The integers of a field: one, or several packed.

    Raises:
        ModelError: the bytes end too early, or are not numbers.
    """
    if isinstance(value, int):
        return [value]
    found, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        found.append(number)
    return found


def _entry(message: memoryview) -> tuple[str, str]:
    """The key and the text of a metadata entry."""
    entry = {number: bytes(text).decode() for number, text in fields(message) if isinstance(text, memoryview)}
    return entry.get(_KEY, ""), entry.get(_VALUE, "")


def fields(message: memoryview) -> Iterator[Field]:
    """The fields of one message, in order.

    Raises:
        ModelError: the bytes are not such a message, or end too early.
    """
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = varint(message, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = varint(message, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ModelError("this is no ONNX file")
        if at + size > len(message):
            raise ModelError("this is no ONNX file, or it is truncated")
        yield number, message[at : at + size]
        at += size


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits per byte, the lowest first, and the position after it.

    Raises:
        ModelError: the bytes end too early, or are not a number.
    """
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ModelError("this is no ONNX file, or it is truncated")
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ModelError("this is no ONNX file")


WINDOWED = ("Conv", "ConvTranspose", "MaxPool", "Resize")
"""The operators whose attributes determine the size of their output."""
_GRAPH, _FUNCTION, _TRAINING = 7, 25, 20  # of a model
_NODE, _INITIALIZER, _INPUT = 1, 5, 11  # of a graph
_INPUT_NAME, _TENSOR_DIMS, _TENSOR_FLOATS, _TENSOR_NAME, _TENSOR_RAW = 1, 1, 4, 8, 9
_FEW_BYTES = 16
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 4, 5, 7
_ATTRIBUTE_NAME, _ATTRIBUTE_INT, _ATTRIBUTE_TEXT, _ATTRIBUTE_INTS = 1, 3, 4, 8


@dataclass(frozen=True, kw_only=True)
class Node:
    """One step of a graph."""

    operator: str
    """The operator's name, with its domain in front unless it is ONNX's own."""
    inputs: tuple[str, ...]
    """The names of its inputs."""
    outputs: tuple[str, ...]
    """The names of its outputs."""
    attributes: Mapping[str, tuple[int, ...]]
    """Its integer attributes, for operators in `WINDOWED`; text attributes as `name=text`."""


@dataclass(frozen=True, kw_only=True)
class HeldTensor:
    """A tensor stored in the file, without its values if they are many."""

    dims: tuple[int, ...]
    """Its dimensions."""
    values: tuple[float, ...] = ()
    """Its values as float32, if they are at most four."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A graph without its tensor values."""

    inputs: list[str] = field(default_factory=list)
    """The names of its inputs."""
    held: dict[str, HeldTensor] = field(default_factory=dict)
    """Each tensor stored in the file, by name."""
    nodes: list[Node] = field(default_factory=list)
    """Its steps, in order."""


def read_graph(data: memoryview) -> Graph:
    """Reads the graph of a whole file.

    Raises:
        ModelError: the bytes are not an ONNX file, or it contains functions.
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
            name, held = _tensor(_message(value))
            graph.held[name] = held
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
    """An attribute's name and integers; a text follows its name."""
    name, given, text = "", [], ""
    for number, part in fields(_message(value)):
        if number == _ATTRIBUTE_NAME:
            name = _text(part)
        elif number == _ATTRIBUTE_TEXT:
            text = "=" + _text(part)
        elif number in (_ATTRIBUTE_INT, _ATTRIBUTE_INTS):
            given += numbers(part)
    return name + text, tuple(given)


def _tensor(value: memoryview) -> tuple[str, HeldTensor]:
    name, dims, values = "", [], b""
    for number, part in fields(value):
        if number == _TENSOR_NAME:
            name = _text(part)
        elif number == _TENSOR_DIMS:
            dims += numbers(part)
        elif number in (_TENSOR_FLOATS, _TENSOR_RAW) and len(_message(part)) <= _FEW_BYTES:
            values += bytes(_message(part))
    whole = len(values) // 4 if len(values) <= _FEW_BYTES else 0
    return name, HeldTensor(dims=tuple(dims), values=struct.unpack(f"<{whole}f", values[: 4 * whole]))


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode()


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ModelError("this is no ONNX file")
    return value
