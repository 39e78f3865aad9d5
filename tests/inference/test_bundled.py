"""A bundled model is used by its name; what is shipped is small, and says what it is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the tests write ONNX files by it")

from lmsc_unet.cli.main import main
from lmsc_unet.core.storage import sha256
from lmsc_unet.errors import ModelError
from lmsc_unet.imageio import read_mask, write_png
from lmsc_unet.inference import bundled, loading
from lmsc_unet.inference.bundled import bundled_files, bundled_models, float32_file, list_bundled
from lmsc_unet.inference.detector import default_model
from lmsc_unet.inference.loading import find_file
from lmsc_unet.inference.metadata import Description, to_text
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.signals.settings import SpectrogramSettings
from tests.apps.segment.conftest import blobs
from tests.conftest import SHIPPED
from tests.inference.model_files import write_model
from tests.inference.networks import spec

ON_ONNX_RUNTIME = Runtime(backend="onnxruntime", threads=1)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bundled models: nuclei in both precisions, spots in float32 alone."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(bundled, "FOLDER", folder)
    text = to_text(Description(spec=spec(mean=(0.5,), name="net"), precision="int8", data="drawn", licence="CC0-1.0"))
    write_model(folder / "nuclei-int8.onnx", text=text)
    write_model(folder / "nuclei.onnx")
    write_model(folder / "spots.onnx")
    return folder


NAMES = {
    "nuclei": "nuclei-int8.onnx",  # a bare name is the INT8 file
    "nuclei-int8": "nuclei-int8.onnx",
    "nuclei-fp32": "nuclei.onnx",
    "spots": "spots.onnx",  # or what there is
    "spots-fp32": "spots.onnx",
}


def test_a_name_is_a_file(weights: Path) -> None:
    assert {name: path.name for name, path in bundled_files().items()} == NAMES
    assert bundled_models() == ("nuclei", "spots")
    for name, file in NAMES.items():
        assert find_file(name) == weights / file
    assert {float32_file(name) for name in ("nuclei", "nuclei-int8", "nuclei-fp32")} == {weights / "nuclei.onnx"}
    assert float32_file("cells") is None


def test_on_openvino_a_bare_name_is_openvinos_own_file(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (weights / "nuclei-int8.xml").touch()
    assert bundled_files()["nuclei-openvino"] == weights / "nuclei-int8.xml"
    assert find_file("nuclei", "openvino") == weights / "nuclei-int8.xml"
    assert find_file("nuclei", "onnxruntime") == weights / "nuclei-int8.onnx"
    assert find_file("nuclei-int8", "openvino") == weights / "nuclei-int8.onnx"
    assert find_file("spots", "openvino") == weights / "spots.onnx"
    for usual, file in (("openvino", "nuclei-int8.xml"), ("onnxruntime", "nuclei-int8.onnx")):
        monkeypatch.setattr(loading, "default_backend", lambda usual=usual: usual)
        assert find_file("nuclei") == weights / file
    assert float32_file("nuclei-openvino") == weights / "nuclei.onnx"
    assert bundled_models() == ("nuclei", "spots")
    assert [one.name for one in list_bundled()] == ["nuclei-int8", "nuclei-fp32", "spots-fp32"]


def test_a_name_is_enough_to_predict_and_to_evaluate(weights: Path, tmp_path: Path, capsys: Any) -> None:
    image = blobs(24, 32)
    write_png(tmp_path / "data/images/a.png", image)
    write_png(tmp_path / "data/masks/a.png", (image[..., 0] > 127).astype(np.uint8) * 255)
    folder, out = str(tmp_path / "data"), tmp_path / "out"
    assert main(["predict", "nuclei", f"{folder}/images", "--out", str(out), "--backend", "onnxruntime"]) == 0
    assert np.array_equal(read_mask(out / "masks/a.png"), (image[..., 0] > 127) * 255)
    model = json.loads((out / "run.json").read_text())["model"]
    assert model == {
        "name": "net",
        "file": str(weights / "nuclei-int8.onnx"),
        "sha256": sha256(weights / "nuclei-int8.onnx"),
    }
    capsys.readouterr()
    assert main(["evaluate", "nuclei-fp32", folder, "--format", "json", "--draws", "10", "--threads", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["paper"]["dc"] == 1.0
    assert Predictor.load("spots", runtime=ON_ONNX_RUNTIME).spec.name == "small"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ((), "weights/nuclei-int8.onnx"),  # nothing of that name is there
        (("nuclei/a.png",), "weights/nuclei-int8.onnx"),  # a folder of images does not hide the model
        (("nuclei",), "nuclei"),  # a file does
        (("nuclei/config.yaml", "nuclei/best.ckpt"), "nuclei/best.ckpt"),  # and a run
    ],
)
@pytest.mark.usefixtures("weights")
def test_a_file_or_run_of_the_name_comes_first(
    made: tuple[str, ...], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in made:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    assert find_file("nuclei").resolve() == (tmp_path / expected).resolve()


@pytest.mark.usefixtures("weights")
def test_an_unfinished_run_is_not_replaced_by_the_bundled_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nuclei").mkdir()
    (tmp_path / "nuclei/config.yaml").touch()
    with pytest.raises(ModelError, match=r"this run holds no best\.ckpt"):
        find_file("nuclei")


@pytest.mark.parametrize("model", [Path("nuclei"), "./nuclei", "in/nuclei"], ids=str)
@pytest.mark.usefixtures("weights")
def test_a_path_is_never_a_name(model: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=f"There is no model at {model}") as raised:
        find_file(model)
    assert ("a path was given" in str(raised.value)) == isinstance(model, Path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nucleii", "Did you mean 'nuclei'? The bundled models are nuclei, spots."),
        ("spots-int8", "Did you mean 'spots'?"),
        ("lmsc-unet", "lmsc-unet is a network of `lmsc models`, not yet trained."),
        ("zebra", "or a bundled model's name. The bundled models are nuclei, spots."),
    ],
)
@pytest.mark.usefixtures("weights")
def test_an_unknown_name_is_told_those_that_are_known(name: str, message: str) -> None:
    with pytest.raises(ModelError) as raised:
        find_file(name)
    assert message in str(raised.value)


def test_without_bundled_models_that_is_what_is_said(capsys: Any) -> None:
    with pytest.raises(ModelError, match="No models are bundled with this installation"):
        find_file("nuclei")
    assert main(["models", "--bundled"]) == 0
    assert "No trained models are bundled" in capsys.readouterr().out
    assert main(["models", "--bundled", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_the_bundled_models_are_listed_with_what_they_say_of_themselves(weights: Path, capsys: Any) -> None:
    (weights / "nuclei-int8.json").write_text('{"scores": {"dice": 0.9012, "iou": 0.83}}')
    (weights / "nuclei-int8.xml").touch()
    assert main(["models", "--bundled"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[1].startswith("nuclei-int8 images int8 background, foreground 0.00 drawn CC0-1.0 0.901 0.830")
    assert "Without a precision: nuclei is nuclei-int8, spots is spots-fp32." in " ".join(lines)
    assert lines[-1] == "Where OpenVINO runs them: nuclei is nuclei-openvino."
    assert main(["models", "--bundled", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["model"] for row in rows] == ["nuclei-int8", "nuclei-fp32", "spots-fp32"]
    assert [row["is_default"] for row in rows] == [True, False, True]
    assert rows[0]["scores"] == {"dice": 0.9012, "iou": 0.83}


@pytest.mark.parametrize("text", ["{}", "no JSON", '{"scores": {"dice": "good"}}', "[]"])
def test_scores_that_are_none_are_told_with_their_file(text: str, weights: Path) -> None:
    (weights / "nuclei.json").write_text(text)
    with pytest.raises(ModelError, match=r"nuclei\.json: this holds no scores"):
        list_bundled()


def test_detect_takes_the_bundled_model_of_signals_where_there_is_one(weights: Path, capsys: Any) -> None:
    assert default_model() == "energy"
    write_model(weights / "signals.onnx", channels=1, input_channels=1, spectrogram=SpectrogramSettings())
    assert default_model() == "signals"
    assert main(["detect", "/nowhere.sigmf-meta", "--follow", "--nfft", "512", "--model", "energy"]) == 1
    assert "there is no such file" in capsys.readouterr().err


def test_what_is_shipped_fits_and_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "FOLDER", SHIPPED)
    found = list_bundled()
    assert sum(one.file.stat().st_size for one in found) < 12e6
    for one in found:
        described = one.description
        assert described.precision == ("int8" if one.name.endswith("-int8") else "float32")
        assert described.licence, one.file
        assert described.data, one.file
        assert described.commit, one.file
        assert (described.task == "recording") == one.name.startswith("signals")
        predictor = Predictor.load(one.name, runtime=ON_ONNX_RUNTIME)
        side_px = 2 * predictor.spec.side_multiple_px
        predictor.predict(np.zeros((side_px, side_px, predictor.spec.input_channels), np.uint8))
