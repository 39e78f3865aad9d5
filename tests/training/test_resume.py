"""A run that is killed and resumed ends bit for bit where an uninterrupted one ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from lmsc_unet.training.checkpoint import read_checkpoint

from .small import write_discs

SETTINGS = (
    "--epochs=4",
    "--batch=2",
    "--size-px=32",
    "--precision=32",
    "--network.widths=[4, 8, 8, 8]",
    "--seed=3",
)


def start(data: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "ignore", "-m", "lmsc_unet.cli", "train", str(data), "--out", str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*command, *SETTINGS, *more], env=environment, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()


def kill_after_epochs(process: subprocess.Popen[bytes], metrics: Path, epochs: int, delay_s: float) -> None:
    """Sends SIGKILL some time after so many epochs were written."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        if metrics.is_file() and len(metrics.read_text().splitlines()) > epochs:
            break
        time.sleep(0.005)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_weights(tmp_path: Path) -> None:
    data = write_discs(tmp_path / "data", count=10)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(start(data, whole))

    kill_after_epochs(start(data, killed), killed / "metrics.csv", epochs=1, delay_s=0.0)  # just after an epoch
    kill_after_epochs(  # somewhere in the next epoch or its checkpoint, with loader processes
        start(data, killed, "--resume", "--workers=2"), killed / "metrics.csv", epochs=2, delay_s=0.03
    )
    assert not (killed / "summary.json").exists()
    finish(start(data, killed, "--resume", "--workers=2"))

    for name in ("last.ckpt", "best.ckpt"):
        ours, theirs = (read_checkpoint(folder / name)["state_dict"] for folder in (killed, whole))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    for name in ("metrics.csv", "per_image.csv", "split.csv"):
        assert (killed / name).read_text() == (whole / name).read_text()
