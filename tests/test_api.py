"""The names that `lmsc_unet` gives, and what it loads for them."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import lmsc_unet
from lmsc_unet._moved import new_name

from .training.small import small_config, write_discs


def loaded_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.splitlines())


def test_importing_the_package_loads_nothing() -> None:
    assert loaded_after("import lmsc_unet; dir(lmsc_unet); lmsc_unet.__version__").isdisjoint({"numpy", "torch"})


def test_what_runs_a_model_loads_no_torch() -> None:
    names = "Predictor, Prediction, ModelSpec, CATALOG, model_config, evaluate, TrainConfig, LmscError, read_image"
    loaded = loaded_after(f"from lmsc_unet import {names}")
    assert "lmsc_unet.inference.predictor" in loaded
    assert "torch" not in loaded


@pytest.mark.parametrize("name", lmsc_unet.__all__)
def test_every_name_is_there_and_is_what_it_says(name: str) -> None:
    value = getattr(lmsc_unet, name)
    assert getattr(lmsc_unet, name) is value
    assert name in dir(lmsc_unet)
    if name not in ("CATALOG", "train"):
        assert value.__name__ == name


def test_the_lists_of_names_agree() -> None:
    assert list(lmsc_unet._ORIGINS) == lmsc_unet.__all__


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("data.folder", "datasets.folder"),
        ("data.reading", "datasets.load"),
        ("evaluation.evaluate", "evaluation.segmentation"),
        ("images", "imageio"),
        ("prediction.predictor", "inference.predictor"),
        ("signal.detection", "signals.detection"),
        ("signal.scenes.scene", "synthetic.radio.scene"),
    ],
)
def test_a_module_is_found_by_its_old_name_too(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match="lmsc_unet"):
        found = reload_of(f"lmsc_unet.{old}")
    assert found is import_module(f"lmsc_unet.{new}")


def test_a_module_that_never_was_is_still_missing() -> None:
    with pytest.raises(ModuleNotFoundError, match="nothing"):
        import_module("lmsc_unet.nothing")


def reload_of(name: str) -> ModuleType:
    """A module imported as if it, and the packages that it is in, never were before by these names."""
    for known in [module for module in sys.modules if f"{name}.".startswith(f"{module}.") and new_name(module)]:
        del sys.modules[known]
    return import_module(name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'lmsc_unet' has no attribute 'Predicter'"):
        lmsc_unet.Predicter  # noqa: B018
    assert lmsc_unet.__version__.count(".") == 2


def test_train_and_predict_in_python(tmp_path: Path) -> None:
    data = write_discs(tmp_path / "data", count=3)
    summary = lmsc_unet.train(data, tmp_path / "run", small_config(epochs=1))
    assert summary["epochs"] == 1
    image = lmsc_unet.read_image(data / "images/0.png")
    prediction = lmsc_unet.Predictor.load(tmp_path / "run").predict(image)
    assert isinstance(prediction, lmsc_unet.Prediction)
    assert prediction.mask.shape == (40, 40)
    assert prediction.mask.dtype == np.uint8
    assert sum(prediction.shares.values()) == pytest.approx(1)
