import json
import shutil

import numpy as np
import pytest
import tifffile
from PIL import Image

from lmsc_unet.cli.main import main
from lmsc_unet.datasets.check import check_dataset
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import DataError
from lmsc_unet.inference.overlays import COLOURS
from tests.datasets.folders import SHARED, write_dataset, write_image, write_mask


def _json(capsys, *argv):
    code = main(["data", "check", *map(str, argv), "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_good_dataset_is_described(tmp_path, capsys):
    root = write_dataset(tmp_path / "DATA", ["a", "b"])
    write_image(root / "images" / "c.png", seed="c", size=(10, 4), channels=1)
    write_mask(root / "masks" / "c.png", values=(0, 0, 0, 255), size=(10, 4))
    code, report = _json(capsys, root)
    assert code == 0
    assert report == {
        "root": str(root),
        "layout": "folder",
        "about": "images/ with masks/",
        "usable": True,
        "images": 3,
        "pairs": 3,
        "splits": {},
        "spare": 0,
        "passed_over": {},
        "sizes": [{"height_px": 6, "width_px": 8, "images": 2}, {"height_px": 10, "width_px": 4, "images": 1}],
        "depths": {"uint8": 3},
        "channels": {"1": 1, "3": 2},
        "masks": {"kind": "binary", "values": "0 (background), 255 (foreground)"},
        "classes": [
            {"id": 0, "name": "background", "pixels": 78, "share": 78 / 136},
            {"id": 1, "name": "foreground", "pixels": 58, "share": 58 / 136},
        ],
        "ignored_share": 0.0,
        "problems": [],
        "samples": ["a", "b", "c"],
    }


def test_the_table_says_the_same_in_words(tmp_path, capsys):
    root = write_dataset(tmp_path / "DATA", ["train/a", "train/b", "val/c"], values=(0, 1, 2, 9))
    argv = ["data", "check", str(root), "--classes", "sky,road,car", "--ignore-index", "9"]
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert "pairs     3 of 3 images" in out
    assert "splits    train (2), val (1)" in out
    assert "sizes     8 x 6 px (3)" in out
    assert "masks     classes: 0 (sky), 1 (road), 2 (car)" in out
    assert "    2  car           36  33.33%" in out
    assert "    -  left out      36  25.00%" in out
    assert out.endswith("0 errors, 0 warnings: ready to train.\n")


def test_every_problem_is_listed_with_its_file_and_the_exit_code_is_1(tmp_path, capsys):
    root = write_dataset(tmp_path / "DATA", ["a", "b", "c", "d"])
    write_image(root / "images" / "e.png", seed="e")
    write_mask(root / "masks" / "f.png")
    write_mask(root / "masks" / "b.png", size=(6, 9))
    (root / "images" / "c.png").write_bytes(b"")
    write_mask(root / "masks" / "d.png", values=(0, 7))
    code, report = _json(capsys, root)
    assert code == 1
    assert not report["usable"]
    assert {problem["file"].removeprefix(str(root)) for problem in report["problems"]} == {
        "/images/e.png",
        "/masks/f.png",
        "/masks/b.png",
        "/images/c.png",
        "/masks/d.png",
    }
    assert main(["data", "check", str(root)]) == 1
    out = capsys.readouterr().out
    assert f"error: {root}/images/c.png: the file is empty (0 bytes)." in out
    assert out.endswith("5 errors, 0 warnings: training would refuse this dataset.\n")


def test_an_image_in_train_and_validation_is_found_by_its_bytes(tmp_path):
    root = write_dataset(tmp_path, ["train/a", "train/b", "val/c", "val/d"])
    shutil.copy(root / "images/train/a.png", root / "images/val/c.png")
    (problem,) = check_dataset(root).problems
    assert (problem.severity, problem.file) == ("error", root / "images/val/c.png")
    assert problem.reason.startswith(f"the same image is, as {root}/images/train/a.png, in the other of train and val.")


def test_twins_in_one_part_are_a_warning_and_without_parts_an_error(tmp_path):
    parted = write_dataset(tmp_path / "parted", ["train/a", "train/b", "val/c"])
    shutil.copy(parted / "images/train/a.png", parted / "images/train/b.png")
    assert [problem.severity for problem in check_dataset(parted).problems] == ["warning"]
    whole = write_dataset(tmp_path / "whole", ["a", "b", "c"])
    shutil.copy(whole / "images/a.png", whole / "images/b.png")
    assert [problem.severity for problem in check_dataset(whole).problems] == ["error"]


def test_channels_that_no_network_takes_together_are_errors(tmp_path):
    root = write_dataset(tmp_path)
    (root / "images" / "d.png").unlink()
    five = np.zeros((6, 8, 5), np.uint8)
    tifffile.imwrite(root / "images" / "d.tif", five, photometric="minisblack", planarconfig="contig")
    (problem,) = check_dataset(root).problems
    assert problem.file.name == "d.tif"
    assert problem.reason == "the image has 5 channels, most images have 3. Use images of one kind."


@pytest.mark.parametrize(
    ("values", "options", "reason"),
    [
        ((0, 1), {"classes": ("a", "b", "c")}, "no pixel is of class 2 (c) in any mask."),
        ((0, 1), {"ignore_index": 7}, "no pixel holds the value to leave out, 7."),
    ],
)
def test_what_is_nowhere_is_a_warning(tmp_path, values, options, reason):
    report = check_dataset(write_dataset(tmp_path, values=values), DataOptions(**options))
    assert not report.has_errors
    assert [problem.reason for problem in report.problems] == [reason]


def test_a_jpeg_mask_is_a_warning_even_where_its_values_are_right(tmp_path):
    root = write_dataset(tmp_path)
    (root / "masks" / "a.png").unlink()
    Image.fromarray(np.zeros((6, 8), np.uint8)).save(root / "masks" / "a.jpg")
    (problem,) = check_dataset(root).problems
    assert (problem.severity, problem.file.name) == ("warning", "a.jpg")
    assert (
        "the mask is a JPEG or compressed as lossily, which changes values at edges. Save masks as PNG."
        in problem.reason
    )


def test_masks_without_one_meaning_are_one_error(tmp_path):
    report = check_dataset(write_dataset(tmp_path, values=(0, 1, 2)))
    (problem,) = report.problems
    assert problem.file == tmp_path
    assert problem.reason.startswith("the masks hold the values 0, 1, 2, but two classes are 0 and one other value.")
    assert report.label_map is None


NOTHING_TO_LEARN = [
    ((0,), {}, "no pixel is of class 1 (foreground) in any mask: there is nothing to learn."),  # I21
    ((255,), {}, "no pixel is of class 0 (background) in any mask: there is nothing to learn."),  # I6: all white
    ((0,), {"classes": ("a", "b", "c")}, "all pixels of the masks are of class 0 (a): there is nothing to learn."),
    ((0, 255), {"ignore_index": 255}, "in any mask (others are left out): there is nothing to learn."),  # I30
    ((7,), {"ignore_index": 7}, "all pixels of the masks are left out, so there is nothing to learn."),
]


@pytest.mark.parametrize(("values", "options", "reason"), NOTHING_TO_LEARN)
def test_a_dataset_with_nothing_to_learn_is_an_error(tmp_path, values, options, reason):
    (problem,) = check_dataset(write_dataset(tmp_path, values=values), DataOptions(**options)).problems
    assert problem.severity == "error"
    assert reason in problem.reason


@pytest.mark.parametrize(("values", "options", "reason"), NOTHING_TO_LEARN)
def test_training_refuses_a_dataset_with_nothing_to_learn(tmp_path, values, options, reason):
    pytest.importorskip("lightning", reason="trainings want lmsc-unet[train]")
    from lmsc_unet.training.config import DataConfig, TrainConfig
    from lmsc_unet.training.prepare import prepare_data

    config = TrainConfig(data=DataConfig(**options))
    with pytest.raises(DataError) as caught:
        prepare_data(write_dataset(tmp_path, values=values), config)
    assert reason in str(caught.value)


def test_a_problem_of_many_files_is_one_line_with_their_number(tmp_path, capsys):  # I26
    root = write_dataset(tmp_path, [f"{n}" for n in range(12)])
    for n in range(10):
        (root / "masks" / f"{n}.png").write_bytes(b"")
    assert main(["data", "check", str(root)]) == 1
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if line.startswith("error")]
    assert len(lines) == 1
    assert lines[0].startswith("error: 10 files: the file is empty (0 bytes).")
    assert f"They are {root}/masks/0.png, {root}/masks/1.png," in lines[0]
    assert lines[0].endswith("and 7 more.")
    assert "10 errors, 0 warnings" in out


def test_masks_that_cannot_be_read_are_not_said_to_lack_classes(tmp_path):  # I26
    root = write_dataset(tmp_path)
    for path in (root / "masks").iterdir():
        path.write_bytes(b"")
    report = check_dataset(root)
    assert report.label_map is None
    assert {problem.reason for problem in report.problems} == {"the file is empty (0 bytes). Copy or export it again."}


def test_the_preview_shows_image_mask_and_classes(tmp_path, capsys):
    root = write_dataset(tmp_path / "DATA", values=(0, 127, 255), size=(60, 80))
    picture, argv = tmp_path / "p.png", ["data", "check", str(root), "--values", "0,127,255", "--classes", "a,b,c"]
    assert main([*argv, "--preview", str(picture)]) == 0
    drawn = {colour for _, colour in Image.open(picture).getcolors(1 << 24)}
    assert {(0, 0, 0), *COLOURS[:2]} <= drawn
    assert main([*argv, "--preview", str(picture)]) == 1  # a file that is there stays
    assert "this file exists already" in capsys.readouterr().err
    assert main([*argv[:3], "--preview", str(tmp_path / "q.png")]) == 1
    assert "The masks' meaning is not known" in capsys.readouterr().err
    assert not (tmp_path / "q.png").exists()


def test_a_single_pair_and_an_empty_part_are_errors(tmp_path):
    (problem,) = check_dataset(write_dataset(tmp_path / "one", ["a"])).problems
    assert problem.reason.startswith("there is one pair only")
    (problem,) = check_dataset(write_dataset(tmp_path / "parts", ["train/a", "train/b"])).problems
    assert problem.reason.startswith("the dataset puts 2 images into train and 0 into val.")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["nowhere"], "lmsc: nowhere: no such folder."),
        (["DATA", "--images", "pictures"], "there is no folder pictures/. It holds images/, masks/."),
        (["DATA", "--split-file", "no.csv"], "no.csv: the split file cannot be read"),
        (["DATA", "--split-file", ""], "Name a CSV file by --split-file"),  # R16
        (["DATA", "--classes", "one"], "1 classes are named; 2 to 255 are possible"),
        (["DATA", "--form", "json"], "Unknown option"),
    ],
)
def test_wrong_use_ends_with_1_and_a_reason(tmp_path, capsys, monkeypatch, argv, message):
    monkeypatch.chdir(tmp_path)
    write_dataset(tmp_path / "DATA", ["a"])
    assert main(["data", "check", *argv]) == 1
    assert message in " ".join(capsys.readouterr().err.split())


def test_progress_counts_to_the_end(tmp_path):
    seen = []
    check_dataset(write_dataset(tmp_path), on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.skipif(
    not (SHARED / "dsb2018").is_dir(), reason="the Data Science Bowl images are not beside the repository"
)
def test_the_data_science_bowl_is_ready_to_train(capsys):
    code, report = _json(capsys, SHARED / "dsb2018")
    assert (code, report["pairs"]) == (0, 535)
    (warning,) = report["problems"]
    assert "396 images are neighbouring crops of 103 pictures" in warning["reason"]
    assert report["channels"] == {"1": 449, "3": 86}
    assert round(report["classes"][1]["share"], 4) == 0.1377


@pytest.mark.skipif(not (SHARED / "nuinsseg").is_dir(), reason="NuInsSeg's patches are not beside the repository")
def test_nuinsseg_is_ready_to_train(capsys):
    code, report = _json(capsys, SHARED / "nuinsseg" / "human bladder")
    assert (code, report["layout"], report["pairs"], report["problems"]) == (0, "nuinsseg", 12, [])


def test_a_band_that_is_called_alpha_counts_as_a_channel_and_is_told(tmp_path, capsys):  # I7
    root = write_dataset(tmp_path / "DATA")
    for name in "abcd":
        (root / "images" / f"{name}.png").unlink()
        pixels = np.random.default_rng(ord(name)).integers(0, 256, (6, 8, 4), dtype=np.uint8)
        options = {"photometric": "rgb", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
        tifffile.imwrite(root / "images" / f"{name}.tif", pixels, **options)
    code, report = _json(capsys, root)
    assert (code, report["channels"]) == (0, {"4": 4})
    (problem,) = report["problems"]
    assert problem["severity"] == "warning"
    assert "4 images, such as" in problem["reason"]
    assert "have a channel that is called alpha but is more than transparency" in problem["reason"]


@pytest.mark.parametrize("command", [["train", "--help-all"], ["data", "check", "--help"]])
def test_classes_are_comma_separated_as_the_help_says(capsys, command):  # I20
    if command[0] == "train":
        pytest.importorskip("torch", reason="the command trains")
    main(command)
    assert "comma-separated" in " ".join(capsys.readouterr().out.replace("\u2502", " ").split())
