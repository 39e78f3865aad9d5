"""A model without PyTorch, and folders of images to predict."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.apps.segment import job
from lmsc_unet.cli.main import main
from lmsc_unet.imageio import open_rows, write_png
from tests.inference.networks import load_by


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model file whose network calls bright pixels foreground."""
    load_by(monkeypatch, "tests.inference.networks:load_bright")
    path = tmp_path / "model.fake"
    path.write_text("{}")
    return path


@pytest.fixture
def lmsc():
    """`lmsc predict` and its exit code, with paths as they are."""
    return lambda *arguments: main([str(argument) for argument in arguments])


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three pictures, one of them in a folder below."""
    folder = tmp_path / "images"
    for index, name in enumerate(("b.png", "a.png", "deep/er/a.png")):
        write_png(folder / name, blobs(40 + 10 * index, 50, seed=index))
    return folder


@pytest.fixture
def by_rows(monkeypatch):
    """Reads every TIFF by rows, in small blocks and bands."""

    def switch_on() -> None:
        monkeypatch.setattr(job, "open_rows", partial(open_rows, from_pixels=1))
        monkeypatch.setattr("lmsc_unet.imageio.rows.BLOCK_BYTES", 4000)
        monkeypatch.setattr("lmsc_unet.inference.sliding_window.BAND_PIXELS", 1000)

    return switch_on


def blobs(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Bright squares on a dark ground."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 60, (height, width, 3), dtype=np.uint8)
    for top, left in rng.integers(0, (height - 8, width - 8), (4, 2)):
        picture[top : top + 8, left : left + 8] = 220
    return picture
