"""The metadata of an ONNX file: everything that prediction needs, as text under one key.

`docs/reference/files.md` documents the key field by field. Later additions or changes must increase `VERSION`; an older
lmsc-unet then rejects the file and says why.
"""

import json
import mmap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from lmsc_unet.config import from_mapping, to_mapping
from lmsc_unet.core.ranges import shown
from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.inference.onnx_graph import check_graph_size
from lmsc_unet.inference.onnx_wire import OnnxHeader, digest, metadata_field, scan_header
from lmsc_unet.inference.spec import ModelSpec

KEY = "lmsc_unet.model"
"""The key in the ONNX metadata."""
VERSION = 3
"""The newest readable version: files with a contour. Those with outputs other than logits are version 2; all others are
written as version 1, which older releases read.
"""
DIGEST = "lmsc_unet.sha256"
"""The key of the SHA-256 of graph, weights and description. The oldest files have none."""
INPUT, OUTPUT = "image", "logits"
"""Names of the graph's input, preprocessed pixels "B C H W" float32, and of its logits, "B L H W" float32."""

Shapes = Sequence[Sequence[object]]
"""The shapes of a graph's inputs or outputs; a free side is not a number."""
T = TypeVar("T")
Task = Literal["image", "recording"]
Precision = Literal["float32", "int8"]


@dataclass(frozen=True, kw_only=True)
class Description:
    """What is needed to use an exported network, and its origin."""

    spec: ModelSpec
    """How the network's input is made and what its logits mean."""
    task: Task = "image"
    """`image`, or `recording` for spectrograms made from samples."""
    precision: Precision = "float32"
    """`int8`: convolutions in 8-bit integers, except those in `float_layers`."""
    float_layers: tuple[str, ...] = ()
    """Layers of an INT8 file that stay in float32 because INT8 would cost accuracy."""
    data: str = ""
    """The training data, in words."""
    licence: str = ""
    """The licence, as an SPDX name if there is one."""
    commit: str = ""
    """The commit of lmsc-unet that trained the network; empty if unknown."""
    checkpoint_sha256: str = ""
    """SHA-256 of the exported checkpoint."""
    made_by: str = ""
    """The version of lmsc-unet that wrote the file."""
    made: str = ""
    """The date as ISO 8601 in UTC."""


def to_text(description: Description) -> str:
    """A description as the text under the key."""
    values = to_mapping(description)
    version = 1
    if description.spec.outputs != "logits":
        version = 2
    else:
        del values["spec"]["outputs"]
    if description.spec.contour:
        version = VERSION
    else:
        del values["spec"]["contour"]
    return json.dumps({"version": version, **values}, ensure_ascii=False, allow_nan=False)


def from_text(text: str, path: Path) -> Description:
    """Parses the text under the key.

    Raises:
        ModelError: its version is newer, or it lacks fields of its version.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: its description is no JSON ({error}). Export the model again.") from error
    version = values.pop("version", None) if isinstance(values, dict) else None
    number = version if isinstance(version, int) and not isinstance(version, bool) else 0
    if number > VERSION:
        raise ModelError(
            f"{path}: its description has version {shown(number)}, this lmsc-unet reads up to {VERSION}. "
            "Try: pip install -U lmsc-unet"
        )
    if number < 1 or "spec" not in values:
        raise ModelError(f"{path}: its description names no version or no spec. Export the model again.")
    try:
        return from_mapping(Description, values, f"{path}: {KEY}")
    except ConfigError as error:
        named = str(error) if str(error).startswith(str(path)) else f"{path}: {error}"
        raise ModelError(f"{named} The description does not fit its version: export the model again.") from error


def read_description(path: Path) -> Description:
    """Reads the description of a model file; checks that the file is complete and contains all weights.

    Raises:
        ModelError: the file is not ONNX, is truncated, was not written by lmsc-unet or by a newer one, or its weights
            lie in other files.
    """
    data = _open(path)
    outside = _named(path, scan_header, data)
    description = _described(outside, path)
    if DIGEST in outside.metadata and outside.metadata[DIGEST] != _named(path, digest, data, KEY):
        raise ModelError(
            f"{path}: its contents do not match the SHA-256 stored in it; the file was changed or damaged after it "
            "was written. Copy or export it again."
        )
    _named(path, check_graph_size, data, description.spec.input_channels)
    return description


def peek(path: Path) -> Description:
    """Reads only the description; `read_description` must check the file before it runs.

    Raises:
        ModelError: as `read_description`, except for damage and operators.
    """
    return _described(_named(path, scan_header, _open(path)), path)


def _described(outside: OnnxHeader, path: Path) -> Description:
    if outside.has_external:
        raise ModelError(
            f"{path}: some of its weights lie in another file, which is not followed, wherever it is. A model of "
            "lmsc-unet is one file: export it again, or save it without external data."
        )
    if KEY not in outside.metadata:
        raise ModelError(
            f"{path}: the ONNX file has no metadata {KEY!r}, which says how images are prepared and what the logits "
            "mean. Use a file that `lmsc export` wrote."
        )
    return from_text(outside.metadata[KEY], path)


def with_digest(content: bytes) -> bytes:
    """Appends the SHA-256 of graph, weights and description to a complete ONNX file."""
    return content + metadata_field(DIGEST, digest(memoryview(content), KEY))


def check_graph(path: Path, description: Description, inputs: Shapes, outputs: Shapes) -> None:
    """Compares the graph's channels with the description; both shapes are "B C H W".

    Raises:
        ModelError: they differ, or the graph does not have one image input and one logits output.
    """
    spec = description.spec
    found = {"channels": _channels(inputs), "logits": _channels(outputs)}
    needed = {"channels": spec.input_channels, "logits": 1 if spec.outputs == "classes" else spec.num_outputs}
    if found != needed:
        raise ModelError(
            f"{path}: its network has {found['channels']} input channels and {found['logits']} logits, its description "
            f"says {needed['channels']} and {needed['logits']}. Graph and description are not of one model: "
            "export it again."
        )


def _channels(shapes: Shapes) -> object:
    """The channels of the only shape; None if there are none or several shapes."""
    return shapes[0][1] if len(shapes) == 1 and len(shapes[0]) == 4 else None


def _open(path: Path) -> memoryview:
    try:
        with path.open("rb") as stream:
            if path.stat().st_size == 0:
                raise ModelError(f"{path}: the file is empty. Copy or export it again.")
            return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise ModelError(f"{path}: the model cannot be read ({error.strerror}).") from error


def _named(path: Path, read: Callable[..., T], *arguments: object) -> T:
    """Calls a reader and adds the file's name to its errors."""
    try:
        return read(*arguments)
    except (ModelError, UnicodeDecodeError) as error:
        reason = "this is no ONNX file" if isinstance(error, UnicodeDecodeError) else error
        raise ModelError(f"{path}: {reason}. Copy or export it again.") from error
