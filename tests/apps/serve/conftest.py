"""A real server on a free port in a thread, with a network of numpy and the energy detector."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lmsc_unet.apps.serve.served import ServedModels
from lmsc_unet.apps.serve.server_options import ServeOptions
from lmsc_unet.inference.detector import ENERGY, load_detector
from lmsc_unet.inference.predictor import Predictor
from tests.inference.networks import brightness, spec

if TYPE_CHECKING:
    from tests.apps.serve.clients import Client

    Start = Callable[..., Client]


@pytest.fixture(autouse=True)
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder for uploads; nothing may be left in it."""
    folder, before = tmp_path_factory.mktemp("uploads"), tempfile.tempdir
    tempfile.tempdir = str(folder)
    yield folder
    tempfile.tempdir = before
    assert list(folder.iterdir()) == []


@pytest.fixture
def start() -> "Iterator[Start]":
    """Starts a server; options and the network may be changed."""
    with _starting() as starting:
        yield starting


@contextmanager
def _starting() -> "Iterator[Start]":
    from tests.apps.serve.clients import serving  # which needs the extra `serve`

    stops = []

    def start_one(
        network=brightness, models: ServedModels | None = None, label_studio=None, fitter=None, **options
    ) -> "Client":
        known = models or served(network)
        client, stop = serving(ServeOptions(port=0, **options), known, label_studio, fitter)
        stops.append(stop)
        return client

    yield start_one
    for stop in stops:
        stop()


def served(network=brightness) -> ServedModels:
    """A network that calls bright pixels foreground, and the energy detector."""
    return ServedModels(
        predictors={"bright": Predictor(network, spec(mean=(0.5,)))},
        detectors={ENERGY: load_detector(ENERGY)},
        described=[{"name": "bright", "task": "segment"}, {"name": ENERGY, "task": "detect"}],
    )
