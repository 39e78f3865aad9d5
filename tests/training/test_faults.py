"""What goes wrong around a training: a message that says what to do, and nothing lost."""

import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from lmsc_unet.cli.main import main
from lmsc_unet.core.storage import sha256
from lmsc_unet.imageio import read_image, write_png
from lmsc_unet.training.checkpoint import read_checkpoint, write_checkpoint
from lmsc_unet.training.module import Segmentation

from .small import lmsc_train, write_discs

Captured = pytest.CaptureFixture[str]
Step = Callable[[Segmentation, tuple[torch.Tensor, torch.Tensor], int], torch.Tensor]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_discs(tmp_path_factory.mktemp("discs"))


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs that nothing disturbed."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert lmsc_train(data, out) == 0
    return out


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    """A copy of the whole run, to be spoilt."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def sums_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): sha256(path) for path in folder.rglob("*") if path.is_file()}


def told(capsys: Captured) -> str:
    """What stands on standard error, which has no traceback."""
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    return errors


def same_weights(left: Path, right: Path) -> bool:
    ours, theirs = (read_checkpoint(path)["state_dict"] for path in (left, right))
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


# A training that is stopped in its second epoch.


def interrupt(step: Step, *arguments: object) -> torch.Tensor:
    signal.raise_signal(signal.SIGINT)
    return step(*arguments)  # type: ignore[arg-type]


def terminate(step: Step, *arguments: object) -> torch.Tensor:
    signal.raise_signal(signal.SIGTERM)
    return step(*arguments)  # type: ignore[arg-type]


def poison_images(step: Step, module: object, batch: tuple[torch.Tensor, torch.Tensor], *rest: object) -> torch.Tensor:
    return step(module, (batch[0] * torch.nan, batch[1]), *rest)  # type: ignore[arg-type]


def poison_loss(step: Step, *arguments: object) -> torch.Tensor:
    return step(*arguments) * torch.nan  # type: ignore[arg-type]


def fill_disk(step: Step, *arguments: object) -> torch.Tensor:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # no file may grow beyond it: as on a full disk
    return step(*arguments)  # type: ignore[arg-type]


@pytest.mark.usefixtures("process")
@pytest.mark.parametrize(
    ("spoil", "exit_code", "message"),
    [
        (interrupt, 130, "stopped after step 1 of 3 of epoch 2, which is kept in {out}; go on by --resume."),
        (terminate, 143, "stopped after step 1 of 3 of epoch 2, which is kept in {out}; go on by --resume."),
        (
            poison_images,
            1,
            "The loss is not finite in epoch 2, step 1. Training stopped; the weights of epoch 1 are kept.",
        ),
        (poison_loss, 1, "The gradient is not finite in epoch 2, step 1. Training stopped; the weights of epoch 1 are"),
        (fill_disk, 1, "The one before it is kept. Free disk space or fix the folder's permissions, then go on with"),
    ],
)
def test_a_training_that_is_stopped_keeps_its_finished_epochs_and_goes_on(
    data: Path,
    whole: Path,
    tmp_path: Path,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[..., torch.Tensor],
    exit_code: int,
    message: str,
) -> None:
    step, out = Segmentation.training_step, tmp_path / "run"

    def training_step(module: Segmentation, *arguments: object) -> torch.Tensor:
        if module.current_epoch == 1 and module.trainer.fit_loop.batch_idx == 0:
            return spoil(step, module, *arguments)
        return step(module, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Segmentation, "training_step", training_step)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert lmsc_train(data, out) == exit_code
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert message.format(out=out) in told(capsys)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    for name in ("best.ckpt", "last.ckpt"):
        checkpoint = read_checkpoint(out / name)
        assert checkpoint["lmsc"]["epoch"] == 1
        assert all(value.isfinite().all() for value in checkpoint["state_dict"].values())
    assert main(["evaluate", str(out), str(data)]) == 0

    monkeypatch.undo()
    assert lmsc_train(data, out, "--resume") == 0
    assert same_weights(out / "last.ckpt", whole / "last.ckpt")


def test_a_training_that_explodes_at_once_leaves_nothing_in_the_way(
    data: Path, tmp_path: Path, capsys: Captured
) -> None:
    flags = ("--optimizer.learning-rate=1e30", "--optimizer.clip-norm=0", "--optimizer.warmup-share=0")
    assert lmsc_train(data, tmp_path / "run", *flags) == 1
    assert "is not finite in epoch 1, step 2. Training stopped; there are no weights to keep. Lower --opt" in told(
        capsys
    )
    assert not (tmp_path / "run").exists()


def test_a_kill_after_the_last_checkpoint_costs_no_row_of_the_metrics(data: Path, run: Path) -> None:  # R3
    metrics = run / "metrics.csv"
    whole = metrics.read_text()
    metrics.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    (run / "summary.json").unlink()
    assert lmsc_train(data, run, "--resume") == 0
    assert metrics.read_text() == whole


# The run folder.


@pytest.mark.parametrize(
    ("found", "flags", "message"),
    [
        ("run", (), "this folder holds a run. Go on with it by --resume, replace it by --overwrite, or name another"),
        ("files", (), "this is not an empty folder and holds no run. Name another by --out."),
        ("files", ("--overwrite",), "this is not an empty folder and holds no run. Name another by --out."),
        ("files", ("--resume",), "this is not an empty folder and holds no run. Name another by --out."),
    ],
)
def test_a_folder_that_holds_something_is_refused_and_left_as_it_is(
    data: Path, run: Path, tmp_path: Path, capsys: Captured, found: str, flags: tuple[str, ...], message: str
) -> None:
    out = {"run": run, "files": tmp_path / "files"}[found]
    out.mkdir(exist_ok=True)
    (out / "notes.txt").write_text("mine")
    before = sums_of(out)
    assert lmsc_train(data, out, *flags) == 1
    assert f"{out}: {message}" in told(capsys)
    assert sums_of(out) == before


def test_overwriting_replaces_the_run_and_keeps_what_is_not_its_own(data: Path, run: Path) -> None:
    (run / "notes.csv").write_text("mine")
    (run / "best.ckpt").write_bytes(b"damaged")
    assert lmsc_train(data, run, "--overwrite", "--folds=3", "--fold=1") == 0
    assert (run / "notes.csv").read_text() == "mine"
    read_checkpoint(run / "best.ckpt")


@pytest.mark.parametrize("parent", ["a file", "read-only"])
def test_a_folder_that_cannot_be_made_is_told(data: Path, tmp_path: Path, capsys: Captured, parent: str) -> None:
    if parent == "a file":
        (tmp_path / "parent").write_text("no folder")
        out = tmp_path / "parent/run"
    else:
        out = Path("/proc/lmsc-run")  # may not be written, not even by root
    assert lmsc_train(data, out) == 1
    assert f"{out}: the run folder cannot be made" in told(capsys)


def test_a_circle_of_links_is_told(data: Path, tmp_path: Path, capsys: Captured) -> None:  # R18
    (tmp_path / "run").symlink_to(tmp_path / "run")
    assert lmsc_train(data, tmp_path / "run") == 1
    assert f"{tmp_path / 'run'}: this is a link that leads nowhere" in told(capsys)


# What is resumed must be what was started.


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--epochs=7",), "the run was started with other settings (epochs: 2 -> 7)"),
        (("--recipe=paper",), "other settings (recipe: strong -> paper)"),
        (("--optimizer.learning-rate=1",), "(optimizer.learning_rate: 0.003 -> 1.0). Resume it without them, or"),
        (("--config={folder}/mine.yaml",), "other settings (seed: 19 -> 3)"),
    ],
)
def test_resuming_with_other_settings_names_them(
    data: Path, run: Path, tmp_path: Path, capsys: Captured, flags: tuple[str, ...], message: str
) -> None:
    (tmp_path / "mine.yaml").write_text("seed: 3")
    before = sums_of(run)
    given = [flag.format(folder=tmp_path) for flag in flags]
    assert main(["train", str(data), "--out", str(run), "--resume", *given]) == 1
    assert message in told(capsys)
    assert sums_of(run) == before


def test_resuming_with_other_workers_or_devices_is_fine(data: Path, run: Path) -> None:
    assert main(["train", str(data), "--out", str(run), "--resume", "--workers=1", "--devices=2"]) == 0


def test_resuming_on_other_images_is_refused(run: Path, tmp_path: Path, capsys: Captured) -> None:
    (run / "summary.json").unlink()
    other = write_discs(tmp_path / "other", count=7)
    assert lmsc_train(other, run, "--resume") == 1
    assert f"{run / 'split.csv'}: the run was started on other images" in told(capsys)
    assert (run / "last.ckpt").is_file()


def test_resuming_where_nothing_is_starts_and_says_so(data: Path, tmp_path: Path, capsys: Captured) -> None:
    assert lmsc_train(data, tmp_path / "run", "--resume", "--epochs=1") == 0
    assert f"{tmp_path / 'run'} holds no run to resume; a new one starts." in told(capsys)


def test_another_runs_checkpoint_is_not_resumed_from(data: Path, run: Path, tmp_path: Path, capsys: Captured) -> None:
    assert lmsc_train(data, tmp_path / "wider", "--network.widths=[8, 8, 8, 8]", "--epochs=1") == 0
    for name in ("last.ckpt", "last.ckpt.sha256"):
        shutil.copy(tmp_path / "wider" / name, run / name)
    (run / "summary.json").unlink()
    assert lmsc_train(data, run, "--resume") == 1
    message = told(capsys)
    assert f"{run / 'last.ckpt'}: this checkpoint is from another run, with other settings (epochs: 1 -> 2; " in message
    assert "[8, 8, 8, 8]" in message


def test_weights_of_another_model_are_not_loaded(data: Path, run: Path, capsys: Captured) -> None:
    checkpoint = read_checkpoint(run / "best.ckpt")
    checkpoint["lmsc"]["config"]["model"] = "lmsc-unet-123"
    write_checkpoint(checkpoint, run / "best.ckpt")
    assert main(["evaluate", str(run), str(data)]) == 1
    assert f"{run / 'best.ckpt'}: its weights do not fit the model 'lmsc-unet-123'" in told(capsys)


# The data.


def no_pairs(data: Path) -> None:
    shutil.rmtree(data / "masks")


def mask_without_image(data: Path) -> None:
    (data / "images/3.png").unlink()


def image_without_mask(data: Path) -> None:
    (data / "masks/3.png").unlink()


def other_size(data: Path) -> None:
    write_png(data / "masks/3.png", np.zeros((20, 40), np.uint8))


def infinite(data: Path) -> None:
    image = read_image(data / "images/3.png").astype(np.float32)
    image[2, 5] = np.inf
    tifffile.imwrite(data / "images/3.tif", image, photometric="rgb")
    (data / "images/3.png").unlink()


def truncated(data: Path) -> None:
    path = data / "images/3.png"
    path.write_bytes(path.read_bytes()[:900])


def empty_file(data: Path) -> None:
    (data / "images/3.png").write_bytes(b"")


def other_channels(data: Path) -> None:
    planes = np.zeros((40, 40, 5), np.uint8)
    tifffile.imwrite(data / "images/3.tif", planes, photometric="minisblack", planarconfig="contig")
    (data / "images/3.png").unlink()


def two_of_one_stem(data: Path) -> None:
    write_png(data / "images/3.tmp.png", np.zeros((40, 40), np.uint8))
    (data / "images/3.tmp.png").rename(data / "images/3.bmp")


def values_of_no_class(data: Path) -> None:
    write_png(data / "masks/3.png", np.full((40, 40), 77, np.uint8))


def in_both_parts(data: Path) -> None:
    for part in ("train", "val"):
        write_discs(data / part, count=2, seed=ord(part[0]))
    shutil.rmtree(data / "images")
    shutil.rmtree(data / "masks")
    shutil.copy(data / "train/images/0.png", data / "val/images/1.png")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (no_pairs, "masks"),
        (mask_without_image, "masks/3.png: the mask has no image"),
        (image_without_mask, "images/3.png: the image has no mask"),
        (other_size, "masks/3.png: the mask is 40 x 20 px, the image"),
        (infinite, "images/3.tif: 3 of 4800 values are infinite"),
        (truncated, "images/3.png"),
        (empty_file, "images/3.png"),
        (other_channels, "The images differ in their number of channels (3 in "),
        (two_of_one_stem, "stem of 3.bmp, and pairs are made by stem. Rename one of the two, or take it out."),
        (values_of_no_class, "masks/3.png"),
        (in_both_parts, "val/images/1.png: the same image is in validation and, as "),
    ],
)
def test_data_that_cannot_be_trained_on_is_named_and_no_run_stands_in_the_way(
    tmp_path: Path, capsys: Captured, spoil: Callable[[Path], None], message: str
) -> None:
    data = write_discs(tmp_path / "data")
    spoil(data)
    before = sums_of(data)
    assert lmsc_train(data, tmp_path / "run") == 1
    errors = told(capsys)
    assert message in errors
    assert errors.startswith("lmsc: ")
    assert not (tmp_path / "run").exists()
    assert sums_of(data) == before
