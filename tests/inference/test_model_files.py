"""An exported file says all that prediction needs, or is refused with what is wrong with it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the tests write ONNX files by it")

from lmsc_unet.errors import ConfigError, ModelError, SizeError
from lmsc_unet.imageio import write_png
from lmsc_unet.inference import backends
from lmsc_unet.inference.loading import load
from lmsc_unet.inference.metadata import Description, from_text, read_description, to_text
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime
from tests.apps.segment.conftest import blobs
from tests.inference.model_files import write_model
from tests.inference.networks import spec

BACKENDS = ["onnxruntime", pytest.param("openvino", marks=pytest.mark.openvino)]
ON_ONNX_RUNTIME = Runtime(backend="onnxruntime", threads=1)


def newer() -> str:
    return json.dumps({"version": 4, "spec": {}, "of_the_future": True})


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_file_alone_is_a_predictor(backend: str, tmp_path: Path) -> None:
    model = write_model(tmp_path / "bright.onnx", class_names=("dark", "bright"))
    predictor = Predictor.load(model, runtime=Runtime(backend=backend, threads=1))
    image = blobs(37, 50)
    assert np.array_equal(predictor.predict(image).mask, image[..., 0] > 127)
    assert predictor.spec.class_names == ("dark", "bright")


def test_a_description_survives_the_file() -> None:
    description = Description(
        spec=spec(mean=(0.1, 0.2, 0.3), threshold=0.4),
        precision="int8",
        float_layers=("head",),
        data="tissue of a spleen, ½ stained",
        licence="CC-BY-4.0",
        commit="0123abc",
    )
    assert from_text(to_text(description), Path("a.onnx")) == description


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no metadata": ({"key": "another"}, "no metadata 'lmsc_unet.model'"),
    "a newer version": (
        {"text": newer()},
        "has version 4, this lmsc-unet reads up to 3. Try: pip install -U lmsc-unet",
    ),
    "no version": ({"text": "{}"}, "names no version"),
    "no mapping": ({"text": "[1]"}, "names no version"),
    "no JSON": ({"text": "name: small"}, "is no JSON"),
    "a field that is missing": ({"text": '{"version": 1, "spec": {}}'}, "lacks a field .*'name'"),
    "an unknown field": ({"text": '{"version": 1, "spec": {"name": "a"}, "colour": 1}'}, "no setting 'colour'"),
    "another graph": ({"channels": 1}, "has 1 input channels and 1 logits, its description says 3 and 1"),
    "other logits": ({"num_logits": 2}, "its description says 3 and 2"),
    "data above its folder": ({"location": "../secret.bin"}, "lie in another file, which is not followed"),
    "data anywhere": ({"location": "/etc/passwd"}, "lie in another file, which is not followed"),
    "data beside it": ({"location": "weights.bin"}, "lie in another file, which is not followed"),
}


@pytest.mark.parametrize(("changes", "message"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_does_not_fit_is_refused_with_its_name(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(12))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/weights.bin").write_bytes(bytes(12))
    path = write_model(tmp_path / "in/model.onnx", **changes)
    with pytest.raises(ModelError, match=message) as raised:
        load(path, ON_ONNX_RUNTIME)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello, this is a text", b"\x89PNG\r\n\x1a\n" + bytes(100), b"\x80" * 40, b"\xff" * 40, b"PK\x03\x04" * 9],
    ids=["empty", "text", "PNG", "endless number", "other bytes", "zip"],
)
def test_what_is_no_onnx_file_is_called_so(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"no ONNX file|is empty"):
        read_description(path)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = write_model(tmp_path / "whole.onnx").read_bytes()
    for length in range(0, len(whole) - 1, 7):
        path = tmp_path / "cut.onnx"
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            load(path, ON_ONNX_RUNTIME)


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((1, 1, 8, 8), ModelError, "takes pixels of shape B 3 H W, as it was trained on"),
        ((1, 3, 8, 10), SizeError, "multiples of 4 px; these pixels are 8 x 10 px"),
        ((3, 8, 8), ModelError, r"these have the shape \(3, 8, 8\)"),
    ],
)
def test_pixels_that_do_not_fit_are_told_before_the_graph_meets_them(
    shape: tuple[int, ...], error: type[Exception], message: str, tmp_path: Path
) -> None:
    network = load(write_model(tmp_path / "bright.onnx"), ON_ONNX_RUNTIME).network
    with pytest.raises(error, match=message):
        network(np.zeros(shape, np.float32))


def test_an_image_of_other_channels_is_told_what_the_model_was_trained_on(
    tmp_path: Path, lmsc: Any, capsys: Any
) -> None:
    write_png(tmp_path / "in/grey.png", blobs(20, 20)[..., 0])
    model = write_model(tmp_path / "five.onnx", channels=5, input_channels=5)
    assert lmsc("predict", model, tmp_path / "in", "--out", tmp_path / "out", "--threads", 1) == 2
    assert "has 1 channel, but small was trained on images with 5 channels" in capsys.readouterr().err


def test_a_backend_that_is_not_there_comes_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda _name: None)
    with pytest.raises(
        ConfigError, match=r'openvino, which is not installed. Try: pip install "lmsc-unet\[openvino\]"'
    ):
        backends.find_backend("openvino")
    assert backends.default_backend() == "onnxruntime"
    with pytest.raises(ConfigError, match="no backend 'tpu'; the backends are onnxruntime, openvino"):
        backends.find_backend("tpu")


def test_a_provider_that_is_not_there_is_never_replaced_in_silence(tmp_path: Path, lmsc: Any, capsys: Any) -> None:
    model = write_model(tmp_path / "bright.onnx")
    write_png(tmp_path / "a.png", blobs(20, 20))
    assert lmsc("predict", model, tmp_path / "a.png", "--out", tmp_path / "out", "--backend", "cuda") == 1
    assert "The installed ONNX Runtime has no CUDAExecutionProvider" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("machine", "is_there", "chosen"), [("x86_64", True, "openvino"), ("aarch64", True, "onnxruntime")]
)
def test_openvino_is_chosen_where_it_is_the_faster(
    machine: str, is_there: bool, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends.platform, "machine", lambda: machine)
    monkeypatch.setattr(backends, "find_spec", lambda _name: is_there or None)
    assert backends.default_backend() == chosen


def test_an_int8_onnx_file_runs_on_onnx_runtime_which_it_is_made_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "default_backend", lambda: "openvino")
    text = to_text(Description(spec=spec(mean=(0.5,)), precision="int8"))
    assert backends.usual_backend(write_model(tmp_path / "int8.onnx", text=text)) == "onnxruntime"
    assert backends.usual_backend(write_model(tmp_path / "float32.onnx")) == "openvino"
    assert backends.usual_backend(tmp_path / "best.ckpt") == "openvino"


def test_threads_must_be_some() -> None:
    with pytest.raises(ConfigError, match="threads is 0"):
        Runtime(threads=0)


def test_evaluate_takes_a_model_file(tmp_path: Path, lmsc: Any, capsys: Any) -> None:
    image = blobs(24, 32)
    write_png(tmp_path / "data/images/a.png", image)
    write_png(tmp_path / "data/masks/a.png", (image[..., 0] > 127).astype(np.uint8) * 255)
    model = write_model(tmp_path / "bright.onnx")
    assert (
        lmsc("evaluate", model, tmp_path / "data", "--backend", "onnxruntime", "--format", "json", "--draws", 10) == 0
    )
    assert json.loads(capsys.readouterr().out)["paper"]["dc"] == 1.0


def test_a_version_is_raised_with_the_fields() -> None:
    """The fields of version 1. Whoever changes them raises VERSION, and keeps reading the older files."""
    fields = list(json.loads(to_text(Description(spec=replace(spec(), name="a")))))
    assert fields == [
        "version", "spec", "task", "precision", "float_layers", "data", "licence", "commit",
        "checkpoint_sha256", "made_by", "made",
    ]  # fmt: skip
