"""`--devices 2` on the CPU: two processes train, one writes, scores and prints."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lmsc_unet.errors import LmscError
from lmsc_unet.training.callbacks import stops
from lmsc_unet.training.checkpoint import read_checkpoint
from lmsc_unet.training.checkpoint_callback import read_metrics

from .small import lmsc_train, train_flags, write_discs
from .test_train_command import FILES, names, summary_of

FLAGS = ("--batch=4", "--folds=2")


def test_two_processes_train_each_fold_and_one_of_them_writes(tmp_path: Path) -> None:
    data, out = write_discs(tmp_path / "data", count=8), tmp_path / "run"
    words = [sys.executable, "-W", "ignore", "-m", "lmsc_unet.cli", "train", str(data), "--out", str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "100"}
    flags = train_flags(*FLAGS, "--devices=2")
    done = subprocess.run([*words, *flags], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [done.stderr.count(f"fold {fold}/2  epoch 2/2") for fold in (1, 2)] == [1, 1]
    assert done.stdout.count("mean over 2 folds") == 1

    assert names(out) == {"config.yaml", "summary.json", "fold-1", "fold-2"}
    for fold in (out / "fold-1", out / "fold-2"):
        assert names(fold) == FILES
        assert [row["step"] for row in read_metrics(fold / "metrics.csv")] == [1, 2]  # 4 images: 2 for each process
        assert all(value.isfinite().all() for value in read_checkpoint(fold / "last.ckpt")["state_dict"].values())
    assert summary_of(out)["best"]["paper"]["dc"]["folds"] == 2

    first = (out / "fold-1/metrics.csv").read_text()  # one process goes on where two were killed
    shutil.rmtree(out / "fold-2")
    (out / "summary.json").unlink()
    assert lmsc_train(data, out, *FLAGS, "--devices=1", "--resume") == 0
    assert summary_of(out)["folds"] == 2
    assert (out / "fold-1/metrics.csv").read_text() == first


@pytest.mark.parametrize("error", ["[third_party/gloo/gloo/transport/tcp/pair.cc:553] Connection closed", "NCCL error"])
def test_a_process_that_is_gone_is_told(error: str) -> None:
    with (
        pytest.raises(LmscError, match=r"Another process of --devices ended.* go on by --resume"),
        stops(SimpleNamespace(world_size=2)),
    ):
        raise RuntimeError(error)


@pytest.mark.parametrize(("world_size", "error"), [(1, "gloo"), (2, "out of memory")])
def test_other_errors_are_let_through(world_size: int, error: str) -> None:
    with pytest.raises(RuntimeError, match=error), stops(SimpleNamespace(world_size=world_size)):
        raise RuntimeError(error)
