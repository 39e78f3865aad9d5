"""An INT8 file is as good as the float32 one, or is not there; where layers stay in float, it says which and why."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from lmsc_unet.cli.main import main
from lmsc_unet.errors import ConfigError, DataError, ModelError
from lmsc_unet.export import export as module
from lmsc_unet.export import formats, work
from lmsc_unet.export.export import export
from lmsc_unet.export.options import ExportOptions
from lmsc_unet.imageio import write_png
from lmsc_unet.inference.metadata import read_description
from lmsc_unet.quantization import mixed_precision
from lmsc_unet.quantization.calibration import LARGE_SHIFT, domain_shift, draw_crops, find_images
from lmsc_unet.training.load_model import TrainedRun

OPTIONS = {"int8": True, "threads": 1, "crops": 12}


def write_noise(folder: Path, number: int) -> Path:
    rng = np.random.default_rng(0)
    for index in range(number):
        write_png(folder / f"{index}.png", rng.integers(0, 255, (40, 40, 3), dtype=np.uint8))
    return folder


@pytest.mark.usefixtures("graph_at_hand")
def test_an_int8_file_is_small_integer_and_as_good(trained: Path, data: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "a.onnx"
    arguments = ["export", trained, "--out", out, "--int8", "--calibrate", data, "--crops", 12, "--threads", 1]
    assert main([str(argument) for argument in arguments]) == 0
    assert "int8 against PyTorch on 2 images" in capsys.readouterr().out
    graph = onnx.load(out).graph
    kinds = {values.data_type for values in graph.initializer if values.name.endswith("weight_quantized")}
    assert kinds == {onnx.TensorProto.INT8}
    scales = next(values for values in graph.initializer if values.name.endswith("first.conv.weight_scale"))
    assert tuple(scales.dims) == (4,), "a scale for each output channel"
    assert read_description(out).precision == "int8"


def loud(graph: onnx.ModelProto, factor: float) -> onnx.ModelProto:
    """The same function of the image, but one channel between two layers is `factor` times as loud.

    ReLU is linear above 0, so what a channel is multiplied by before it can be divided out after it. Its scale in
    8 bits must cover the loud channel, and leaves nothing of the others.
    """
    changed = deepcopy(graph)
    for name, place, times in (
        ("decoder.2.merge.first.conv.weight", np.s_[0], factor),
        ("decoder.2.merge.first.conv.bias", np.s_[0], factor),
        ("decoder.2.merge.second.conv.weight", np.s_[:, 0], 1 / factor),
    ):
        values = next(one for one in changed.graph.initializer if one.name == name)
        array = onnx.numpy_helper.to_array(values).copy()
        array[place] *= times
        values.CopyFrom(onnx.numpy_helper.from_array(array, name))
    return changed


def test_layers_that_lose_accuracy_stay_in_float_and_are_named(
    trained: Path, data: Path, graph: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "to_graph", lambda *_: loud(graph, 3000.0))
    report = export(trained, tmp_path / "a.onnx", ExportOptions(calibrate=data, **OPTIONS)).report
    kept = report["float_layers"]
    assert kept
    assert set(kept) <= {"decoder.2.merge.first.conv", "decoder.2.merge.second.conv"}
    assert list(read_description(tmp_path / "a.onnx").float_layers) == kept
    assert report["all_int8_failed"]
    assert max(report["layer_errors"], key=report["layer_errors"].get) == kept[0]


def loud_source(source: TrainedRun, factor: float) -> TrainedRun:
    """The same network with that loud channel, in PyTorch."""
    network = deepcopy(source.network)
    merge = network.get_submodule("decoder.2.merge")
    with torch.no_grad():
        for values in merge.get_submodule("first.norm").parameters():
            values[0] *= factor
        merge.get_parameter("second.conv.weight")[:, 0] /= factor
    return replace(source, network=network)


@pytest.mark.usefixtures("graph_at_hand")
def test_grey_values_taken_as_they_are_meet_a_first_layer_in_float(
    trained: Path, data: Path, source: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = replace(source, spec=replace(source.spec, scaling="range", mean=(0.5,) * 3, std=(0.25,) * 3))
    monkeypatch.setattr(module, "open_trained_run", lambda _: taken)
    report = export(trained, tmp_path / "a.onnx", ExportOptions(calibrate=data, **OPTIONS)).report
    assert report["float_layers"] == ["encoder.0.first.conv"]
    assert not report["all_int8_failed"]


@pytest.mark.usefixtures("graph_at_hand")
def test_a_loud_channel_is_made_as_loud_as_the_others_before_rounding(
    trained: Path, data: Path, source: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "open_trained_run", lambda _: loud_source(source, 1000.0))
    report = export(trained, tmp_path / "a.onnx", ExportOptions(calibrate=data, **OPTIONS)).report
    assert not report["all_int8_failed"]
    assert not report["float_layers"]


@pytest.mark.usefixtures("graph_at_hand")
def test_fine_tuning_in_8_bits_saves_a_network_that_rounding_alone_breaks(
    trained: Path, data: Path, source: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "open_trained_run", lambda _: loud_source(source, 1000.0))
    monkeypatch.setattr(work, "equalize_cross_layer", lambda *_: None)  # which would mend it before
    options = ExportOptions(calibrate=data, qat=True, **OPTIONS)
    report = export(trained, tmp_path / "a.onnx", options).report
    assert report["all_int8_failed"], "the case must need it"
    assert report["fine_tuned"]
    assert not report["float_layers"]


def test_where_no_choice_of_layers_helps_nothing_is_written(
    trained: Path, data: Path, graph: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "to_graph", lambda *_: loud(graph, 3000.0))
    monkeypatch.setattr(mixed_precision, "layer_errors", lambda *_: {"head": 2.0, "encoder.0.first.conv": 1.0})
    with pytest.raises(ModelError, match=r"INT8 costs this model too much: with all layers in 8 bits .* No file"):
        export(trained, tmp_path / "a.onnx", ExportOptions(calibrate=data, **OPTIONS))
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("graph_at_hand")
def test_images_unlike_those_of_the_training_are_warned_of(trained: Path, tmp_path: Path) -> None:
    noise = write_noise(tmp_path / "noise", 3)
    options = ExportOptions(calibrate=noise, **OPTIONS)
    warnings = export(trained, tmp_path / "a.onnx", options).report["warnings"]
    assert "calibrated on 3 images only" in warnings[0]
    assert "these images are unlike those of the training" in warnings[1]


def test_likeness_tells_training_images_from_noise(source: TrainedRun, data: Path, tmp_path: Path) -> None:
    alike = domain_shift(source.network, draw_crops(find_images(data, source), source.spec, 12))
    unlike = domain_shift(source.network, draw_crops(find_images(write_noise(tmp_path, 4), source), source.spec, 4))
    assert alike < LARGE_SHIFT < unlike


def test_calibration_takes_the_training_images_and_no_others(source: TrainedRun, data: Path) -> None:
    assert source.split_file is not None
    trained_on = {line.split(",")[0] for line in source.split_file.read_text().splitlines() if line.endswith("train")}
    assert {sample.image.stem for sample in find_images(data, source)} == trained_on


@pytest.mark.parametrize(
    ("folder", "message"), [("nowhere", "there is no such folder to calibrate on"), ("empty", "holds no PNG")]
)
@pytest.mark.usefixtures("graph_at_hand")
def test_no_images_to_calibrate_on_is_an_error(folder: str, message: str, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        export(trained, tmp_path / "a.onnx", ExportOptions(calibrate=tmp_path / folder, **OPTIONS))
    assert not (tmp_path / "a.onnx").exists()


@pytest.mark.usefixtures("graph_at_hand")
def test_images_of_other_channels_are_told_what_the_model_was_trained_on(trained: Path, tmp_path: Path) -> None:
    import tifffile

    (tmp_path / "in").mkdir()
    tifffile.imwrite(
        tmp_path / "in/five.tif", np.zeros((40, 40, 5), np.uint8), photometric="minisblack", planarconfig="contig"
    )
    with pytest.raises(
        DataError, match=r"five.tif: The image has 5 channels, but lmsc-unet was trained on images with 3"
    ):
        export(trained, tmp_path / "a.onnx", ExportOptions(calibrate=tmp_path / "in", **OPTIONS))


def test_calibrating_without_images_asks_for_them(source: TrainedRun) -> None:
    from lmsc_unet.export.int8 import calibration_crops

    with pytest.raises(ConfigError, match="Name a folder of them by --calibrate"):
        calibration_crops(source, None, ExportOptions(int8=True))
