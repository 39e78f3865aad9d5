"""Converts a PyTorch network to an ONNX graph with free batch, height and width; replaces weights in a graph."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from lmsc_unet.errors import ModelError
from lmsc_unet.export.options import OPSET
from lmsc_unet.inference.metadata import INPUT, OUTPUT
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.quantization.fuse_upconv import fold_batch_norm


def with_weights(graph: onnx.ModelProto, folded: nn.Module) -> onnx.ModelProto | None:
    """A copy of a graph with the weights of a network on the processor, with folded batch norms.

    None if the graph is of another network, or lacks one of its weights: zero biases are omitted from graphs.
    """
    weights = folded.state_dict()
    changed = onnx.ModelProto()
    changed.CopyFrom(graph)
    for one in changed.graph.initializer:
        values = weights.pop(one.name, None)
        if values is not None and tuple(values.shape) != tuple(one.dims):
            return None
        if values is not None:
            one.CopyFrom(numpy_helper.from_array(values.numpy(), one.name))
    return None if weights else changed


IR_VERSION = 10
"""ONNX Runtime 1.19 reads up to 10; newer ones read older files."""


def to_graph(
    network: nn.Module, spec: ModelSpec, opset: int = OPSET, like: onnx.ModelProto | None = None
) -> onnx.ModelProto:
    """The graph: preprocessed pixels "B C k*h k*w" to logits "B L k*h k*w", where k is the spec's multiple.

    Batch norms are folded, and nothing of PyTorch remains: no names of Python classes, files or lines.

    Args:
        network: In any mode, on any device.
        spec: Its channels and side multiple.
        opset: The version of ONNX's operators.
        like: The graph of this network with earlier weights, which saves the seconds of a PyTorch export.

    Raises:
        ModelError: the exporter failed, or left a training-only operator.
    """
    folded = fold_batch_norm(network).cpu().requires_grad_(False)  # gradients would be traced too
    known = with_weights(like, folded) if like is not None else None
    if known is not None:
        return known
    model = _export(folded, spec, opset)
    _strip(model)
    leftovers = sorted({node.op_type for node in model.graph.node} & {"BatchNormalization", "Dropout", "Identity"})
    if leftovers:
        raise ModelError(f"The exported graph of {spec.name} still holds {', '.join(leftovers)}; this is a defect.")
    onnx.checker.check_model(model, full_check=True)
    return model


def _export(network: nn.Module, spec: ModelSpec, opset: int) -> onnx.ModelProto:
    free, multiple_px = torch.export.Dim, spec.side_multiple_px
    sides = {0: free("batch"), 2: multiple_px * free("h"), 3: multiple_px * free("w")}
    example = torch.zeros(2, spec.input_channels, 4 * multiple_px, 5 * multiple_px)
    with _quiet():
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=(sides,),
            opset_version=opset,
            verbose=False,
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    if model.opset_import[0].version != opset:
        raise ModelError(
            f"The exporter wrote opset {model.opset_import[0].version} and not {opset}. Try --opset {OPSET}."
        )
    return model


def _strip(model: onnx.ModelProto) -> None:
    """Removes the exporter's notes on PyTorch: sources, classes, stack traces."""
    model.ir_version = IR_VERSION
    model.doc_string = ""
    for part in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
    for part in (*model.graph.initializer, *model.graph.value_info):
        del part.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides the exporter's output."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
