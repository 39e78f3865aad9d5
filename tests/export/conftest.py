"""A small network that is trained for real, once for all tests of exports."""

from functools import partial
from pathlib import Path

import onnx
import pytest
from torch import nn

from lmsc_unet.export import formats
from lmsc_unet.export.graph import to_graph
from lmsc_unet.export.options import OPSET
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.training.load_model import TrainedRun, open_trained_run
from lmsc_unet.training.run import run
from tests.training.small import small_config, write_discs


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright discs on a dark ground."""
    return write_discs(tmp_path_factory.mktemp("discs"), count=12)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A run folder whose network finds the discs."""
    folder = tmp_path_factory.mktemp("runs") / "discs"
    run(data, folder, small_config(epochs=12, validate_every=12, ema_decay=0.0, optimizer={"learning_rate": 0.01}))
    return folder


@pytest.fixture(scope="session")
def source(trained: Path) -> TrainedRun:
    """The run, loaded."""
    return open_trained_run(trained)


@pytest.fixture(scope="session")
def graph(source: TrainedRun) -> onnx.ModelProto:
    """Its float32 graph."""
    return to_graph(source.network, source.spec)


@pytest.fixture
def graph_at_hand(graph: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports take the graph that is made already, with their own weights, as making it takes seconds."""
    monkeypatch.setattr(formats, "to_graph", partial(from_graph, graph))


def from_graph(
    graph: onnx.ModelProto, network: nn.Module, spec: ModelSpec, opset: int = OPSET, _like: object = None
) -> onnx.ModelProto:
    """`to_graph` of a network whose graph with other weights is there."""
    return to_graph(network, spec, opset, graph)
