"""What `--values` says of masks goes from a training through all that follows it."""

import json
from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.imageio import read_mask, write_png

from .small import lmsc_train, write_discs


def test_values_that_are_no_class_ids_go_through_training_resuming_scores_and_export(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_discs(tmp_path / "data", count=4, channels=1)
    for path in (data / "masks").iterdir():
        write_png(path, np.where(read_mask(path) > 0, 2, 1).astype(np.uint8))  # ilastik: 1 is the background
    run = tmp_path / "run"
    assert lmsc_train(data, run, "--epochs=1") == 1
    assert "If 1 is the background and 2 the foreground, say --values 1,2." in capsys.readouterr().err
    assert lmsc_train(data, run, "--epochs=2", "--values=1,2", "--model=unet", "--network.widths=[4, 8]") == 0
    assert main(["train", str(data), "--out", str(run), "--resume"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run), str(data), "--values", "1,2", "--format=json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 4
    assert main(["export", str(run), "--data", str(data), "--out", str(tmp_path / "m.onnx")]) == 0
