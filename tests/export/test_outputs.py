"""A file may give probabilities or classes: it makes the masks that the logits make, and says what it cannot do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.export.export import export
from lmsc_unet.export.options import ExportOptions
from lmsc_unet.export.outputs import check_same, with_outputs
from lmsc_unet.imageio import write_png
from lmsc_unet.inference.metadata import INPUT, Description, from_text, read_description, to_text
from lmsc_unet.inference.outputs import activate, as_logits
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime
from tests.apps.segment.conftest import blobs
from tests.inference.model_files import write_model
from tests.inference.networks import spec

ON_ONNX_RUNTIME = Runtime(backend="onnxruntime", threads=1)
KINDS: dict[str, dict[str, Any]] = {
    "one logit": {},
    "one logit, cut at 0.9": {"threshold": 0.9},
    "three classes": {"num_logits": 3, "class_names": ("a", "b", "c")},
}


def graph_of(path: Path, num_logits: int) -> onnx.ModelProto:
    """The graph of `write_model`, with as many logits as asked for."""
    graph = onnx.load(write_model(path))
    if num_logits > 1:
        weights = np.random.default_rng(0).normal(size=(num_logits, 3, 1, 1)).astype(np.float32)
        graph.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weights, "w"))
        graph.graph.output[0].type.tensor_type.shape.dim[1].dim_value = num_logits
    return graph


@pytest.mark.parametrize("outputs", ["probabilities", "classes"])
@pytest.mark.parametrize("of_spec", KINDS.values(), ids=KINDS)
def test_the_end_of_a_graph_says_what_the_logits_say(of_spec: dict[str, Any], outputs: Any, tmp_path: Path) -> None:
    ours = spec(**of_spec)
    graph = graph_of(tmp_path / "a.onnx", ours.num_logits)
    pixels = np.random.default_rng(1).normal(size=(2, 3, 8, 16)).astype(np.float32)
    logits, found = (
        ort.InferenceSession(one.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {INPUT: pixels})[0]
        for one in (graph, with_outputs(graph, ours, outputs))
    )
    if outputs == "probabilities":
        np.testing.assert_allclose(found, activate(logits, ours.num_logits), rtol=0, atol=1e-6)
    else:
        expected = activate(logits, 2).argmax(1) if ours.num_logits > 1 else activate(logits, 1)[:, 0] >= ours.threshold
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found[:, 0], expected)
    check_same([logits], as_logits(lambda _: found.astype(np.float32), replace(ours, outputs=outputs)), ours, [pixels])


def test_a_file_whose_end_differs_is_noticed() -> None:
    logits = np.ones((1, 1, 4, 4), np.float32)
    with pytest.raises(ModelError, match="16 pixels of 16 have another class"):
        check_same([logits], lambda _: -logits, spec(), [logits])


@pytest.mark.usefixtures("graph_at_hand")
def test_files_of_each_kind_predict_alike(trained: Path, tmp_path: Path, capsys: Any) -> None:
    image = blobs(61, 47)
    masks = {}
    for outputs in ("logits", "probabilities", "classes"):
        out = tmp_path / f"{outputs}.onnx"
        export(trained, out, ExportOptions(threads=1, outputs=outputs))  # type: ignore[arg-type]
        masks[outputs] = Predictor.load(out, runtime=ON_ONNX_RUNTIME).predict(image).mask
        assert read_description(out).spec.outputs == outputs
        assert onnx.load(out).graph.output[0].name == outputs
    np.testing.assert_array_equal(masks["probabilities"], masks["logits"])
    np.testing.assert_array_equal(masks["classes"], masks["logits"])

    write_png(tmp_path / "a.png", image)
    arguments = ["predict", out, tmp_path / "a.png", "--out", tmp_path / "o", "--backend", "onnxruntime"]
    assert main([*map(str, arguments), "--probabilities"]) == 1
    assert "the file outputs only classes, so there are no probabilities to write" in capsys.readouterr().err
    assert main([*map(str, arguments), "--threshold", "0.9"]) == 1
    assert "the file gives classes, which its own threshold has cut already" in capsys.readouterr().err
    assert main([*map(str, arguments)]) == 0


@pytest.mark.parametrize(("outputs", "version"), [("logits", 1), ("probabilities", 2), ("classes", 2)])
def test_only_what_an_older_reader_does_not_know_raises_the_version(outputs: Any, version: int) -> None:
    description = Description(spec=spec(outputs=outputs))
    text = to_text(description)
    assert f'"version": {version}' in text
    assert from_text(text, Path("a.onnx")) == description


def test_qat_goes_with_int8() -> None:
    with pytest.raises(ConfigError, match="--qat needs --int8"):
        ExportOptions(qat=True)
