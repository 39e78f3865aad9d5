"""`lmsc train` from end to end on tiny data: what it writes, what it understands, and what others do with its model."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

from lmsc_unet.cli.main import main
from lmsc_unet.config import read_yaml
from lmsc_unet.core.storage import sha256
from lmsc_unet.imageio import read_image, read_mask, write_png
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.training.checkpoint import read_checkpoint
from lmsc_unet.training.checkpoint_callback import COLUMNS, read_metrics
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.run_folder import read_config

from .small import lmsc_train, write_discs

FILES = {
    *("config.yaml", "split.csv", "metrics.csv", "per_image.csv", "summary.json", "curves.png", "predictions.png"),
    *("best.ckpt", "best.ckpt.sha256", "last.ckpt", "last.ckpt.sha256"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_discs(tmp_path_factory.mktemp("discs"))


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs on six images, with TensorBoard logs."""
    out = tmp_path_factory.mktemp("runs") / "small"
    assert lmsc_train(data, out, "--tensorboard", "--val-share=0.34") == 0
    return out


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., TrainConfig]:
    """What a command line would train by; nothing is trained."""
    seen: list[TrainConfig] = []
    monkeypatch.setattr("lmsc_unet.training.run.run", lambda _data, _out, config, **_: seen.append(config))

    def configure(*flags: str) -> TrainConfig:
        assert main(["train", "data", "--out", "run", *flags]) == 0
        return seen.pop()

    return configure


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def summary_of(run: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((run / "summary.json").read_text())
    return summary


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def weights_of(run: Path, name: str = "last.ckpt") -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = read_checkpoint(run / name)["state_dict"]
    return state


def test_the_run_folder_holds_what_is_promised_and_nothing_else(trained: Path) -> None:
    assert names(trained) == FILES | {"tensorboard"}
    assert any(name.startswith("events.out.tfevents") for name in names(trained / "tensorboard"))


def test_the_tables_have_a_row_for_each_epoch_and_each_image(trained: Path) -> None:
    metrics = read_metrics(trained / "metrics.csv")
    assert [row["epoch"] for row in metrics] == [1, 2]
    assert all(row[name] is not None for row in metrics for name in COLUMNS)
    split = {row["name"]: row["split"] for row in rows_of(trained / "split.csv")}
    assert sorted(split) == ["0", "1", "2", "3", "4", "5"]
    assert sorted(split.values()) == ["train"] * 4 + ["val"] * 2
    assert [row["name"] for row in rows_of(trained / "per_image.csv")] == [n for n in split if split[n] == "val"]


def test_the_summary_says_what_was_trained_how_good_it_is_and_where_it_comes_from(trained: Path) -> None:
    summary = summary_of(trained)
    assert (summary["model"], summary["recipe"], summary["epochs"]) == ("lmsc-unet", "strong", 2)
    assert (summary["train_images"], summary["val_images"]) == (4, 2)
    assert {"date", "command", "commit", "versions", "machine"} <= summary.keys()
    for epoch in ("best", "last"):
        assert summary[epoch]["paper"].keys() == {"acc", "miou", "f1", "dc"}
        low, high = summary[epoch]["intervals"]["paper"]["dc"]
        assert 0 <= low <= summary[epoch]["paper"]["dc"] <= high <= 1


def test_checkpoints_lie_beside_their_sums_and_hold_the_network_that_was_asked_for(trained: Path) -> None:
    for name in ("best.ckpt", "last.ckpt"):
        assert (trained / f"{name}.sha256").read_text() == f"{sha256(trained / name)}  {name}\n"
    widths = {len(value) for key, value in weights_of(trained).items() if key.endswith("bias")}
    assert {4, 8} <= widths
    assert max(widths) <= 16  # the widest MBB: expansion 2


@pytest.mark.parametrize("name", ["curves.png", "predictions.png"])
def test_its_pictures_show_something(trained: Path, name: str) -> None:
    picture = read_image(trained / name)
    assert min(picture.shape[:2]) > 200
    assert picture.std() > 10


def test_its_config_trains_the_same_again(data: Path, trained: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    flags = ["--config", str(trained / "config.yaml"), "--no-tensorboard"]
    assert main(["train", str(data), "--out", str(again), *flags]) == 0
    assert names(again) == FILES  # TensorBoard logs are on request alone
    assert read_yaml(again / "config.yaml") == read_yaml(trained / "config.yaml") | {"tensorboard": False}
    ours, theirs = weights_of(again), weights_of(trained)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_the_scores_are_printed_and_where_to_look(
    data: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(data), "--out", str(trained), "--resume"]) == 0  # finished: it only tells
    printed = capsys.readouterr().out
    dice = summary_of(trained)["best"]["paper"]["dc"]
    assert f"{dice:.4f}" in printed
    assert "curves.png" in printed


def test_others_take_the_run_as_a_model(
    data: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(trained), str(data), "--split-file", str(trained / "split.csv"), "--format=json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["paper"] == pytest.approx(summary_of(trained)["best"]["paper"])
    assert main(["predict", str(trained), str(data / "images"), "--out", str(tmp_path / "masks")]) == 0
    image = read_image(data / "images/3.png")
    prediction = Predictor.load(trained).predict(image)
    assert np.array_equal(255 * prediction.mask, read_mask(tmp_path / "masks/masks/3.png"))
    assert prediction.mask.shape == image.shape[:2]


def test_the_command_line_beats_the_file_and_the_file_the_recipe(
    configured: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "recipe: paper\nprecision: 32\nbatch: 4\nsize-px: 64\noptimizer: {learning-rate: 0.02}\n"
        "network: {widths: [4, 8, 8], brb-levels: [1, 2]}\ndata: {classes: [none, cell], images: pictures}\n"
    )
    config = configured("--config", str(file), "--batch", "6", "--network.widths", "[2, 4, 8]", "--masks=truth")
    assert (config.epochs, config.optimizer.name, config.input.treatment) == (200, "adam", "resize")  # the recipe
    assert (config.size_px, config.optimizer.learning_rate, config.precision) == (64, 0.02, "32")  # the file
    assert (config.data.classes, config.data.images) == (("none", "cell"), "pictures")
    assert config.network == {"widths": [2, 4, 8], "brb_levels": [1, 2]}
    assert (config.batch, config.data.masks) == (6, "truth")  # the command line


def test_classes_come_with_commas(configured: Callable[..., TrainConfig]) -> None:
    assert configured("--classes", "none,cell,gland").data.classes == ("none", "cell", "gland")


def test_without_anything_the_recipe_is_strong(configured: Callable[..., TrainConfig]) -> None:
    assert configured() == TrainConfig()


@pytest.mark.parametrize(
    ("text", "flags", "message"),
    [
        ("epohcs: 3", (), "there is no setting 'epohcs'. Did you mean 'epochs'?"),
        ("optimizer: {learning_rat: 3}", (), "there is no setting 'learning_rat'. Did you mean 'learning_rate'?"),
        ("network: {width: [2, 4]}", (), "network: there is no setting 'width'. Did you mean 'widths'?"),
        ("epochs: many", (), "mine.yaml: epochs is 'many'; it must be a int"),
        ("", ("--network.widths=[2, 4", "--epochs=1"), "--network: while parsing"),
        ("", ("--size-px=30",), "size_px is 30; lmsc-unet takes multiples of 8. Use 32."),
        ("", ("--network.num-classes=4",), "network.num_classes follow from the data; leave them out"),
        ("", ("--epochs=2", "--validate-every=3"), "validate_every is 3 with 2 epochs"),
        ("", ("--batch=3", "--devices=2"), "batch is 3 with 2 devices"),
        ("", ("--batch=8", "--devices=8"), "too few for 8 devices"),
        ("", ("--patience=-1",), "patience is -1; it must be at least 0"),
        ("", ("--optimizer.learning-rate=0",), "optimizer.learning_rate is 0.0; it must be above 0"),
        ("", ("--optimizer.learning-rate=nan",), "optimizer.learning_rate is nan; it must be above 0"),  # R23
        ("", ("--augment.zoom=inf",), "augment.zoom is inf; it must be at least 0 and at most 0.9"),
        ("", ("--workers=99999999999999999999",), "workers is 99999999999999999999; it must be at least 0 and at most"),
        ("", ("--network.expansion=99999999999999999999",), "expansion is 99999999999999999999; it must be at least 1"),
        ("network: &n {widths: *n}", (), "an alias is inside the value that it names"),  # R27
        ("", ("--val-share=1",), "val_share is 1.0; it must lie between 0 and 1"),
        ("", ("--folds=9",), "6 samples cannot make 9 folds"),
        ("", ("--input.mean=0.1", "--input.mean=0.2"), "mean has 2 values for 3 input channels"),
        ("", ("--resume", "--overwrite"), "Give one of the two"),
    ],
)
def test_a_setting_that_cannot_be_is_named_and_nothing_is_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, flags: tuple[str, ...], message: str
) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    out = tmp_path / "run"
    assert main(["train", str(data), "--out", str(out), "--config", str(tmp_path / "mine.yaml"), *flags]) == 1
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("error", [RuntimeError("of PyTorch"), ValueError("of MONAI"), MemoryError()])
def test_a_run_without_an_epoch_is_gone_whatever_stopped_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:  # R23
    def fail(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr("lmsc_unet.training.run.fit", fail)
    with pytest.raises(type(error)):
        lmsc_train(data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_three_classes_with_an_ignored_value_on_grey_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_discs(tmp_path / "data", count=4, channels=1)
    ignored = 0
    for path in (data / "masks").iterdir():
        mask = (read_mask(path) > 0).astype(np.uint8)
        mask[:, 20:] *= 2  # discs on the right are of class 2
        mask[:5] = 7
        ignored = int((mask == 7).sum())
        write_png(path, mask)
    assert lmsc_train(data, tmp_path / "run", "--classes=none,left,right", "--ignore-index=7") == 0
    spec = Predictor.load(tmp_path / "run").spec
    assert (spec.class_names, spec.num_logits, spec.input_channels) == (("none", "left", "right"), 3, 1)
    for row in rows_of(tmp_path / "run/per_image.csv"):
        counted = sum(int(row[f"{count}_left"]) for count in ("tp", "fp", "fn", "tn"))
        assert counted == 40 * 40 - ignored
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "run"), str(data), "--ignore-index=7", "--format=json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["classes"]) == ["none", "left", "right"]


def test_four_channels_from_tiff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # I7
    """The fourth is called alpha, as GDAL calls infrared."""
    data = write_discs(tmp_path / "data", count=4)
    rng = np.random.default_rng(0)
    for path in (data / "images").iterdir():
        grey = read_image(path)[..., :1].astype(np.uint16)
        planes = np.concatenate([grey * gain for gain in (1, 50, 200, 250)], axis=2)
        noise = rng.integers(0, 9, planes.shape, dtype=np.uint16)
        options = {"photometric": "rgb", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
        tifffile.imwrite(path.with_suffix(".tif"), planes + noise, **options)
        path.unlink()
    assert lmsc_train(data, tmp_path / "run", "--epochs=1") == 0
    assert "have a channel that is called alpha but is more than transparency" in capsys.readouterr().err
    predictor = Predictor.load(tmp_path / "run")
    assert predictor.spec.input_channels == 4
    assert predictor.predict(read_image(data / "images/0.tif")).mask.shape == (40, 40)


def test_folds_have_a_run_each_and_their_spread(data: Path, tmp_path: Path) -> None:
    assert lmsc_train(data, tmp_path / "all", "--folds=3") == 0
    assert names(tmp_path / "all") == {"config.yaml", "summary.json", "fold-1", "fold-2", "fold-3"}
    folds = [tmp_path / f"all/fold-{number}" for number in (1, 2, 3)]
    assert all(names(fold) == FILES for fold in folds)
    held = [row["name"] for fold in folds for row in rows_of(fold / "split.csv") if row["split"] == "val"]
    assert sorted(held) == ["0", "1", "2", "3", "4", "5"]
    summary = summary_of(tmp_path / "all")
    for epoch in ("best", "last"):
        dice = summary[epoch]["paper"]["dc"]
        values = [summary_of(fold)[epoch]["paper"]["dc"] for fold in folds]
        assert dice["folds"] == 3
        assert dice["mean"] == pytest.approx(np.mean(values))
        assert dice["std"] == pytest.approx(np.std(values, ddof=1))
        assert dice["low"] < dice["mean"] < dice["high"]

    assert lmsc_train(data, tmp_path / "second", "--folds=3", "--fold=2") == 0
    assert names(tmp_path / "second") == FILES
    for name in ("split.csv", "metrics.csv", "per_image.csv"):
        assert (tmp_path / "second" / name).read_text() == (folds[1] / name).read_text()


def test_patience_ends_a_training_and_a_resumed_one_stays_ended(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.4, 0.5, 0.5, 0.3, 0.5])  # epochs 2, 4, 6, 8: 3 epochs after the best
    monkeypatch.setattr("lmsc_unet.training.module.per_image", lambda _: {"iou": 0.5, "dice": next(scores)})
    flags = ("--epochs=20", "--validate-every=2", "--patience=3")
    assert lmsc_train(data, tmp_path / "run", *flags) == 0
    summary = summary_of(tmp_path / "run")
    assert (summary["epochs"], summary["best_epoch"]) == (8, 4)
    (tmp_path / "run/summary.json").unlink()  # as if killed while it was scored
    assert lmsc_train(data, tmp_path / "run", *flags, "--resume") == 0
    assert summary_of(tmp_path / "run")["epochs"] == 8


def test_the_paper_recipe_resizes_and_scores_at_both_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_discs(tmp_path / "data", side_px=48)
    assert lmsc_train(data, tmp_path / "run", "--recipe=paper", "--epochs=2", "--batch=4") == 0
    config = read_config(tmp_path / "run")
    assert (config.optimizer.name, config.optimizer.learning_rate, config.input.treatment) == ("adam", 0.01, "resize")
    assert config.augment.flip_probability == config.ema_decay == 0
    summary = summary_of(tmp_path / "run")
    for epoch in ("best", "last", "best_at_mask_size", "last_at_mask_size"):
        assert 0 <= summary[epoch]["paper"]["dc"] <= 1
    counted = rows_of(tmp_path / "run/per_image.csv")[0]
    assert sum(int(counted[f"{count}_foreground"]) for count in ("tp", "fp", "fn", "tn")) == 32 * 32
    assert "best at mask size" in capsys.readouterr().out
    assert Predictor.load(tmp_path / "run").predict(read_image(data / "images/0.png")).mask.shape == (48, 48)


def test_a_split_file_or_folders_say_what_is_held_back(data: Path, tmp_path: Path) -> None:
    split = "name,split\n0,val\n1,train\n2,train\n3,val\n4,train\n5,test\n"
    (tmp_path / "split.csv").write_text(split)
    assert lmsc_train(data, tmp_path / "by-file", f"--split-file={tmp_path / 'split.csv'}", "--epochs=1") == 0
    for part, seed in (("train", 0), ("val", 1)):
        write_discs(tmp_path / "parted" / part, count=3, seed=seed)
    assert lmsc_train(tmp_path / "parted", tmp_path / "by-folder", "--epochs=1") == 0
    parts = {
        run: {row["name"]: row["split"] for row in rows_of(tmp_path / run / "split.csv")}
        for run in ("by-file", "by-folder")
    }
    assert parts["by-file"] == {"1": "train", "2": "train", "4": "train", "0": "val", "3": "val"}
    assert set(parts["by-folder"].values()) == {"train", "val"}
    assert all(name.startswith(part) for name, part in parts["by-folder"].items())
