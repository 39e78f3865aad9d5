"""An 8-bit transposed convolution as a 1x1 convolution whose channels become pixels gives the same numbers."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from lmsc_unet.catalog import UNetConfig
from lmsc_unet.export.graph import to_graph
from lmsc_unet.inference.metadata import INPUT
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.models import build_model
from lmsc_unet.quantization import quantizer
from lmsc_unet.quantization.calibration import draw_crops, find_images
from lmsc_unet.quantization.convtranspose import convtranspose_to_conv1x1
from lmsc_unet.quantization.quantizer import Quantizer
from lmsc_unet.training.load_model import TrainedRun


@pytest.fixture(scope="module")
def quantiser(
    graph: onnx.ModelProto, source: TrainedRun, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Quantizer:
    """The discs' network, calibrated."""
    crops = draw_crops(find_images(data, source), source.spec, 6)
    return Quantizer(graph, crops, tmp_path_factory.mktemp("quantiser"))


@pytest.fixture
def plain(quantiser: Quantizer, monkeypatch: pytest.MonkeyPatch) -> onnx.ModelProto:
    """Its INT8 graph with transposed convolutions."""
    monkeypatch.setattr(quantizer, "convtranspose_to_conv1x1", lambda _graph: None)
    return quantiser.quantise()


def run(model: onnx.ModelProto, pixels: np.ndarray) -> np.ndarray:
    """What the graph says, step by step: sums of 8-bit products saturate on processors without VNNI."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {INPUT: pixels})[0])


def steps(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (2, 3, 24, 40), (3, 3, 64, 16)])
def test_the_numbers_are_the_same_for_any_batch_and_sides(plain: onnx.ModelProto, shape: tuple[int, ...]) -> None:
    changed = deepcopy(plain)
    convtranspose_to_conv1x1(changed.graph)
    onnx.checker.check_model(changed, full_check=True)
    assert "ConvTranspose" in steps(plain)
    assert "ConvTranspose" not in steps(changed)
    pixels = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    before, after = run(plain, pixels), run(changed, pixels)
    rounding = np.abs(before - after)  # float32 sums of 8-bit products may round a tie the other way
    assert rounding.mean() < 1e-3 * np.abs(before).mean()


def test_a_network_that_was_never_trained_has_no_biases_there(tmp_path: Path) -> None:
    network = build_model(UNetConfig(widths=(4, 8)))
    spec = ModelSpec(name="new", side_multiple_px=2)
    noise = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)
    graph = to_graph(network, spec)
    assert any(node.op_type == "ConvTranspose" and len(node.input) == 2 for node in graph.graph.node)
    model = Quantizer(graph, [noise], tmp_path).quantise()
    assert "ConvTranspose" not in steps(model)
    assert np.isfinite(run(model, noise)).all()


def test_the_quantiser_does_so_for_onnx_runtime_alone(
    graph: onnx.ModelProto, source: TrainedRun, data: Path, quantiser: Quantizer, tmp_path: Path
) -> None:
    crops = draw_crops(find_images(data, source), source.spec, 2)
    assert "ConvTranspose" not in steps(quantiser.quantise())
    assert "ConvTranspose" in steps(Quantizer(graph, crops, tmp_path, is_for_openvino=True).quantise())


def test_a_layer_left_in_float_keeps_its_step(quantiser: Quantizer, source: TrainedRun) -> None:
    kept = next(layer for layer in quantiser.layers if layer.endswith("grow"))
    model = quantiser.quantise(in_float=[kept])
    assert steps(model).count("ConvTranspose") == 1
    pixels = np.random.default_rng(0).normal(size=(1, source.spec.input_channels, 32, 32)).astype(np.float32)
    assert np.isfinite(run(model, pixels)).all()
