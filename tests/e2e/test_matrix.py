"""Every kind of dataset meets every command: each cell works, or is refused by the message that stands here."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from torch import nn

from lmsc_unet.cli.main import main
from lmsc_unet.errors import INTERRUPTED
from lmsc_unet.export import formats, graph
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.training.module import Segmentation
from tests.e2e.kinds import KINDS, Kind, num_results

EXPORTS: dict[str, list[object]] = {
    "float32": [],
    "int8": ["--int8", "--crops=8"],
    "probabilities": ["--outputs=probabilities"],
    "classes": ["--outputs=classes"],
}
TRAINING = (
    "--epochs=6",
    "--batch=2",
    "--size-px=32",
    "--precision=32",
    "--optimizer.learning-rate=0.02",
    "--ema-decay=0",
)
NETWORK = ("--model=unet", "--network.widths=[4, 8]")
REFUSED: dict[tuple[str, str], str] = {}
"""Kind and cell -> what the refusal says."""


@pytest.fixture(scope="module")
def graphs() -> dict[tuple[int, int], onnx.ModelProto]:
    """Graphs of the tiny network by channels and logits: PyTorch takes seconds to make one."""
    return {}


@pytest.fixture
def quick_graphs(graphs: dict[tuple[int, int], onnx.ModelProto], monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's graph is one that is there, with its own weights; each export still compares it with the run."""

    def to_graph(network: nn.Module, spec: ModelSpec, opset: int, _like: object) -> onnx.ModelProto:
        key = (spec.input_channels, spec.num_logits)
        graphs[key] = graph.to_graph(network, spec, opset, graphs.get(key))
        return graphs[key]

    monkeypatch.setattr(formats, "to_graph", to_graph)


@pytest.fixture
def stopped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first training is stopped in its third epoch."""
    step, stops = Segmentation.training_step, [2]

    def training_step(module: Segmentation, *arguments: Any) -> Any:
        if module.current_epoch in stops:
            stops.clear()
            raise KeyboardInterrupt
        return step(module, *arguments)

    monkeypatch.setattr(Segmentation, "training_step", training_step)


Holds = Callable[[str], bool]


def cells(kind: Kind, data: Path, out: Path) -> list[tuple[str, list[object], Holds]]:
    """What is done in turn: a name, the command, and what holds of its result."""
    run, classes = out / "run", ["--classes=noise,A,B"] if kind.num_classes > 2 else []
    training = ["train", data, "--out", run, *TRAINING, *NETWORK, *kind.flags]
    check = ["data", "check", data, *classes]
    scores = [data, f"--split={kind.split}", "--draws=10", "--format=json", *classes]
    rows: list[tuple[str, list[object], Holds]] = [
        ("data check", check, lambda said: "0 errors" in said),
        ("train", training, lambda _: num_epochs(run) == 2),
        ("resume", [*training, "--resume"], lambda said: num_epochs(run) == 6 and "6 epochs are few" in said),
        ("evaluate", ["evaluate", run, *scores], has_scores),
        ("use", use(kind, run, data, out / "of the run", "torch"), lambda _: num_results(out / "of the run") > 0),
    ]
    for name, words in EXPORTS.items():
        rows += cells_of_export(name, ["export", run, "--data", data, *words], kind, data, out, scores)
    return rows


def cells_of_export(
    name: str, words: list[object], kind: Kind, data: Path, out: Path, scores: list[object]
) -> list[tuple[str, list[object], Holds]]:
    """A file is exported, used and scored."""
    file, found = out / f"{name}.onnx", out / f"of {name}"
    return [
        (f"export {name}", [*words, "--out", file], lambda _: file.is_file()),
        (f"use {name}", use(kind, file, data, found, "onnxruntime"), lambda _: num_results(found) > 0),
        (f"evaluate {name}", ["evaluate", file, *scores], has_scores),
    ]


def use(kind: Kind, model: Path, data: Path, out: Path, backend: str) -> list[object]:
    given = [min(data.glob(kind.inputs)), "--out", out, "--backend", backend]
    return ["predict", model, *given] if kind.use == "predict" else ["detect", *given, "--model", model]


def num_epochs(run: Path) -> int:
    return len((run / "metrics.csv").read_text().splitlines()) - 1


def has_scores(said: str) -> bool:
    report = json.loads(said)
    return report["images"] > 0 and "error" not in report


@pytest.mark.usefixtures("quick_graphs", "stopped_once")
@pytest.mark.parametrize("name", KINDS)
def test_every_command_takes_every_kind_of_dataset(  # T2
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], subtests: pytest.Subtests
) -> None:
    kind, data, out = KINDS[name], tmp_path / "data", tmp_path / "out"
    data.mkdir()
    kind.write(data)
    for cell, words, holds in cells(kind, data, out):
        with subtests.test(cell=cell):
            exit_code = main([str(word) for word in words])
            said = capsys.readouterr()
            if (name, cell) in REFUSED:
                assert exit_code == 1
                assert REFUSED[name, cell] in said.err
            else:
                assert exit_code == (INTERRUPTED if cell == "train" else 0), said.err + said.out
                assert holds(said.out), said.out
