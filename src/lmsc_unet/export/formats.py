"""The kinds of file that an export writes: what each is made of, how it is written, what else lies beside it."""

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

    The sums of both are noted in the graph's file, so that damage and one of them without the other are noticed.
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
    """One kind of file."""

    suffix: str
    """What its name ends in."""
    write: Callable[[Any, Description, Path], None]
    """Writes a graph and its description."""
    make: Callable[[nn.Module, ModelSpec, ExportOptions, Any], Any]
    """Makes the graph of a trained network, in float32 and with logits; the last is one with other weights, or None."""
    is_plain: bool = False
    """Whether it holds float32 and logits alone."""
    companions: tuple[str, ...] = ()
    """The suffixes of further files beside it."""
    package: str = "onnx"
    """The module that must be installed."""
    install: str = 'pip install "lmsc-unet[export]"'
    """What installs it."""


def make_graph(network: nn.Module, spec: ModelSpec, options: ExportOptions, like: Any = None) -> Any:
    """The ONNX graph of a trained network, in float32 and with logits."""
    return to_graph(network, spec, options.opset, like)


def make_graph_for_openvino(network: nn.Module, spec: ModelSpec, options: ExportOptions, like: Any = None) -> Any:
    """The same; of what becomes INT8 the transposed convolutions are merged, which OpenVINO has in 8 bits."""
    return to_graph(fuse_upconv(network) if options.int8 else network, spec, options.opset, like)


def make_module(network: nn.Module, _spec: ModelSpec, _options: ExportOptions, _like: Any = None) -> Any:
    """The trained network itself, its batch norms folded."""
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
"""What `--to` takes."""


def find_format(options: ExportOptions) -> Format:
    """The format asked for.

    Raises:
        ConfigError: what writes it is not installed, or it cannot be what else was asked for.
    """
    form = FORMATS[options.to]
    if find_spec(form.package) is None:
        raise ConfigError(f"--to {options.to} needs {form.package}, which is not installed. Try: {form.install}")
    if form.is_plain and (options.int8 or options.outputs != "logits"):
        raise ConfigError(f"--to {options.to} writes float32 and logits alone. Leave --int8 and --outputs out.")
    return form
