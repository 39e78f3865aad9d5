"""`lmsc evaluate` gives the scores that a hand finds, says which average each is, and loses nothing."""

import csv
import json
import re

import numpy as np
import pytest
import tifffile

from lmsc_unet.imageio import read_image, write_png
from lmsc_unet.synthetic.tissue.writer import write_nuclei
from tests.evaluation.conftest import write_pair
from tests.inference.networks import load_by


def evaluated(lmsc, capsys, *arguments) -> dict:
    assert lmsc("evaluate", *arguments, "--format", "json") == 0
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)  # NaN is no JSON


def test_scores_are_those_of_a_hand(model, data, lmsc, capsys):
    report = evaluated(lmsc, capsys, model, data)
    assert report["images"] == 5
    assert report["paper"] == pytest.approx(
        {
            "acc": (100 - (4 + 5 + 5)) / 100,  # rows that are wrong: half 4, false 5, missed 5
            "miou": (1 + 4 / 8 + 0 + 0) / 4,  # `empty` is left out
            "f1": 2 * 14 / (2 * 14 + 5 + 9),
            "dc": (1 + 8 / 12 + 0 + 0) / 4,
        }
    )
    assert report["left_out"]["paper"] == {"miou": 1, "dc": 1}
    assert report["left_out"]["per_image"]["precision"] == 2  # nothing predicted in `missed` and `empty`
    assert report["pooled"]["recall"] == pytest.approx(14 / 23)
    assert report["classes"]["background"]["pooled"]["precision"] == pytest.approx((100 - 28) / (100 - 19))
    assert report["pooled"]["iou_all_classes"] == pytest.approx((14 / 28 + 72 / 86) / 2)
    assert (report["split"], report["score_at"]) == ("all", "mask")


def test_pixels_of_which_nothing_is_known_carry_no_score(model, data, lmsc, capsys):  # I8
    """Four rows of the lower half are unknown, and the mask calls them foreground."""
    image = read_image(data / "images/half.png").astype(np.float32)
    image[16:] = -9999
    (data / "images/half.png").unlink()
    tag = (42113, 2, 0, "-9999", True)
    tifffile.imwrite(data / "images/half.tif", image, photometric="rgb", extratags=[tag], metadata=None)
    mask = np.zeros((20, 20), np.uint8)
    mask[:8] = mask[16:] = 255
    write_png(data / "masks/half.png", mask)
    report = evaluated(lmsc, capsys, model, data)
    assert report["pooled"]["recall"] == pytest.approx(14 / 23)
    assert report["pooled"]["accuracy"] == pytest.approx((96 - (4 + 5 + 5)) / 96)


def test_intervals_hold_the_score_and_are_the_same_for_the_same_seed(model, data, lmsc, capsys):
    first = evaluated(lmsc, capsys, model, data, "--seed", "1")
    again = evaluated(lmsc, capsys, model, data, "--seed", "1")
    other = evaluated(lmsc, capsys, model, data, "--seed", "2")
    assert first["intervals"] == again["intervals"]
    assert first["intervals"]["per_image"] != other["intervals"]["per_image"]
    for average in ("paper", "pooled", "per_image"):
        for name, share in first[average].items():
            low, high = first["intervals"][average][name]
            assert 0 <= low <= share <= high <= 1


def test_a_single_image_has_scores_but_no_interval_and_a_class_that_is_nowhere_has_none(model, tmp_path, lmsc, capsys):
    write_pair(tmp_path / "data", "empty", 0, 0)
    report = evaluated(lmsc, capsys, model, tmp_path / "data")
    assert report["paper"] == {"acc": 1.0, "miou": None, "f1": None, "dc": None}
    assert report["intervals"]["paper"] == {"acc": None, "miou": None, "f1": None, "dc": None}
    assert lmsc("evaluate", model, tmp_path / "data", "--out", tmp_path / "out") == 0
    assert re.search(r"accuracy, pooled +1\.0000 +- +1", capsys.readouterr().out)


def test_the_folder_holds_the_scores_a_line_for_each_image_and_a_picture(model, data, tmp_path, lmsc, capsys):
    out = tmp_path / "out"
    report = evaluated(lmsc, capsys, model, data, "--out", out)
    assert json.loads((out / "scores.json").read_text()) == report
    with (out / "per_image.csv").open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["empty", "false", "good", "half", "missed"]
    assert rows["empty"]["dice"] == ""
    assert float(rows["half"]["dice"]) == pytest.approx(2 / 3, abs=1e-6)
    assert (rows["half"]["tp_foreground"], rows["half"]["fn_foreground"]) == ("80", "80")
    dice = [float(row["dice"]) for row in rows.values() if row["dice"]]
    assert np.mean(dice) == pytest.approx(report["paper"]["dc"], abs=1e-6)
    assert read_image(out / "worst_and_best.png").shape[2] == 3


def test_each_group_of_images_has_its_scores(model, tmp_path, lmsc, capsys):
    for name, bright, true in (("liver/a", 10, 10), ("liver/b", 0, 5), ("lung/c", 4, 8)):
        write_pair(tmp_path / "data", name, bright, true)
    report = evaluated(lmsc, capsys, model, tmp_path / "data", "--group", "folder")
    rows = {row.pop("group"): row for row in report["groups"]}
    assert rows["liver"] == {"images": 2, "acc": 0.875, "miou": 0.5, "f1": 0.8, "dc": 0.5}
    assert rows["lung"] == pytest.approx({"images": 1, "acc": 0.8, "miou": 0.5, "f1": 2 / 3, "dc": 2 / 3})
    assert lmsc("evaluate", model, tmp_path / "data", "--group", "folder") == 0
    printed = capsys.readouterr().out
    assert "Each group of images" in printed
    assert re.search(r"lung +1 +0\.8000 +0\.5000 +0\.6667 +0\.6667", printed)


def test_the_table_names_each_average(model, data, lmsc, capsys):
    assert lmsc("evaluate", model, data) == 0
    printed = capsys.readouterr().out
    for text in (
        "small, 5 images (all), scored at the mask's own size",
        "mIoU: foreground IoU, mean over images  0.3750",
        "F1: foreground, pooled                  0.6667",
        "foreground   pooled       0.8600",
    ):
        assert text in printed


def test_the_papers_recipe_is_scored_at_the_networks_size(model, data, lmsc, capsys):
    at_mask = evaluated(lmsc, capsys, model, data)
    model.write_text('{"treatment": "resize", "size_px": 8, "score_at": "network"}')
    at_network = evaluated(lmsc, capsys, model, data)
    assert at_network["score_at"] == "network"
    assert at_network["classes"] != at_mask["classes"]
    assert at_network["paper"]["acc"] == pytest.approx(at_mask["paper"]["acc"], abs=0.1)


def test_pixels_to_leave_out_count_nowhere(model, data, lmsc, capsys):
    mask = np.zeros((20, 20), dtype=np.uint8)
    mask[:4], mask[4:8] = 1, 7
    for path in (data / "images").iterdir():
        if path.stem != "half":
            path.unlink()
            (data / "masks" / path.name).unlink()
    write_png(data / "masks/half.png", mask)
    report = evaluated(lmsc, capsys, model, data, "--ignore-index", "7")
    assert report["paper"] == pytest.approx({"acc": 1, "miou": 1, "f1": 1, "dc": 1})


def test_the_part_that_was_held_back_is_scored_unless_another_is_named(model, data, tmp_path, lmsc, capsys):
    parts = tmp_path / "parts.csv"
    parts.write_text("name,split\ngood,train\nhalf,val\nfalse,val\nmissed,train\nempty,train\n")
    given = (model, data, "--split-file", parts)
    assert evaluated(lmsc, capsys, *given)["split"] == "val"
    assert evaluated(lmsc, capsys, *given)["images"] == 2
    assert evaluated(lmsc, capsys, *given, "--split", "train")["images"] == 3
    assert evaluated(lmsc, capsys, *given, "--split", "all")["images"] == 5
    assert lmsc("evaluate", *given, "--split", "test") == 1
    assert "no image in test; it has train, val" in capsys.readouterr().err


def test_scores_are_replaced_only_when_asked(model, data, tmp_path, lmsc, capsys):
    out = tmp_path / "out"
    evaluated(lmsc, capsys, model, data, "--out", out)
    assert lmsc("evaluate", model, data, "--out", out) == 1
    assert "holds the scores of another evaluation" in capsys.readouterr().err
    evaluated(lmsc, capsys, model, data, "--out", out, "--overwrite")
    (out / "scores.json").unlink()
    assert lmsc("evaluate", model, data, "--out", out, "--overwrite") == 1
    assert "which no `lmsc evaluate` wrote" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spec", "arguments", "message"),
    [
        (
            '{"num_logits": 3, "class_names": ["a", "b", "c"]}',
            ("--classes", "a,b"),
            "The model has the 3 classes a, b, c",
        ),
        ('{"input_channels": 5}', (), "empty.png: The image has 3 channels, but small was trained on images with 5"),
        ("{}", ("--images", "pictures"), "there is no folder pictures/"),
        ("{}", ("--draws", "0"), "num_draws is 0; it must be at least 1"),
        ("{}", ("--threshold", "1"), "must lie between 0 and 1"),
    ],
)
def test_what_does_not_fit_is_refused(model, data, lmsc, capsys, spec, arguments, message):
    model.write_text(spec)
    assert lmsc("evaluate", model, data, *arguments) == 1
    assert message in capsys.readouterr().err


def test_a_bad_pair_is_named_and_no_score_is_given(model, data, lmsc, capsys):
    write_png(data / "masks/half.png", np.zeros((10, 10), dtype=np.uint8))
    assert lmsc("evaluate", model, data, "--format", "json") == 1
    printed = capsys.readouterr()
    assert "half.png: the mask is 10 x 10 px" in printed.err
    assert printed.out == ""


def test_several_classes_are_scored_each_and_as_a_mean(model, tmp_path, lmsc, capsys, monkeypatch):
    """The foreground is the mean of the classes but 0 that are there; the third class is nowhere."""
    load_by(monkeypatch, "tests.inference.networks:load_three")
    image = np.zeros((20, 20, 3), dtype=np.uint8)
    image[:10] = 255
    mask = np.zeros((20, 20), dtype=np.uint8)
    mask[:5] = 1
    write_png(tmp_path / "data/images/a.png", image)
    write_png(tmp_path / "data/masks/a.png", mask)
    report = evaluated(lmsc, capsys, model, tmp_path / "data")
    assert report["class_names"] == ["ground", "bright", "nowhere"]
    assert report["paper"]["miou"] == pytest.approx(1 / 2)
    assert report["classes"]["nowhere"]["pooled"]["iou"] is None
    assert report["pooled"]["iou_all_classes"] == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_generated_nuclei_go_all_the_way(model, tmp_path, lmsc, capsys):
    write_nuclei(tmp_path / "data", count=3, size_px=64, seed=0)
    report = evaluated(lmsc, capsys, model, tmp_path / "data", "--out", tmp_path / "out")
    assert report["images"] == 3
    assert read_image(tmp_path / "out/worst_and_best.png").shape[2] == 3


def test_scores_on_images_that_trained_the_model_are_told_to_flatter(model, data, lmsc, capsys):
    (model.parent / "split.csv").write_text("name,split\ngood,train\nhalf,train\nfalse,val\nelsewhere,train\n")
    assert lmsc("evaluate", model, data) == 0
    assert "note: 2 of 5 images have names of this model's training images" in capsys.readouterr().err
