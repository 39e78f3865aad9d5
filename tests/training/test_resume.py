"""A run that is killed and resumed ends bit for bit where an uninterrupted one ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
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


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_discs(tmp_path_factory.mktemp("data"), count=10)


@pytest.fixture(scope="module")
def uninterrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "run"
    finish(start(data, out))
    return out


@pytest.mark.parametrize(
    ("epochs", "delay_s", "workers"),
    [
        (1, 0.0, 0),  # just after an epoch's row was written
        (2, 0.03, 0),  # somewhere in the next epoch, or in its checkpoint
        (1, 0.01, 2),  # with loader processes
    ],
)
def test_a_killed_run_ends_with_the_same_weights(
    data: Path, uninterrupted: Path, tmp_path: Path, epochs: int, delay_s: float, workers: int
) -> None:
    out = tmp_path / "run"
    kill_after_epochs(start(data, out, f"--workers={workers}"), out / "metrics.csv", epochs, delay_s)
    assert not (out / "summary.json").exists()
    finish(start(data, out, f"--workers={workers}", "--resume"))
    for name in ("last.ckpt", "best.ckpt"):
        ours, theirs = (read_checkpoint(folder / name)["state_dict"] for folder in (out, uninterrupted))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert (out / "metrics.csv").read_text() == (uninterrupted / "metrics.csv").read_text()
    assert (out / "per_image.csv").read_text() == (uninterrupted / "per_image.csv").read_text()
