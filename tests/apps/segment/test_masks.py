"""Masks that can be seen, say which class is where to every reader, and lie where their image lies."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from lmsc_unet.imageio import read_image, read_mask, write_png
from lmsc_unet.inference.overlays import COLOURS
from tests.apps.segment.conftest import blobs
from tests.inference.networks import load_by

PLACE = [
    (33550, 12, 3, (0.5, 0.5, 0.0), True),
    (33922, 12, 6, (0.0, 0.0, 0.0, 500000.0, 5400000.0, 0.0), True),
    (34735, 3, 16, (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32632), True),
    (34737, 2, 0, "WGS 84 / UTM zone 32N|", True),
]


@pytest.fixture
def three(model, monkeypatch):
    """A model of three classes."""
    load_by(monkeypatch, "tests.inference.networks:load_three")
    return model


@pytest.fixture
def ortho(tmp_path):
    """A GeoTIFF of 90 x 70 px."""
    path = tmp_path / "in/ortho.tif"
    path.parent.mkdir()
    tifffile.imwrite(path, blobs(90, 70), photometric="rgb", extratags=PLACE, tile=(32, 32), metadata=None)
    return path


def is_bright(path) -> np.ndarray:
    return read_image(path)[..., 0] == 220


def tags_of(path) -> dict:
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        return {code: tags[code].value for code in (33550, 33922, 34735, 34737, 42113) if code in tags}


def test_two_classes_are_black_and_white(model, images, tmp_path, lmsc):  # I33
    assert lmsc("predict", model, images, "--out", tmp_path / "out") == 0
    with Image.open(tmp_path / "out/masks/a.png") as mask:
        assert mask.mode == "L"
        np.testing.assert_array_equal(np.asarray(mask), is_bright(images / "a.png") * 255)
    classes = json.loads((tmp_path / "out/run.json").read_text())["classes"]
    assert classes == [
        {"id": 0, "name": "background", "value": 0, "colour": None},
        {"id": 1, "name": "foreground", "value": 255, "colour": "#f0e442"},
    ]


def test_more_classes_are_a_palette_of_the_overlays_colours_whose_indices_are_ids(three, images, tmp_path, lmsc):
    assert lmsc("predict", three, images, "--out", tmp_path / "out") == 0
    path, bright = tmp_path / "out/masks/a.png", is_bright(images / "a.png")
    with Image.open(path) as mask:  # as docs/how-to/prediction.md says it
        assert mask.mode == "P"
        np.testing.assert_array_equal(np.asarray(mask), bright)
        assert mask.getpalette()[:9] == [0, 0, 0, *COLOURS[0], *COLOURS[1]]
    np.testing.assert_array_equal(read_mask(path), bright)
    classes = json.loads((tmp_path / "out/run.json").read_text())["classes"]
    assert [(one["name"], one["value"], one["colour"]) for one in classes] == [
        ("ground", 0, None),
        ("bright", 1, "#f0e442"),
        ("nowhere", 2, "#56b4e9"),
    ]


def test_opencv_gives_the_colours_of_a_palette_in_any_mode(three, images, tmp_path, lmsc):
    cv2 = pytest.importorskip("cv2", reason="OpenCV comes with lmsc-unet[train]")
    assert lmsc("predict", three, images, "--out", tmp_path / "out") == 0
    bright = is_bright(images / "a.png")
    of_opencv = cv2.imread(str(tmp_path / "out/masks/a.png"), cv2.IMREAD_UNCHANGED)
    assert of_opencv.shape == (*bright.shape, 3)
    np.testing.assert_array_equal((of_opencv == COLOURS[0][::-1]).all(axis=2), bright)


@pytest.mark.parametrize("loader", ["load_bright", "load_three"])
def test_ids_are_grey_values_if_asked_for(model, images, tmp_path, lmsc, monkeypatch, loader):
    load_by(monkeypatch, f"tests.inference.networks:{loader}")
    assert lmsc("predict", model, images, "--out", tmp_path / "out", "--mask-values", "ids") == 0
    with Image.open(tmp_path / "out/masks/a.png") as mask:
        assert mask.mode == "L"
        np.testing.assert_array_equal(np.asarray(mask), is_bright(images / "a.png"))


@pytest.mark.parametrize("values", ["visible", "ids"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("loader", ["load_bright", "load_three"])
def test_what_is_written_is_read_back_as_the_same_classes(
    model, ortho, tmp_path, lmsc, monkeypatch, capsys, loader, values, suffix
):
    load_by(monkeypatch, f"tests.inference.networks:{loader}")
    images = ortho.parent if suffix == ".tif" else tmp_path / "png"
    if suffix == ".png":
        write_png(images / "ortho.png", read_image(ortho))
    assert lmsc("predict", model, images, "--out", tmp_path / "out", "--mask-values", values) == 0
    (tmp_path / "data").mkdir()
    images.rename(tmp_path / "data/images")
    (tmp_path / "out/masks").rename(tmp_path / "data/masks")
    assert (tmp_path / "data/masks/ortho").with_suffix(suffix).is_file()
    capsys.readouterr()
    assert lmsc("evaluate", model, tmp_path / "data", "--format", "json") == 0
    pooled = json.loads(capsys.readouterr().out)["pooled"]
    assert (pooled["dice"], pooled["accuracy"]) == (1, 1)


def test_results_are_resumed_with_the_values_that_they_were_begun_with(model, images, tmp_path, lmsc, capsys):
    out = tmp_path / "out"
    assert lmsc("predict", model, images, "--out", out, "--mask-values", "ids") == 0
    assert lmsc("predict", model, images, "--out", out, "--resume") == 1
    assert "started with other arguments (mask_values: ids -> visible)" in capsys.readouterr().err
    run = json.loads((out / "run.json").read_text())
    del run["arguments"]["mask_values"]  # as before there was a choice
    (out / "run.json").write_text(json.dumps(run))
    assert lmsc("predict", model, images, "--out", out, "--resume") == 1
    assert lmsc("predict", model, images, "--out", out, "--resume", "--mask-values", "ids") == 0


@pytest.mark.parametrize("loader", ["load_bright", "load_three"])
def test_the_mask_of_a_geotiff_is_one(model, ortho, tmp_path, lmsc, monkeypatch, by_rows, loader):  # I32
    load_by(monkeypatch, f"tests.inference.networks:{loader}")
    command = ["predict", model, ortho.parent, "--tile-px", 64, "--out"]
    assert lmsc(*command, tmp_path / "whole") == 0
    by_rows()
    assert lmsc(*command, tmp_path / "rows") == 0
    for out in (tmp_path / "whole", tmp_path / "rows"):
        assert [path.name for path in (out / "masks").iterdir()] == ["ortho.tif"]
        assert json.loads((out / "predictions.jsonl").read_text())["mask"] == "masks/ortho.tif"
        mask = out / "masks/ortho.tif"
        assert tags_of(mask) == tags_of(ortho)
        foreground = 255 if loader == "load_bright" else 1
        np.testing.assert_array_equal(tifffile.imread(mask), is_bright(ortho) * foreground)
        with Image.open(mask) as picture:
            assert picture.mode == ("L" if loader == "load_bright" else "P")
        assert (out / "overlays/ortho.png").is_file()


def test_a_geotiff_is_resumed_and_replaced_as_all_others(model, ortho, images, tmp_path, lmsc):
    out = tmp_path / "out"
    ortho.rename(images / "a.tif")
    assert lmsc("predict", model, images, "--out", out) == 0
    masks = {path.relative_to(out / "masks").as_posix() for path in (out / "masks").rglob("*.*")}
    assert masks == {"a.png.png", "a.tif.tif", "b.png", "deep/er/a.png"}
    written = (out / "masks/a.tif.tif").stat().st_mtime_ns
    (out / "masks/b.png").unlink()
    assert lmsc("predict", model, images, "--out", out, "--resume") == 0
    assert (out / "masks/a.tif.tif").stat().st_mtime_ns == written
    assert (out / "masks/b.png").is_file()
    assert lmsc("predict", model, images / "b.png", "--out", out, "--overwrite") == 0
    assert [path.name for path in (out / "masks").rglob("*.*")] == ["b.png"]
    assert [path.name for path in (out / "overlays").rglob("*.*")] == ["b.png"]


@pytest.mark.parametrize(
    ("nodata", "kept"),
    [
        ("200", "200"),
        ("0", None),  # the background of the mask
        ("255", None),  # its foreground
        ("-9999", None),  # no value of 8 bits
        ("nan", None),
    ],
)
def test_a_nodata_value_that_means_a_class_is_not_taken_over(model, tmp_path, lmsc, nodata, kept):
    tags = [*PLACE, (42113, 2, 0, nodata, True)]
    tifffile.imwrite(tmp_path / "a.tif", blobs(40, 40), photometric="rgb", extratags=tags, metadata=None)
    assert lmsc("predict", model, tmp_path / "a.tif", "--out", tmp_path / "out") == 0
    assert tags_of(tmp_path / "out/masks/a.tif").get(42113) == kept
    assert read_mask(tmp_path / "out/masks/a.tif").max() == 255


@pytest.mark.parametrize("tags", [[], [(42113, 2, 0, "0", True)]])
def test_a_tiff_without_a_place_has_a_png(model, tmp_path, lmsc, tags):
    tifffile.imwrite(tmp_path / "a.tif", blobs(40, 40), photometric="rgb", extratags=tags, metadata=None)
    assert lmsc("predict", model, tmp_path / "a.tif", "--out", tmp_path / "out") == 0
    assert [path.name for path in (tmp_path / "out/masks").iterdir()] == ["a.png"]
