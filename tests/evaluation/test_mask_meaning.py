"""What masks mean in `lmsc evaluate`: the same as in training, and masks without foreground are scored."""

import json

import numpy as np

from lmsc_unet.imageio import write_png
from tests.evaluation.conftest import SIDE_PX, write_pair


def test_masks_without_foreground_are_scored_with_a_note(model, tmp_path, lmsc, capsys):  # I21
    for name in ("a", "b"):
        write_pair(tmp_path / "data", name, 3, 0)
    assert lmsc("evaluate", model, tmp_path / "data") == 0
    assert "note: no mask has any foreground" in capsys.readouterr().err


def test_a_part_of_the_data_is_read_as_the_whole_is(model, tmp_path, lmsc, capsys):  # I5: few instances in a part
    for name, num_objects in (("train/a", 12), ("train/b", 14), ("test/c", 2), ("test/d", 3)):
        write_pair(tmp_path / "data", name, num_objects, 0)
        mask = np.zeros((SIDE_PX, SIDE_PX), np.uint16)
        mask[::2, ::2].flat[:num_objects] = 1 + np.arange(num_objects)
        write_png(tmp_path / f"data/masks/{name}.png", mask)
    assert lmsc("evaluate", model, tmp_path / "data", "--split", "test", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == 2
