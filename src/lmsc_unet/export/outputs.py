"""Adds sigmoid, softmax, threshold or argmax to the end of a graph, for tools that cannot use logits."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lmsc_unet.errors import ModelError
from lmsc_unet.evaluation.parity import Difference, Logits, compare_logits
from lmsc_unet.inference.metadata import OUTPUT, Description
from lmsc_unet.inference.outputs import Network
from lmsc_unet.inference.spec import ModelSpec, Outputs
from lmsc_unet.quantization.calibration import Pixels


def with_outputs(graph: onnx.ModelProto, spec: ModelSpec, outputs: Outputs) -> onnx.ModelProto:
    """A copy that outputs `probabilities`, float32 "B L H W", or `classes`, uint8 "B 1 H W", under that name."""
    changed = onnx.ModelProto()
    changed.CopyFrom(graph)
    if outputs == "logits":
        return changed
    body = changed.graph
    body.node.extend(_probabilities(spec) if outputs == "probabilities" else _classes(body, spec))
    shape = [_length(side) for side in body.output[0].type.tensor_type.shape.dim]
    kind = TensorProto.FLOAT if outputs == "probabilities" else TensorProto.UINT8
    shape[1] = shape[1] if outputs == "probabilities" else 1
    del body.output[:]
    body.output.append(helper.make_tensor_value_info(outputs, kind, shape))
    onnx.checker.check_model(changed, full_check=True)
    return changed


def described(description: Description, outputs: Outputs) -> Description:
    """The description of a file with these outputs."""
    contour = description.spec.contour and outputs != "classes"
    return replace(description, spec=replace(description.spec, outputs=outputs, contour=contour))


def check_same(before: Sequence[Logits], after: Network, spec: ModelSpec, crops: Sequence[Pixels]) -> None:
    """Checks that a file with other outputs makes the same masks as the file with logits, on the same crops.

    Raises:
        ModelError: a pixel that is not a tie has another class.
    """
    pairs = zip(before, crops, strict=True)
    found = sum((compare_logits(logits, after(crop), spec) for logits, crop in pairs), Difference())
    if found.num_flipped_clearly:
        raise ModelError(
            f"{found.num_flipped_clearly} pixels of {found.num_pixels} have another class than with logits. "
            "This is a defect; no file was written. Export logits."
        )


def _probabilities(spec: ModelSpec) -> Iterator[onnx.NodeProto]:
    if spec.num_logits == 1:
        yield helper.make_node("Sigmoid", [OUTPUT], ["probabilities"])
    else:
        yield helper.make_node("Softmax", [OUTPUT], ["probabilities"], axis=1)


def _classes(body: onnx.GraphProto, spec: ModelSpec) -> Iterator[onnx.NodeProto]:
    if spec.num_logits > 1:
        yield helper.make_node("ArgMax", [OUTPUT], ["largest"], axis=1, keepdims=1)
        yield helper.make_node("Cast", ["largest"], ["classes"], to=TensorProto.UINT8)
        return
    cut = helper.make_tensor("cut", TensorProto.FLOAT, (), [math.log(spec.threshold / (1 - spec.threshold))])
    body.initializer.append(numpy_helper.from_array(numpy_helper.to_array(cut), "cut"))
    foreground = OUTPUT
    if spec.contour:
        body.initializer.append(numpy_helper.from_array(np.array([0]), "first"))
        yield helper.make_node("Gather", [OUTPUT, "first"], [foreground := "foreground"], axis=1)
    yield helper.make_node("GreaterOrEqual", [foreground, "cut"], ["is_foreground"])
    yield helper.make_node("Cast", ["is_foreground"], ["classes"], to=TensorProto.UINT8)


def _length(side: onnx.TensorShapeProto.Dimension) -> int | str:
    return side.dim_value if side.HasField("dim_value") else side.dim_param
