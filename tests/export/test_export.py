"""An exported file is the model it was made from, says so, and is there whole or not at all."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from lmsc_unet.catalog import FastLMSCUNetConfig, LMSCUNetConfig, UNetConfig, side_multiple_px
from lmsc_unet.cli.main import main
from lmsc_unet.errors import ConfigError, ModelError, OutputError
from lmsc_unet.export import formats, work
from lmsc_unet.export.export import export
from lmsc_unet.export.graph import to_graph, with_weights
from lmsc_unet.export.options import OPSET, ExportOptions
from lmsc_unet.export.saving import replacing
from lmsc_unet.inference.backends import open_network
from lmsc_unet.inference.metadata import INPUT, KEY, Description, read_description
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.models import build_model
from lmsc_unet.quantization.fuse_upconv import fold_batch_norm
from lmsc_unet.training.load_model import TrainedRun
from tests.apps.segment.conftest import blobs

ON_ONNX_RUNTIME = Runtime(backend="onnxruntime", threads=1)
SMALL = {
    "BRB at 2": LMSCUNetConfig(widths=(4, 8, 8)),
    "BRB everywhere, residual MBBs, ReLU6": LMSCUNetConfig(
        widths=(4, 8), brb_levels=frozenset({1}), repeats=2, shortcut="identity", activation="relu6"
    ),
    "a fast LMSC-UNet": FastLMSCUNetConfig(
        widths=(4, 8), convs=(1, 2), mbb_levels=frozenset({2}), brb_levels=frozenset({1})
    ),
    "U-Net of three classes": UNetConfig(widths=(4, 8, 8), num_classes=3),
}


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same weights in every run: logits that happen to be large differ by more."""
    torch.manual_seed(0)


def with_statistics(network: nn.Module) -> nn.Module:
    """The network after a few batches, so that its batch norms do something."""
    with torch.no_grad():
        for _ in range(3):
            network(2 + 3 * torch.randn(2, 3, 16, 16))
    return network.eval()


@pytest.mark.parametrize("config", SMALL.values(), ids=SMALL)
def test_a_folded_network_gives_the_same_logits(config: Any) -> None:
    network = with_statistics(build_model(config))
    folded = fold_batch_norm(network)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
    pixels = torch.randn(1, 3, 16, 24)
    torch.testing.assert_close(folded(pixels), network(pixels), rtol=0, atol=1e-5)


@pytest.mark.parametrize("config", SMALL.values(), ids=SMALL)
def test_a_graph_takes_any_batch_and_sides_and_holds_nothing_of_pytorch(config: Any, tmp_path: Path) -> None:
    network = with_statistics(build_model(config))
    multiple_px = side_multiple_px(config)
    names = tuple("abc"[: config.num_classes]) if config.num_classes > 1 else ("ground", "disc")
    spec = ModelSpec(name="a", num_logits=config.num_classes, class_names=names, side_multiple_px=multiple_px)
    opset = 20 if config.num_classes > 1 else OPSET
    graph = to_graph(network, spec, opset)
    assert graph.opset_import[0].version == opset
    assert {node.op_type for node in graph.graph.node} <= {
        "Conv",
        "ConvTranspose",
        "Relu",
        "Clip",
        "MaxPool",
        "Concat",
        "Add",
        "Resize",
        "DepthToSpace",
    }
    text = str(graph)
    assert "torch" not in text.replace('producer_name: "pytorch"', "")
    (tmp_path / "a.onnx").write_bytes(graph.SerializeToString())
    session = open_network(tmp_path / "a.onnx", Description(spec=spec), ON_ONNX_RUNTIME)
    for batch, height, width in ((1, 1, 1), (3, 2, 5)):
        pixels = torch.randn(batch, 3, height * multiple_px, width * multiple_px)
        with torch.no_grad():
            np.testing.assert_allclose(session(pixels.numpy()), network(pixels).numpy(), rtol=0, atol=1e-5)


def test_a_graph_takes_other_weights_of_the_same_network_and_no_others(
    source: TrainedRun, graph: onnx.ModelProto
) -> None:
    network, before = deepcopy(source.network), graph.SerializeToString()
    with torch.no_grad():
        for values in network.parameters():
            values += 0.1 * torch.randn_like(values)
        changed = to_graph(network, source.spec, like=graph)
        pixels = torch.randn(1, 3, 16, 24)
        session = onnxruntime.InferenceSession(changed.SerializeToString(), providers=["CPUExecutionProvider"])
        found = session.run(None, {INPUT: pixels.numpy()})[0]
        np.testing.assert_allclose(found, network(pixels).numpy(), rtol=0, atol=1e-5)
    assert graph.SerializeToString() == before
    assert with_weights(graph, fold_batch_norm(build_model(SMALL["U-Net of three classes"]))) is None
    del changed.graph.initializer[0]  # as a bias of zeros
    assert with_weights(changed, fold_batch_norm(network)) is None


@pytest.mark.usefixtures("graph_at_hand")
def test_an_exported_run_predicts_what_the_run_predicts(trained: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "model.onnx"
    assert main(["export", str(trained), "--out", str(out), "--licence", "CC-BY-4.0", "--threads", "1"]) == 0
    printed = capsys.readouterr().out
    assert "float32 against PyTorch on 2 images, held out from training" in printed
    image = blobs(61, 47)
    ours = Predictor.load(out, runtime=ON_ONNX_RUNTIME).predict(image)
    theirs = Predictor.load(trained).predict(image)
    np.testing.assert_allclose(ours.probability, theirs.probability, rtol=0, atol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "model.parity.json"]


@pytest.mark.usefixtures("graph_at_hand")
def test_the_file_says_what_it_is_and_the_report_how_far_it_is(trained: Path, data: Path, tmp_path: Path) -> None:
    report = export(trained, tmp_path / "a.onnx", ExportOptions(threads=1, licence="MIT")).report
    description = read_description(tmp_path / "a.onnx")
    assert description.spec == Predictor.load(trained).spec
    assert (description.licence, description.data, description.precision) == ("MIT", data.name, "float32")
    assert description.checkpoint_sha256 == (trained / "best.ckpt.sha256").read_text().split()[0]
    assert report == json.loads((tmp_path / "a.parity.json").read_text())
    assert report["largest_difference"] <= report["tolerance"]["largest_difference"]
    assert report["other_class_beyond_ties_share"] == 0
    assert report["scores_original"] == pytest.approx(report["scores_exported"])
    assert onnx.load(tmp_path / "a.onnx").metadata_props[0].key == KEY


def test_an_export_that_is_not_the_model_is_not_written(
    trained: Path, graph: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = deepcopy(graph)
    bias = next(values for values in wrong.graph.initializer if values.name == "head.bias")
    bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) + 1e-3, bias.name))
    monkeypatch.setattr(formats, "to_graph", lambda *_: wrong)
    with pytest.raises(ModelError, match=r"not written, as the export is not the model: logits differ by up to"):
        export(trained, tmp_path / "a.onnx", ExportOptions(threads=1))
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("graph_at_hand")
@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError, OSError(28, "No space left on device")])
def test_an_interrupted_export_leaves_what_was_there(
    stop: Any, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.onnx"
    out.write_bytes(b"the export of yesterday")

    def interrupted(*_: Any, **__: Any) -> None:
        assert [path for path in tmp_path.iterdir() if path != out], "the new file is half done"
        raise stop

    monkeypatch.setattr(work, "compare_networks", interrupted)
    with pytest.raises(OutputError if isinstance(stop, OSError) else stop):
        export(trained, out, ExportOptions(threads=1), overwrite=True)
    assert out.read_bytes() == b"the export of yesterday"
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


def test_a_file_that_another_process_exports_to_is_refused(tmp_path: Path) -> None:  # R20
    out = tmp_path / "a.onnx"
    with replacing(out) as partial:
        with pytest.raises(OutputError, match="another `lmsc export` is writing this file"), replacing(out):
            raise AssertionError("is not reached")
        partial.write_bytes(b"the first one's")
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
    assert out.read_bytes() == b"the first one's"
    (tmp_path / ".partial-a.onnx").write_bytes(b"left by a kill")
    with replacing(out) as partial:
        partial.write_bytes(b"the next one's")
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("model.pt", r"ends in .onnx"), ("there.onnx", "Replace it by --overwrite"), ("folder.onnx", "this is a folder")],
)
def test_a_target_that_cannot_be_is_refused_before_any_work(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "there.onnx").touch()
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(OutputError, match=message):
        export(tmp_path / "no-run", tmp_path / name, ExportOptions())


@pytest.mark.usefixtures("graph_at_hand")
def test_a_checkpoint_without_its_run_asks_for_images(trained: Path, data: Path, tmp_path: Path) -> None:
    for name in ("best.ckpt", "best.ckpt.sha256"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    with pytest.raises(ConfigError, match=r"Name a folder with images/ and masks/, or of recordings, by --data"):
        export(tmp_path / "best.ckpt", tmp_path / "a.onnx", ExportOptions())
    report = export(tmp_path / "best.ckpt", tmp_path / "a.onnx", ExportOptions(data=data, threads=1)).report
    assert not report["held_out"]
    assert "nothing says which of these images the model was trained on" in report["warnings"][0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opset": 9}, "opset is 9; it must be from 18 to 23"),
        ({"calibrate": Path()}, "Add --int8"),
        ({"crops": 0}, "crops"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ExportOptions(**options)


def test_a_checkpoint_on_a_backend_says_what_exporting_it_wants(trained: Path, tmp_path: Path, capsys: Any) -> None:
    arguments = ["predict", str(trained), str(tmp_path), "--out", str(tmp_path / "o"), "--backend", "onnxruntime"]
    (tmp_path / "a.png").write_bytes(b"")
    assert main(arguments) == 1
    assert 'to make one is not installed. Try: pip install "lmsc-unet[export]"' in capsys.readouterr().err
