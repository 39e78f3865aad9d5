"""Quantizes an ONNX graph with ONNX Runtime: calibrates once, then writes any number of graphs.

Static QDQ: signed 8-bit weights with a scale per output channel, unsigned 8-bit activations with a scale per tensor,
from the minimum and maximum in calibration. On NuInsSeg, percentiles and symmetric activations kept no more pixels and
took longer to calibrate or to run. For OpenVINO, inputs of transposed convolutions that may be negative are symmetric,
as it requires; for ONNX Runtime, transposed convolutions become 1x1 convolutions.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from lmsc_unet.inference.metadata import INPUT
from lmsc_unet.quantization.calibration import Pixels
from lmsc_unet.quantization.convtranspose import convtranspose_to_conv1x1

QUANTISED = ("Conv", "ConvTranspose", "Concat", "Add", "MaxPool", "Resize")
"""The operators of our networks whose outputs have their own scale."""
ACTIVATIONS = ("Relu", "Clip")


class Quantizer:
    """Makes INT8 graphs of one float32 graph, with selected layers in float."""

    def __init__(
        self,
        model: onnx.ModelProto,
        crops: Sequence[Pixels],
        folder: Path,
        *,
        reduce_range: bool = False,
        is_for_openvino: bool = False,
    ) -> None:
        """Prepares the graph and calibrates.

        Args:
            model: The float32 graph.
            crops: Preprocessed pixels "1 C h w" of real images.
            folder: An empty folder for temporary files.
            reduce_range: Weights of 7 bits, for processors whose 8-bit products saturate (x86 without VNNI).
            is_for_openvino: Whether OpenVINO will run the graph, instead of ONNX Runtime.
        """
        from onnxruntime.quantization.shape_inference import quant_pre_process

        self._float, self._ranges, self._out = (folder / name for name in ("float.onnx", "ranges.json", "int8.onnx"))
        self._crops = crops
        self._reduce_range = reduce_range
        onnx.save(model, folder / "given.onnx")  # a graph in memory would lose its weights to another file
        quant_pre_process(str(folder / "given.onnx"), str(self._float), skip_symbolic_shape=True)
        graph = onnx.load(self._float).graph
        self._nodes = _nodes_of_layers(graph)
        self._is_for_openvino = is_for_openvino
        self._symmetric = _signed_before_growing(graph) if is_for_openvino else []

    @property
    def layers(self) -> tuple[str, ...]:
        """Every layer that can have 8 bits, in the graph's order, by its weights' name or its own."""
        return tuple(self._nodes)

    def set_ranges(self, ranges: Mapping[str, tuple[float, float]]) -> None:
        """Sets minimum and maximum of layers' outputs, replacing those of the calibration.

        A concatenation gets the widest range of its inputs.
        """
        self.quantise()  # calibrates
        stored = json.loads(self._ranges.read_text())
        tensors, graph = stored["data"], onnx.load(self._float).graph
        made_by = {node.name: node.output[0] for node in graph.node}
        for layer, (least, largest) in ranges.items():
            _set_range(tensors[made_by[self._nodes[layer][-1]]], least, largest)
        for node in graph.node:
            if node.op_type == "Concat":
                parts = [_range(tensors[name]) for name in node.input]
                _set_range(tensors[node.output[0]], min(low for low, _ in parts), max(high for _, high in parts))
        self._ranges.write_text(json.dumps(stored))

    def quantise(self, *, in_float: Sequence[str] = ()) -> onnx.ModelProto:
        """The graph in INT8, except for the named layers."""
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

        level = logging.root.level
        logging.root.setLevel(logging.ERROR)
        try:
            quantize_static(
                self._float,
                self._out,
                _CropReader(self._crops),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                reduce_range=self._reduce_range,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=[node for layer in in_float for node in self._nodes[layer]],
                calibrate_method=CalibrationMethod.MinMax,
                calibration_cache_path=self._ranges,
                extra_options={
                    "TensorQuantOverrides": {
                        name: [{"quant_type": QuantType.QInt8, "symmetric": True}] for name in self._symmetric
                    }
                },
            )
        finally:
            logging.root.setLevel(level)
        made = onnx.load(self._out)
        _leave_end_in_float(made.graph)
        if not self._is_for_openvino:
            convtranspose_to_conv1x1(made.graph)
        return made


class _CropReader:
    """Passes crops to the calibration one by one."""

    def __init__(self, crops: Sequence[Pixels]) -> None:
        self._crops: Iterator[Pixels] = iter(crops)

    def get_next(self) -> dict[str, Pixels] | None:
        crop = next(self._crops, None)
        return None if crop is None else {INPUT: np.ascontiguousarray(crop)}


def _leave_end_in_float(graph: onnx.GraphProto) -> None:
    """Removes the rounding of the logits, which saves nothing and costs accuracy."""
    makers = {node.output[0]: node for node in graph.node}
    end = graph.output[0].name
    dequantise = makers[end]
    if dequantise.op_type != "DequantizeLinear":
        return
    quantise = makers[dequantise.input[0]]
    makers[quantise.input[0]].output[0] = end
    for node in (quantise, dequantise):
        graph.node.remove(node)
    needed = {name for node in graph.node for name in node.input}
    for values in [values for values in graph.initializer if values.name not in needed]:
        graph.initializer.remove(values)


def _nodes_of_layers(graph: onnx.GraphProto) -> dict[str, list[str]]:
    """Layer -> the names of its node and of the following activation, which share one scale or none."""
    after = {node.input[0]: node.name for node in graph.node if node.op_type in ACTIVATIONS}
    return {
        _layer(node): [node.name, *([after[node.output[0]]] if node.output[0] in after else [])]
        for node in graph.node
        if node.op_type in QUANTISED
    }


def _signed_before_growing(graph: onnx.GraphProto) -> list[str]:
    """The inputs of transposed convolutions that may be negative because no activation precedes."""
    activated = {node.output[0] for node in graph.node if node.op_type in ACTIVATIONS}
    return [node.input[0] for node in graph.node if node.op_type == "ConvTranspose" and node.input[0] not in activated]


def _layer(node: onnx.NodeProto) -> str:
    return str(node.input[1]).removesuffix(".weight") if node.op_type.startswith("Conv") else str(node.name)


def _set_range(stored: dict[str, Any], least: float, largest: float) -> None:
    """Sets a range in the format of ONNX Runtime's calibration cache."""
    stored["lowest"]["data"], stored["highest"]["data"] = [least], [largest]


def _range(stored: dict[str, Any]) -> tuple[float, float]:
    return stored["lowest"]["data"][0], stored["highest"]["data"][0]
