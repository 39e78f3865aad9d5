"""One ONNX file with all that prediction needs inside: its description stands in the metadata, under one key.

`docs/export.md` documents the key field by field. What is added or changed later raises `VERSION`; an older
lmsc-unet then refuses the file and says why.
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
"""The key of the ONNX metadata."""
VERSION = 2
"""The newest version of the description that is read. It is written where the file gives other than logits, which
version 1 does not know; all others are of version 1, so that older ones of us read them.
"""
DIGEST = "lmsc_unet.sha256"
"""The key of the SHA-256 of graph, weights and description. Files written before it was known have none."""
INPUT, OUTPUT = "image", "logits"
"""Names of the graph's input, prepared pixels "B C H W" float32, and of its logits, "B L H W" float32."""

Shapes = Sequence[Sequence[object]]
"""The shapes of a graph's inputs or outputs; a free side is no number."""
T = TypeVar("T")
Task = Literal["image", "recording"]
Precision = Literal["float32", "int8"]


@dataclass(frozen=True, kw_only=True)
class Description:
    """All that must be known of an exported network to use it, and where it comes from."""

    spec: ModelSpec
    """How the network wants its images, and what its logits mean."""
    task: Task = "image"
    """`image`, or `recording`: pictures made from samples, as the spec says."""
    precision: Precision = "float32"
    """`int8`: convolutions of 8-bit integers, but for those in `float_layers`."""
    float_layers: tuple[str, ...] = ()
    """Of an int8 file: the layers that stayed in float32, because their 8 bits cost accuracy."""
    data: str = ""
    """What the network was trained on, in words."""
    licence: str = ""
    """What the file may be used for, as an SPDX name where there is one."""
    commit: str = ""
    """The commit of lmsc-unet that trained the network; empty where it is not known."""
    checkpoint_sha256: str = ""
    """SHA-256 of the checkpoint that was exported."""
    made_by: str = ""
    """The version of lmsc-unet that wrote the file."""
    made: str = ""
    """When, as ISO 8601 in UTC."""


def to_text(description: Description) -> str:
    """A description as the text that stands under the key."""
    values = to_mapping(description)
    version = VERSION
    if description.spec.outputs == "logits":
        version = 1
        del values["spec"]["outputs"]
    return json.dumps({"version": version, **values}, ensure_ascii=False, allow_nan=False)


def from_text(text: str, path: Path) -> Description:
    """Reads what stands under the key.

    Raises:
        ModelError: it is of a newer version, or does not hold what its version must.
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
    """Reads the description of a model file, and checks that the file is whole and alone.

    Raises:
        ModelError: the file is no ONNX file or truncated, was not written by lmsc-unet or by a newer one, or its
            weights lie in other files.
    """
    data = _open(path)
    outside = _named(path, scan_header, data)
    description = _described(outside, path)
    if DIGEST in outside.metadata and outside.metadata[DIGEST] != _named(path, digest, data, KEY):
        raise ModelError(
            f"{path}: its SHA-256 is not the one that stands in it; the file was changed or damaged after it was "
            "written. Copy or export it again."
        )
    _named(path, check_graph_size, data, description.spec.input_channels)
    return description


def peek(path: Path) -> Description:
    """Reads the description alone, of a file that will be read by `read_description` before it runs.

    Raises:
        ModelError: as `read_description`, but for damage and operators.
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
    """A whole ONNX file with the SHA-256 of its graph, weights and description put behind it."""
    return content + metadata_field(DIGEST, digest(memoryview(content), KEY))


def check_graph(path: Path, description: Description, inputs: Shapes, outputs: Shapes) -> None:
    """Compares the channels of the graph with those of the description; both shapes are "B C H W".

    Raises:
        ModelError: they differ, or the graph has other sides than one image in and one map of logits out.
    """
    spec = description.spec
    found = {"channels": _channels(inputs), "logits": _channels(outputs)}
    needed = {"channels": spec.input_channels, "logits": 1 if spec.outputs == "classes" else spec.num_logits}
    if found != needed:
        raise ModelError(
            f"{path}: its network has {found['channels']} input channels and {found['logits']} logits, its description "
            f"says {needed['channels']} and {needed['logits']}. Graph and description are not of one model: "
            "export it again."
        )


def _channels(shapes: Shapes) -> object:
    """The second side of the only shape; None where there are none or several."""
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
    """What a function reads; its complaints get the file's name."""
    try:
        return read(*arguments)
    except (ModelError, UnicodeDecodeError) as error:
        reason = "this is no ONNX file" if isinstance(error, UnicodeDecodeError) else error
        raise ModelError(f"{path}: {reason}. Copy or export it again.") from error
