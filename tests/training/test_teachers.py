"""A network learns what trained models predict, of any network and from any kind of file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lmsc_unet.cli.main import main
from lmsc_unet.errors import ConfigError, LmscError, ModelError
from lmsc_unet.inference.loading import LoadedModel
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.training.run import run
from lmsc_unet.training.run_folder import read_config
from lmsc_unet.training.teachers import Teachers, distillation_loss

from .small import lmsc_train, small_config, write_discs


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    assert lmsc_train(write_discs(folder / "data"), folder / "run", "--epochs=1") == 0
    file = ("--out", str(folder / "model.onnx"), "--threads", "1")
    assert main(["export", str(folder / "run"), *file]) == 0
    return folder


def constant(value: float, channels: int = 1) -> LoadedModel:
    def network(pixels: Any) -> Any:
        return np.full((len(pixels), channels, *pixels.shape[2:]), value, np.float32)

    return LoadedModel(network=network, spec=ModelSpec(name="t"), file=Path("t"))


def test_teachers_give_the_mean_of_their_probabilities_without_contours() -> None:
    taught = Teachers([constant(0.0), constant(np.log(3.0), channels=2)], 1)(torch.zeros(2, 3, 8, 8))
    assert taught.shape == (2, 1, 8, 8)
    torch.testing.assert_close(taught, torch.full_like(taught, (0.5 + 0.75) / 2))


@pytest.mark.parametrize("num_logits", [1, 3])
def test_the_loss_is_least_where_the_student_predicts_what_is_taught(num_logits: int) -> None:
    logits = torch.randn(2, num_logits, 4, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    taught = torch.sigmoid(logits) if num_logits == 1 else torch.softmax(logits, 1)
    distillation_loss(logits, taught.detach()).backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros_like(logits), rtol=0, atol=1e-7)


def test_a_network_learns_from_runs_and_files_of_another_network(first: Path, tmp_path: Path) -> None:
    names = f"{first / 'run'},{first / 'model.onnx'}"
    student = ("--model=lmsc-unet-plain", "--epochs=1", "--teacher", names)
    assert lmsc_train(first / "data", tmp_path / "a", *student) == 0
    assert read_config(tmp_path / "a").teacher == tuple(names.split(","))
    assert lmsc_train(first / "data", tmp_path / "b", *student, "--loss.teacher-weight=20") == 0
    weights = [torch.load(tmp_path / name / "last.ckpt", weights_only=True)["state_dict"] for name in "ab"]
    assert not torch.equal(weights[0]["network.head.weight"], weights[1]["network.head.weight"])


WRONG: dict[str, tuple[dict[str, Any], type[LmscError], str]] = {
    "other pixels": (
        {"input": {"scaling": "range"}},
        ConfigError,
        r"The teacher .*run has scaling percentile, this training range; .* Set --input\.scaling to the teacher's",
    ),
    "other sides": (
        {"size_px": 36, "network": {"widths": [4, 8, 8]}},
        ConfigError,
        "multiples of 8 px, and crops have 36",
    ),
    "no model": ({"teacher": ["nowhere"]}, ModelError, "There is no model at nowhere"),
}


@pytest.mark.parametrize(("changes", "error", "message"), WRONG.values(), ids=WRONG)
def test_teachers_that_cannot_teach_are_refused(
    changes: dict[str, Any], error: type[LmscError], message: str, first: Path, tmp_path: Path
) -> None:
    config = small_config(**({"epochs": 1, "teacher": [str(first / "run")]} | changes))
    with pytest.raises(error, match=message):
        run(first / "data", tmp_path / "run", config)
    assert not (tmp_path / "run").exists()
