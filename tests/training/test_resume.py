"""A run that is stopped or killed, and resumed, ends bit for bit where an uninterrupted one ends."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch

from lmsc_unet.cli.main import main
from lmsc_unet.core import stopping
from lmsc_unet.training.checkpoint import read_checkpoint, write_checkpoint
from lmsc_unet.training.dataset import Crops
from lmsc_unet.training.module import Segmentation

from .small import lmsc_train, train_flags, write_discs

Place = tuple[str, int, int]
"""In the training or the validation of an epoch, and in which of its batches, from 1."""
FLAGS = ("--epochs=3", "--seed=3")  # of 4 steps each, and a validation of 2 batches
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
WAIT_S = 120.0
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["lmsc_unet.cli.train", "lmsc_unet.training.run"])  # takes seconds, here once for all


@pytest.fixture(autouse=True)
def heeded(process: None) -> Iterator[None]:
    """Signals are heeded, whatever started the tests."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_discs(tmp_path_factory.mktemp("discs"), count=10)


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert lmsc_train(data, out, *FLAGS) == 0
    return out


def act_at(place: Place, action: Callable[[], object], patch: pytest.MonkeyPatch) -> None:
    """Does something in a batch."""
    part, epoch, number = place
    name = f"{part}_step"
    step = getattr(Segmentation, name)

    def acting(module: Segmentation, batch: object, index: int) -> object:
        if (module.current_epoch + 1, index + 1) == (epoch, number):
            action()
        return step(module, batch, index)

    patch.setattr(Segmentation, name, acting)


def stopped(data: Path, out: Path, place: Place, action: Callable[[], object], *flags: str) -> int:
    """The exit code of a training that goes on to a place."""
    with pytest.MonkeyPatch.context() as patch:
        act_at(place, action, patch)
        return lmsc_train(data, out, *FLAGS, "--resume", *flags)


def assert_same(run: Path, whole: Path) -> None:
    for name in ("last.ckpt", "best.ckpt"):
        ours, theirs = (read_checkpoint(folder / name) for folder in (run, whole))
        for part in {"state_dict", "current_model_state"} & theirs.keys():
            assert ours[part].keys() == theirs[part].keys()
            assert all(torch.equal(ours[part][key], theirs[part][key]) for key in theirs[part])
        assert [ours["lmsc"][key] for key in ("epoch", "step")] == [theirs["lmsc"][key] for key in ("epoch", "step")]
    for name in ("metrics.csv", "per_image.csv", "split.csv"):
        assert (run / name).read_text() == (whole / name).read_text()


# Stopped within this process, at a certain batch.


AFTER = "stopped after step {} of 4 of epoch {}, which is kept in "
BETWEEN = "stopped. The finished epochs are kept in "
Stop = tuple[Place, int, tuple[int, int], str]
"""Where, by which signal, which epochs and steps are kept, and what is said."""
AVERAGED: list[Stop] = [
    (("training", 1, 1), signal.SIGTERM, (0, 1), AFTER.format(1, 1)),
    (("training", 1, 3), signal.SIGINT, (0, 3), AFTER.format(3, 1)),
    (("training", 1, 4), signal.SIGTERM, (0, 4), AFTER.format(4, 1)),  # just before the validation
    (("validation", 1, 1), signal.SIGINT, (0, 4), BETWEEN),  # no step has begun since, and none is lost
    (("training", 2, 2), signal.SIGINT, (1, 2), AFTER.format(2, 2)),
    (("validation", 2, 1), signal.SIGTERM, (1, 4), AFTER.format(4, 2)),
    (("validation", 3, 1), signal.SIGINT, (2, 4), AFTER.format(4, 3)),
]
PLAIN: list[Stop] = [  # without averaged weights, and with a validation in the second epoch alone
    (("training", 1, 2), signal.SIGTERM, (0, 2), AFTER.format(2, 1)),
    (("training", 1, 4), signal.SIGTERM, (1, 0), BETWEEN),
    (("validation", 2, 1), signal.SIGINT, (1, 4), AFTER.format(4, 2)),
    (("training", 3, 4), signal.SIGINT, (3, 0), BETWEEN),
]


@pytest.mark.parametrize(
    ("flags", "stops"), [((), AVERAGED), (("--ema-decay=0", "--validate-every=2"), PLAIN)], ids=["averaged", "plain"]
)
def test_a_stop_keeps_the_last_step_wherever_it_comes(  # R28
    data: Path,
    whole: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: tuple[str, ...],
    stops: list[Stop],
) -> None:
    run = tmp_path / "run"
    for place, number, kept, told in stops:
        assert stopped(data, run, place, partial(signal.raise_signal, number), *flags) == CODES[number]
        assert f"lmsc: {told}{run}; go on by --resume.\n" in capsys.readouterr().err
        own = read_checkpoint(run / "last.ckpt")["lmsc"]
        assert (own["epoch"], own["step"]) == kept
    assert lmsc_train(data, run, *FLAGS, *flags, "--resume") == 0
    if flags:
        whole = tmp_path / "whole"
        assert lmsc_train(data, whole, *FLAGS, *flags) == 0
    assert_same(run, whole)


def test_a_run_that_was_stopped_in_its_first_epoch_is_told_of(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert stopped(data, run, ("training", 1, 2), partial(signal.raise_signal, signal.SIGTERM)) == 143
    assert main(["evaluate", str(run / "last.ckpt"), str(data)]) == 0
    assert main(["evaluate", str(run), str(data)]) == 1
    assert f"{run}: this run holds no best.ckpt, which is written when its first epoch" in capsys.readouterr().err
    assert lmsc_train(data, run, *FLAGS, "--resume", "--devices=2") == 1
    assert "stopped after step 2 of epoch 1, and several processes can only start at a whole" in capsys.readouterr().err


def test_a_stop_before_the_first_step_waits_for_nothing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Crops, "__getitem__", lambda *_: signal.raise_signal(signal.SIGTERM))  # and no crop
    assert lmsc_train(data, tmp_path / "run", *FLAGS) == 143
    assert not (tmp_path / "run/last.ckpt").exists()
    assert "lmsc: stopped. The finished epochs are kept" in capsys.readouterr().err


def test_checkpoints_of_older_versions_are_resumed(data: Path, whole: Path, tmp_path: Path) -> None:
    def end() -> None:
        raise KeyboardInterrupt

    run = tmp_path / "run"
    assert stopped(data, run, ("training", 2, 1), end) == 130
    checkpoint = read_checkpoint(run / "last.ckpt")
    del checkpoint["sums"], checkpoint["lmsc"]["step"]  # they were made between epochs alone
    write_checkpoint(checkpoint, run / "last.ckpt")
    assert lmsc_train(data, run, *FLAGS, "--resume") == 0
    assert_same(run, whole)


# Other processes, and real signals.


def train(words: tuple[str, ...], place: Place, ready: Path) -> None:
    """Is `lmsc train` in a process group of its own; says when it is at a place, and waits there for a signal."""

    def wait() -> None:
        ready.touch()
        until = time.monotonic() + WAIT_S
        while not stopping.is_asked() and time.monotonic() < until:
            time.sleep(0.005)

    os.setpgid(0, 0)
    multiprocessing.set_start_method("fork", force=True)  # of loader processes, as it is elsewhere
    act_at(place, wait, pytest.MonkeyPatch())
    sys.argv = ["lmsc", "train", *words]
    stopping.install_handlers()
    sys.exit(main())


def start(data: Path, out: Path, place: Place, *more: str) -> BaseProcess:
    words = (str(data), "--out", str(out), *train_flags(*FLAGS, "--resume", *more))
    started = FORKS.Process(target=train, args=(words, place, out.with_suffix(".ready")))
    started.start()
    return started


def send(process: BaseProcess, out: Path, number: int) -> int | None:
    """The signal to the process and all that it started, when it is at its place; its exit code."""
    ready, until = out.with_suffix(".ready"), time.monotonic() + WAIT_S
    while not ready.exists() and process.is_alive() and time.monotonic() < until:
        time.sleep(0.005)
    assert process.pid is not None
    os.killpg(process.pid, number)
    process.join(WAIT_S)
    ready.unlink()
    return process.exitcode


def test_a_run_that_is_stopped_and_killed_again_and_again_ends_with_the_same_weights(  # R28
    data: Path, whole: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert send(start(data, run, ("training", 1, 2), "--workers=2"), run, signal.SIGTERM) == 143
    assert not (run / "best.ckpt").exists()
    assert send(start(data, run, ("training", 2, 3), "--workers=2"), run, signal.SIGINT) == 130
    own = read_checkpoint(run / "last.ckpt")["lmsc"]
    assert (own["epoch"], own["step"]) == (1, 3)
    assert send(start(data, run, ("training", 2, 4)), run, signal.SIGKILL) == -signal.SIGKILL
    assert send(start(data, run, ("training", 3, 1), "--workers=2"), run, signal.SIGKILL) == -signal.SIGKILL
    own = read_checkpoint(run / "last.ckpt")["lmsc"]
    assert (own["epoch"], own["step"]) == (2, 0)
    last = start(data, run, ("training", 4, 1), "--workers=2")
    last.join(WAIT_S)
    assert last.exitcode == 0
    assert_same(run, whole)
