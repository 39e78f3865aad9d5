"""What holds for every test: nothing depends on which models this copy bundles."""

from pathlib import Path

import pytest

from lmsc_unet.prediction import bundled

SHIPPED = bundled.FOLDER
"""The folder of the models that are shipped."""


@pytest.fixture(autouse=True)
def no_weights(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of bundled models."""
    folder = tmp_path_factory.getbasetemp() / "no-weights"
    folder.mkdir(exist_ok=True)
    monkeypatch.setattr(bundled, "FOLDER", folder)
    return folder
