"""`lmsc predict --instances`: label images beside the masks, whole and by rows, kept and resumed like all results."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from lmsc_unet import Predictor
from lmsc_unet.apps.segment import label_files
from lmsc_unet.imageio import read_image, read_mask, write_png
from lmsc_unet.inference.overlays import COLOURS, draw_overlay
from tests.apps.segment.conftest import blobs
from tests.apps.segment.test_masks import PLACE, tags_of
from tests.inference.networks import load_by


def lines(out) -> list[dict]:
    return [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]


def dots(height: int, width: int, number: int) -> np.ndarray:
    """Bright discs, some of which touch, as a picture "H W 3"."""
    rng = np.random.default_rng(4)
    rows, columns = np.indices((height, width))
    picture = np.zeros((height, width, 3), np.uint8)
    for row, column in rng.uniform((0, 0), (height, width), (number, 2)):
        picture[np.hypot(rows - row, columns - column) < 7] = 220
    return picture


def test_each_object_has_a_number_in_a_16_bit_png(model, images, tmp_path, lmsc, capsys):
    out = tmp_path / "out"
    assert lmsc("predict", model, images, "--out", out, "--instances") == 0
    total = 0
    for line in lines(out):
        assert line["instances"] == line["mask"].replace("masks/", "instances/")
        with Image.open(out / line["instances"]) as file:
            labels = np.asarray(file)
        assert labels.dtype == np.uint16
        np.testing.assert_array_equal(labels > 0, read_mask(out / line["mask"]) == 255)
        assert labels.max() == line["num_instances"] >= 2
        prediction = Predictor.load(model).predict(read_image(tmp_path / line["path"]))
        np.testing.assert_array_equal(labels, prediction.instances())
        total += line["num_instances"]
    assert f"Masks are in {out / 'masks'}, {total} instances in {out / 'instances'}.\n" in capsys.readouterr().out
    assert json.loads((out / "run.json").read_text())["instances"] == total


def test_without_the_option_there_are_none(model, images, tmp_path, lmsc):
    assert lmsc("predict", model, images, "--out", tmp_path / "out") == 0
    assert not (tmp_path / "out/instances").exists()
    assert {line["instances"] for line in lines(tmp_path / "out")} == {None}
    assert "instances" not in json.loads((tmp_path / "out/run.json").read_text())


@pytest.mark.parametrize("most", [65535, 5])
def test_rows_give_the_labels_and_the_overlay_of_the_whole_image(model, tmp_path, lmsc, monkeypatch, by_rows, most):
    monkeypatch.setattr(label_files, "MOST_16_BIT", most)
    monkeypatch.setattr("lmsc_unet.inference.label_rows.TILE_SIDE_PX", 90)
    monkeypatch.setattr("lmsc_unet.inference.label_rows.HALO_PX", 40)
    image = tmp_path / "large.tif"
    tifffile.imwrite(image, dots(300, 170, 60), photometric="rgb", tile=(64, 64))
    command = ["predict", model, image, "--instances", "--tile-px", 64, "--out"]
    assert lmsc(*command, tmp_path / "whole") == 0
    by_rows()
    assert lmsc(*command, tmp_path / "rows") == 0
    suffix, dtype = ("png", np.uint16) if most > 5 else ("tif", np.uint32)
    for name in (f"instances/large.{suffix}", "overlays/large.png", "masks/large.png"):
        whole, rows = (
            read_mask(tmp_path / out / name) if "over" not in name else read_image(tmp_path / out / name)
            for out in ("whole", "rows")
        )
        np.testing.assert_array_equal(whole, rows, err_msg=name)
    labels = read_mask(tmp_path / f"rows/instances/large.{suffix}")
    assert (labels.dtype, len(list((tmp_path / "rows/instances").iterdir()))) == (dtype, 1)
    assert labels.max() == lines(tmp_path / "rows")[0]["num_instances"] > 30
    assert lines(tmp_path / "whole")[0] | {"ms": 0} == lines(tmp_path / "rows")[0] | {"ms": 0}


def test_the_label_image_of_a_geotiff_lies_where_its_image_lies(model, tmp_path, lmsc):
    tags = [*PLACE, (42113, 2, 0, "65535", True)]
    tifffile.imwrite(tmp_path / "a.tif", blobs(90, 70), photometric="rgb", extratags=tags, metadata=None)
    assert lmsc("predict", model, tmp_path / "a.tif", "--out", tmp_path / "out", "--instances") == 0
    path = tmp_path / "out/instances/a.tif"
    assert tags_of(path) == tags_of(tmp_path / "a.tif")  # no object has the number 65535
    assert tifffile.imread(path).dtype == np.uint16
    assert tifffile.imread(path).max() == lines(tmp_path / "out")[0]["num_instances"]


def test_a_nodata_value_that_is_a_label_is_dropped(model, tmp_path, lmsc):
    tags = [*PLACE, (42113, 2, 0, "1", True)]
    tifffile.imwrite(tmp_path / "a.tif", blobs(90, 70), photometric="rgb", extratags=tags, metadata=None)
    assert lmsc("predict", model, tmp_path / "a.tif", "--out", tmp_path / "out", "--instances") == 0
    assert 42113 not in tags_of(tmp_path / "out/instances/a.tif")


def test_a_model_of_more_classes_is_refused_before_anything_is_written(
    model, images, tmp_path, lmsc, capsys, monkeypatch
):
    load_by(monkeypatch, "tests.inference.networks:load_three")
    assert lmsc("predict", model, images, "--out", tmp_path / "out", "--instances") == 1
    told = capsys.readouterr().err
    assert "The model has the 3 classes ground, bright, nowhere, but instances are found in masks of two" in told
    assert not (tmp_path / "out").exists()


def test_a_lost_label_image_is_made_again_by_resume_and_overwrite_leaves_none(model, images, tmp_path, lmsc):
    out, command = tmp_path / "out", ["predict", model, images, "--out", tmp_path / "out"]
    assert lmsc(*command, "--instances") == 0
    before = (out / "instances/a.png").read_bytes()
    (out / "instances/a.png").unlink()
    assert lmsc(*command, "--instances", "--resume") == 0
    assert (out / "instances/a.png").read_bytes() == before
    assert lmsc(*command, "--overwrite") == 0
    assert not (out / "instances").exists()


def test_a_run_with_and_one_without_are_not_mixed(model, images, tmp_path, lmsc, capsys):
    out = tmp_path / "out"
    assert lmsc("predict", model, images, "--out", out) == 0
    assert lmsc("predict", model, images, "--out", out, "--instances", "--resume") == 1
    assert "(instances: False -> True)" in capsys.readouterr().err


def test_a_run_of_before_there_were_instances_can_be_resumed(model, images, tmp_path, lmsc):
    out = tmp_path / "out"
    assert lmsc("predict", model, images, "--out", out) == 0
    run = json.loads((out / "run.json").read_text())
    del run["arguments"]["instances"]
    (out / "run.json").write_text(json.dumps(run))
    older = [{key: value for key, value in line.items() if "instances" not in key} for line in lines(out)]
    (out / "predictions.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in older))
    before = (out / "masks/a.png").stat().st_mtime_ns
    assert lmsc("predict", model, images, "--out", out, "--resume") == 0
    assert (out / "masks/a.png").stat().st_mtime_ns == before


@pytest.mark.parametrize("change", [{"instances": 7}, {"instances": None}, {"num_instances": None}])
def test_a_line_with_wrong_fields_is_no_line_of_ours(model, images, tmp_path, lmsc, capsys, change):
    out = tmp_path / "out"
    assert lmsc("predict", model, images, "--out", out, "--instances") == 0
    (out / "predictions.jsonl").write_text("".join(f"{json.dumps(line | change)}\n" for line in lines(out)))
    assert lmsc("predict", model, images, "--out", out, "--instances", "--resume") == 1
    assert "this is no list of results" in capsys.readouterr().err


def test_overlays_draw_the_borders_of_touching_objects(model, tmp_path, lmsc):
    mask = np.zeros((30, 40), np.uint8)
    mask[5:25, 5:35] = 1
    objects = mask.astype(np.int32)
    objects[:, 20:] *= 2
    image = np.full((30, 40, 1), 100, np.uint16)
    with_objects, plain = draw_overlay(image, mask, objects=objects), draw_overlay(image, mask)
    assert {tuple(with_objects[15, column]) for column in (19, 20)} == {COLOURS[0]}
    differs = (with_objects != plain).any(axis=2)
    assert differs[6:24, 19:21].all()
    assert differs.sum() == 2 * 18


def test_an_image_without_objects_has_an_empty_label_image(model, tmp_path, lmsc):
    write_png(tmp_path / "dark.png", np.zeros((20, 30), np.uint8))
    assert lmsc("predict", model, tmp_path / "dark.png", "--out", tmp_path / "out", "--instances") == 0
    assert read_mask(tmp_path / "out/instances/dark.png").max() == 0
    assert lines(tmp_path / "out")[0]["num_instances"] == 0
