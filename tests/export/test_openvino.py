"""OpenVINO's IR is the run, too, and is refused where it is not whole; without OpenVINO the way to it is told."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.export import formats
from lmsc_unet.export.export import export
from lmsc_unet.export.options import ExportOptions
from lmsc_unet.inference import bundled
from lmsc_unet.inference.loading import find_file
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.synthetic.tissue.writer import draw_tissue
from tests.apps.segment.conftest import blobs
from tests.conftest import SHIPPED


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Path:
    """A folder with `model.xml` and `model.bin`."""
    folder = tmp_path_factory.mktemp("ir")
    export(trained, folder / "model.xml", ExportOptions(to="openvino", threads=1))
    return folder


def without_digest(xml: Path, old: str, new: str) -> None:
    """Changes a file as one who knows of its digest."""
    text = xml.read_text()
    assert old in text
    xml.write_text(re.sub("<graph_sha256.*?/>", "", text.replace(old, new)))


@pytest.mark.openvino
def test_an_ir_predicts_what_the_run_predicts(files: Path, trained: Path) -> None:
    assert sorted(path.name for path in files.iterdir()) == ["model.bin", "model.parity.json", "model.xml"]
    ours = Predictor.load(files / "model.xml").predict(blobs(61, 47))
    theirs = Predictor.load(trained, runtime=Runtime(backend="torch")).predict(blobs(61, 47))
    np.testing.assert_allclose(ours.probability, theirs.probability, rtol=0, atol=1e-5)


@pytest.mark.openvino
@pytest.mark.usefixtures("graph_at_hand")
def test_an_int8_ir_of_classes_makes_the_same_masks(trained: Path, data: Path, files: Path, tmp_path: Path) -> None:
    options = ExportOptions(to="openvino", int8=True, calibrate=data, crops=12, threads=1, outputs="classes")
    report = export(trained, tmp_path / "a.xml", options).report
    assert report["speedup_over_float32"] > 0
    mask = Predictor.load(tmp_path / "a.xml").predict(blobs(61, 47)).mask
    float_mask = Predictor.load(files / "model.xml").predict(blobs(61, 47)).mask
    assert (mask == float_mask).mean() > 0.99


@pytest.mark.openvino
def test_the_bundled_models_of_openvino_make_the_masks_of_the_onnx_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "FOLDER", SHIPPED)
    for name in ("nuclei", "signals"):
        own, onnx_file = Predictor.load(name), Predictor.load(f"{name}-int8")
        assert find_file(name).suffix == ".xml"
        image = draw_tissue(np.random.default_rng(3), 256).image[..., : own.spec.input_channels]
        assert (own.predict(image).mask == onnx_file.predict(image).mask).mean() > 0.98


@pytest.mark.openvino
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda xml, _: xml.write_text(xml.read_text()[:3000]), "cannot read it"),
        (lambda _, weights: weights.unlink(), "model.bin with its weights is not beside it"),
        (
            lambda _, weights: weights.write_bytes(bytes(weights.stat().st_size)),
            "holds other weights than were exported",
        ),
        (lambda xml, _: xml.write_text(xml.read_text().replace("lmsc_unet", "others")), "has no rt_info"),
        (lambda xml, _: xml.write_text(xml.read_text().replace("version&quot;: 1", "version&quot;: 99")), "version 99"),
        (
            lambda xml, _: xml.write_text(xml.read_text().replace('strides="2, 2"', 'strides="2, 3"')),
            "do not match the SHA-256",
        ),
        (
            lambda xml, _: xml.write_text(xml.read_text().replace("threshold&quot;: 0.5", "threshold&quot;: 0.7")),
            "SHA",
        ),
        (lambda xml, _: without_digest(xml, 'type="ReLU"', 'type="Tan"'), "has the operator Tan"),  # R7
    ],
)
def test_an_ir_that_is_not_whole_is_refused(damage: Any, message: str, files: Path, tmp_path: Path) -> None:
    for name in ("model.xml", "model.bin"):
        (tmp_path / name).write_bytes((files / name).read_bytes())
    damage(tmp_path / "model.xml", tmp_path / "model.bin")
    with pytest.raises(ModelError, match=message):
        Predictor.load(tmp_path / "model.xml")


@pytest.mark.openvino
def test_an_ir_runs_on_openvino_alone(files: Path) -> None:
    with pytest.raises(ConfigError, match="the backend onnxruntime does not run this file; openvino does"):
        Predictor.load(files / "model.xml", runtime=Runtime(backend="onnxruntime"))


def test_without_openvino_the_command_that_installs_it_is_told(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda _: None)
    assert main(["export", str(tmp_path), "--out", str(tmp_path / "a.xml"), "--to", "openvino"]) == 1
    assert '--to openvino needs openvino, which is not installed. Try: pip install "lmsc-unet[openvino]"' in (
        capsys.readouterr().err
    )
