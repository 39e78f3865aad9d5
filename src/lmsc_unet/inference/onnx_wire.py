"""Reads the outside of an ONNX file: its metadata, and whether all its weights are inside.

It follows the lengths of the protobuf messages and never decodes a weight, so it takes a millisecond, needs no
package, and a runtime meets no file before its description has been checked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType

from lmsc_unet.errors import ModelError

# The messages of onnx.proto that lead to tensors: message -> field number -> message.
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
class Outside:
    """What an ONNX file says without its weights being read."""

    metadata: dict[str, str] = field(default_factory=dict)
    """The file's metadata_props."""
    num_graphs: int = 0
    """Graphs at the top; a model has one."""
    has_external: bool = False
    """Whether the values of a tensor lie in another file."""


def read_outside(data: memoryview) -> Outside:
    """Walks through a whole file.

    Raises:
        ModelError: the bytes are no ONNX file, or end too early.
    """
    outside = Outside()
    _walk(data, "model", outside, 0)
    if outside.num_graphs != 1:
        raise ModelError("this is no ONNX file, or only a part of one")
    return outside


def _walk(message: memoryview, kind: str, outside: Outside, depth: int) -> None:
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
    """SHA-256 of what a file says, less the metadata of other keys than `described`: its own digest is among these.

    Raises:
        ModelError: the bytes are no ONNX file, or end too early.
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
    """A metadata entry as bytes that are put behind an ONNX file; each of both texts is under 64 characters long."""
    parts = [(_KEY, key.encode()), (_VALUE, text.encode())]
    entry = b"".join(bytes([number << 3 | _BYTES, len(part)]) + part for number, part in parts)
    return bytes([_METADATA << 3 | _BYTES, len(entry)]) + entry


def numbers(value: int | memoryview) -> list[int]:
    """A field of whole numbers: one, or many packed together.

    Raises:
        ModelError: the bytes end too early, or are no numbers.
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
    """The fields of one message in their order.

    Raises:
        ModelError: the bytes are no such message, or end too early.
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
    """A number of seven bits a byte, the lowest first, and the place after it.

    Raises:
        ModelError: the bytes end too early, or are no number.
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
