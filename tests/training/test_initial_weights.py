"""A training begins with the weights of another model, and only with those that fit."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from lmsc_unet.errors import ConfigError, LmscError, ModelError
from lmsc_unet.imageio import read_mask, write_png
from lmsc_unet.inference import bundled
from lmsc_unet.inference.metadata import Description
from lmsc_unet.training import pretrained
from lmsc_unet.training.load_model import load_module
from lmsc_unet.training.pretrained import find_initial
from lmsc_unet.training.run import run
from lmsc_unet.training.run_folder import read_config
from tests.models.test_pretrained import layers_of

from .small import lmsc_train, small_config, write_discs

STILL = {"learning_rate": 1e-12, "weight_decay": 0.0}
"""A training that hardly moves: what it ends with is what it began with."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_discs(tmp_path_factory.mktemp("discs"))


@pytest.fixture(scope="module")
def first(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that finds discs fairly well."""
    out = tmp_path_factory.mktemp("runs") / "first"
    run(data, out, small_config(epochs=8, validate_every=8, ema_decay=0.0, optimizer={"learning_rate": 0.01}))
    return out


def dice(run_folder: Path) -> float:
    return float(json.loads((run_folder / "summary.json").read_text())["last"]["paper"]["dc"])


def test_a_run_begins_where_another_ended(data: Path, first: Path, tmp_path: Path) -> None:
    assert lmsc_train(data, tmp_path / "second", "--from", str(first), "--epochs=1", "--optimizer.learning-rate=1e-12",
                      "--optimizer.weight-decay=0", "--ema-decay=0") == 0  # fmt: skip
    assert read_config(tmp_path / "second").initial_weights == str(first)
    before, after = load_module(first / "best.ckpt")[0], load_module(tmp_path / "second")[0]
    torch.testing.assert_close(after.head.weight, before.head.weight, rtol=0, atol=1e-6)
    assert dice(first) > 0.6
    assert dice(tmp_path / "second") == pytest.approx(dice(first), abs=0.1)


def test_the_images_are_scaled_as_the_weights_are_used_to(data: Path, first: Path, tmp_path: Path) -> None:
    settings = ("--from", str(first), "--epochs=1")
    assert lmsc_train(data, tmp_path / "balanced", *settings, "--input.scaling=balanced", "--input.mean=0.4") == 0
    assert read_config(tmp_path / "balanced").input.scaling == "balanced"
    then = ("--from", str(tmp_path / "balanced"), "--epochs=1")
    assert lmsc_train(data, tmp_path / "kept", *then, "--input.mean=0.45") == 0
    kept = read_config(tmp_path / "kept")
    assert (kept.input.scaling, kept.input.mean) == ("balanced", (0.45,))  # what is given wins


@pytest.mark.parametrize("recipe", ["strong", "paper"])
def test_fine_tuning_goes_in_small_steps(data: Path, first: Path, tmp_path: Path, recipe: str) -> None:
    assert lmsc_train(data, tmp_path / "small", "--from", str(first), "--epochs=1", f"--recipe={recipe}") == 0
    assert read_config(tmp_path / "small").optimizer.learning_rate == 1e-3
    given = ("--epochs=1", "--optimizer.learning-rate=0.002")
    assert lmsc_train(data, tmp_path / "given", "--from", str(first), *given) == 0
    assert read_config(tmp_path / "given").optimizer.learning_rate == 2e-3


def test_an_exported_file_begins_as_well_as_its_run(
    data: Path, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its norms are folded away; without their statistics the first step would change the whole network."""
    network, spec = load_module(first / "best.ckpt")
    monkeypatch.setattr(bundled, "FOLDER", tmp_path / "weights")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/discs.onnx").touch()
    monkeypatch.setattr(pretrained, "read_layers", lambda _: (layers_of(network), Description(spec=spec)))
    config = small_config(epochs=1, ema_decay=0.0, optimizer=STILL, initial_weights="discs")
    assert run(data, tmp_path / "run", config)["last"]["paper"]["dc"] == pytest.approx(dice(first), abs=0.1)


def test_a_resumed_run_has_its_own_weights(data: Path, first: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    flags = ("--initial-weights", str(first), "--epochs=1", "--ema-decay=0")
    assert lmsc_train(data, out, *flags) == 0
    weights = load_module(out / "last.ckpt")[0].head.weight
    (out / "summary.json").unlink()
    assert lmsc_train(data, out, *flags, "--resume") == 0
    assert torch.equal(load_module(out / "last.ckpt")[0].head.weight, weights)


WRONG: dict[str, tuple[dict[str, Any], type[LmscError], str]] = {
    "other widths": (
        {"network": {"widths": [4, 8, 8, 16]}},
        ConfigError,
        r"another network \(widths: \[4, 8, 8, 8\] -> ",
    ),
    "other channels": (
        {"input": {"channels": 1}},
        ConfigError,
        "trained on images with 3 channels, this training has 1",
    ),
    "another model": (
        {"model": "lmsc-unet-plain"},
        ConfigError,
        "is a lmsc-unet, this training's network a lmsc-unet-plain. Add --model lmsc-unet",
    ),
    "no model": ({"initial_weights": "nuclei"}, ModelError, "There is no model at nuclei"),
}


@pytest.mark.parametrize(("changes", "error", "message"), WRONG.values(), ids=WRONG)
def test_weights_that_do_not_fit_are_refused_and_leave_nothing(
    changes: dict[str, Any], error: type[LmscError], message: str, data: Path, first: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        run(data, tmp_path / "run", small_config(epochs=1, **({"initial_weights": str(first)} | changes)))
    assert not (tmp_path / "run").exists()


def test_other_classes_are_told_by_name(first: Path, tmp_path: Path) -> None:
    data = write_discs(tmp_path / "data")
    for path in (data / "masks").iterdir():
        write_png(path, read_mask(path) // 255)
    config = small_config(epochs=1, initial_weights=str(first), data={"classes": ["ground", "disc", "ring"]})
    with pytest.raises(ConfigError, match="classes background, foreground, this data has ground, disc, ring"):
        run(data, tmp_path / "run", config)


def test_a_bundled_name_is_its_float32_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "FOLDER", tmp_path)
    for name in ("nuclei.onnx", "nuclei-int8.onnx"):
        (tmp_path / name).touch()
    assert {find_initial(name) for name in ("nuclei", "nuclei-int8")} == {tmp_path / "nuclei.onnx"}
    (tmp_path / "model.xml").touch()
    with pytest.raises(ModelError, match="a training begins with a run, a checkpoint, a float32 file"):
        find_initial(str(tmp_path / "model.xml"))
