"""A model without PyTorch, and a dataset whose scores can be told by hand."""

from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.imageio import write_png
from tests.apps.segment.conftest import lmsc, model

__all__ = ["lmsc", "model"]

SIDE_PX = 20


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Images whose bright rows are what the model predicts, and masks that differ in known ways."""
    rows = {  # name: bright rows, true rows (of 20)
        "good": (10, 10),
        "half": (4, 8),
        "false": (5, 0),  # empty truth, something predicted
        "missed": (0, 5),  # something there, empty prediction
        "empty": (0, 0),
    }
    for name, (bright, true) in rows.items():
        write_pair(tmp_path / "data", name, bright, true)
    return tmp_path / "data"


def write_pair(root: Path, name: str, bright_rows: int, true_rows: int) -> None:
    """An image with bright rows at its top, and a mask with true ones."""
    image = np.zeros((SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    image[:bright_rows] = 255
    mask = np.zeros((SIDE_PX, SIDE_PX), dtype=np.uint8)
    mask[:true_rows] = 255
    write_png(root / "images" / f"{name}.png", image)
    write_png(root / "masks" / f"{name}.png", mask)
