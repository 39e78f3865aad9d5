"""What holds for every test of trainings."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.imageio import write_png
from lmsc_unet.training import run


@pytest.fixture(autouse=True)
def blank_pictures() -> Iterator[None]:
    """A test's own trainings draw nothing, which takes as long as they do; those that a module shares do draw."""

    def blank(*arguments: Path) -> None:
        write_png(arguments[-1], np.zeros((8, 8), np.uint8))

    with pytest.MonkeyPatch.context() as patched:
        for name in ("draw_curves", "draw_predictions"):
            patched.setattr(run, name, blank)
        yield
