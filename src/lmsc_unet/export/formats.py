"""The exported file types: graph, writer and companion files of each."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import onnx
from torch import nn

from lmsc_unet.core.storage import sha256
from lmsc_unet.errors import ConfigError
from lmsc_unet.export.graph import to_graph
from lmsc_unet.export.options import ExportOptions
from lmsc_unet.export.pte import write_pte
from lmsc_unet.export.saving import write_model
from lmsc_unet.inference.backends.open_vino import DESCRIPTION, WEIGHTS_SHA256, weights_of, with_digest
from lmsc_unet.inference.metadata import Description, to_text
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.quantization.fuse_upconv import fold_batch_norm, fuse_upconv


def write_ir(graph: onnx.ModelProto, description: Description, path: Path) -> None:
    """Writes both files; 8-bit weights stay 8-bit.

    The graph's file contains the checksums of both, so that damage and mismatched files are detected.
    """
    import openvino as ov

    with tempfile.TemporaryDirectory(prefix="lmsc-ir-") as name:
        source = Path(name) / "model.onnx"
        source.write_bytes(graph.SerializeToString())
        model = ov.convert_model(source)
    weights = weights_of(path)
    ov.serialize(model, path, weights)
    model.set_rt_info(to_text(description), DESCRIPTION)
    model.set_rt_info(sha256(weights), WEIGHTS_SHA256)
    ov.serialize(model, path, weights)
    path.write_bytes(with_digest(path.read_bytes()))


@dataclass(frozen=True, kw_only=True)
class Format:
    """A type of exported file."""

    suffix: str
    """Its suffix."""
    write: Callable[[Any, Description, Path], None]
    """Writes a graph and its description."""
    make: Callable[[nn.Module, ModelSpec, ExportOptions, Any], Any]
    """Makes the float32 graph with logits of a trained network; the last argument is its earlier graph, or None."""
    is_plain: bool = False
    """Whether it supports only float32 and logits."""
    companions: tuple[str, ...] = ()
    """Suffixes of companion files."""
    package: str = "onnx"
    """The module that must be installed."""
    install: str = 'pip install "lmsc-unet[export]"'
    """The command that installs it."""


def make_graph(network: nn.Module, spec: ModelSpec, options: ExportOptions, like: Any = None) -> Any:
    """The ONNX graph of a trained network, in float32 and with logits."""
    return to_graph(network, spec, options.opset, like)


def make_graph_for_openvino(network: nn.Module, spec: ModelSpec, options: ExportOptions, like: Any = None) -> Any:
    """The same; before INT8 the transposed convolutions are fused, as OpenVINO supports them in 8 bits."""
    return to_graph(fuse_upconv(network) if options.int8 else network, spec, options.opset, like)


def make_module(network: nn.Module, _spec: ModelSpec, _options: ExportOptions, _like: Any = None) -> Any:
    """The trained network itself, with folded batch norms."""
    return fold_batch_norm(network).cpu()


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "onnx": Format(suffix=".onnx", make=make_graph, write=write_model),
        "openvino": Format(
            suffix=".xml",
            make=make_graph_for_openvino,
            write=write_ir,
            companions=(".bin",),
            package="openvino",
            install='pip install "lmsc-unet[openvino]"',
        ),
        "executorch": Format(
            suffix=".pte",
            make=make_module,
            write=write_pte,
            is_plain=True,
            package="executorch",
            install='pip install "lmsc-unet[executorch]"',
        ),
    }
)
"""The values of `--to`."""


def find_format(options: ExportOptions) -> Format:
    """The requested type.

    Raises:
        ConfigError: its package is not installed, or it does not support the other options.
    """
    form = FORMATS[options.to]
    if find_spec(form.package) is None:
        raise ConfigError(f"--to {options.to} needs {form.package}, which is not installed. Try: {form.install}")
    if form.is_plain and (options.int8 or options.outputs != "logits"):
        raise ConfigError(f"--to {options.to} supports only float32 and logits. Leave --int8 and --outputs out.")
    return form
