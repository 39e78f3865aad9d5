"""What holds for every test: no models are bundled, and runs stay in PyTorch, as exporting one takes seconds."""

import os
import resource
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

from lmsc_unet.inference import bundled, export_cache

settings.register_profile("shared machines", deadline=None)
settings.load_profile("shared machines")

os.environ["LMSC_DEBUG"] = "1"  # an error that nobody thought of fails a test where it is

SHIPPED = bundled.FOLDER
"""The folder of the models that are shipped."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips the tests of a runtime that is not installed here; `make test-NAME` builds an environment that has it."""
    for name in ("openvino", "executorch"):
        if item.get_closest_marker(name) is not None and find_spec(name) is None:
            pytest.skip(f"{name} is not installed; see `make test-{name}`")


@pytest.fixture(autouse=True)
def no_weights(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of bundled models."""
    folder = tmp_path_factory.getbasetemp() / "no-weights"
    folder.mkdir(exist_ok=True)
    monkeypatch.setattr(bundled, "FOLDER", folder)
    return folder


@pytest.fixture(autouse=True)
def no_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """What exports a run at its first use is not installed."""
    monkeypatch.setattr(export_cache, "NEEDED", ("what-exports",))


@pytest.fixture
def process() -> Iterator[None]:
    """A process as the shell starts it: Ctrl-C interrupts it; the limit that a test sets on file sizes is lifted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
