"""`lmsc predict` from inputs to results: what it writes, what it refuses, and what it loses (nothing)."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from lmsc_unet.imageio import read_image, read_mask, write_png
from lmsc_unet.inference.overlays import COLOURS, draw_overlay, to_display
from tests.apps.segment.conftest import blobs


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def contents(place: Path) -> dict[str, bytes]:
    """What is in all files of a folder, or in the one file."""
    return {str(path): path.read_bytes() for path in (place, *place.rglob("*")) if path.is_file()}


def test_a_folder_becomes_masks_overlays_and_a_list_in_input_order(model, images, tmp_path, lmsc, capsys):
    out = tmp_path / "out"
    assert lmsc("predict", model, images, "--out", out) == 0
    names = ["a", "b", "deep/er/a"]
    assert files(out) == {f"{kind}/{name}.png" for kind in ("masks", "overlays") for name in names} | {
        "predictions.jsonl",
        "run.json",
    }
    for name, line in zip(names, lines(out), strict=True):
        image, mask = read_image(images / f"{name}.png"), read_mask(out / f"masks/{name}.png")
        np.testing.assert_array_equal(mask, (image[..., 0] == 220) * 255)
        assert line["path"] == str(images / f"{name}.png")
        assert line["size"] == list(mask.shape)
        assert line["class_shares"]["foreground"] == pytest.approx(mask.mean() / 255)
        assert (line["status"], line["error"], line["mask"]) == ("ok", None, f"masks/{name}.png")
        assert line["ms"] > 0
    printed = capsys.readouterr()
    assert printed.out == f"3 images, 0 failed. Masks are in {out / 'masks'}.\n"
    assert printed.err == ""  # no bar where there is no terminal


def test_run_json_tells_the_arguments_the_model_and_the_versions(model, images, tmp_path, lmsc):
    lmsc("predict", model, images, "--out", tmp_path / "out", "--threshold", "0.6", "--no-overlays")
    run = json.loads((tmp_path / "out/run.json").read_text())
    assert run["arguments"]["threshold"] == 0.6
    assert run["arguments"]["inputs"] == [str(images)]
    assert run["model"]["sha256"] == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert {"python", "numpy", "pillow", "lmsc-unet"} <= set(run["versions"])
    assert (run["images"], run["failed"]) == (3, 0)
    assert not (tmp_path / "out/overlays").exists()


def test_images_of_equal_name_never_collide(model, tmp_path, lmsc):
    for index, name in enumerate(("a/1.png", "b/1.png", "b/1.bmp")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(blobs(30, 30, seed=index)).save(tmp_path / name)
    assert lmsc("predict", model, tmp_path / "a", tmp_path / "b", "--out", tmp_path / "out") == 0
    masks = [tmp_path / "out" / line["mask"] for line in lines(tmp_path / "out")]
    assert files(tmp_path / "out/masks") == {"a/1.png", "b/1.bmp.png", "b/1.png.png"}
    assert len({mask.read_bytes() for mask in masks}) == 3


def test_a_bad_file_is_reported_and_skipped_and_the_rest_go_on(model, images, tmp_path, lmsc, capsys):
    (images / "aa.png").write_bytes(b"")
    (images / "ab.png").write_bytes((images / "a.png").read_bytes()[:100])
    write_png(images / "ac.png", np.zeros((20, 20), dtype=np.uint8))
    tifffile.imwrite(images / "ad.tiff", np.full((20, 20), np.inf, dtype=np.float32))
    assert lmsc("predict", model, images, "--out", tmp_path / "out") == 2
    by_name = {Path(line["path"]).name: line for line in lines(tmp_path / "out") if "deep" not in line["path"]}
    assert list(by_name) == ["a.png", "aa.png", "ab.png", "ac.png", "ad.tiff", "b.png"]
    failed = {name for name, line in by_name.items() if line["status"] == "failed"}
    assert failed == {"aa.png", "ab.png", "ad.tiff"}
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 3
    for name, line in zip(sorted(failed), told, strict=True):
        assert line == f"lmsc: {by_name[name]['error']}"
        assert str(images / name) in line
    assert files(tmp_path / "out/masks") == {"a.png", "ac.png", "b.png", "deep/er/a.png"}


def test_names_that_are_no_text_fail_nothing_and_can_be_resumed(model, images, tmp_path, lmsc, capsys):  # I17
    odd = [os.fsdecode(name) for name in (b"caf\xe9.png", b"new\nline.png", b"-dash.png", b"z.png")]
    for name in odd:
        shutil.copy(images / "a.png", images / name)
    out = tmp_path / "out"
    assert lmsc("predict", model, images, "--out", out) == 0
    assert {line["path"] for line in lines(out)} >= {str(images / name) for name in odd}
    assert (out / "masks" / odd[0]).is_file()
    assert lmsc("predict", model, images, "--out", out, "--resume") == 0
    assert "7 images, 0 failed" in capsys.readouterr().out


def test_an_image_with_other_channels_says_what_the_model_was_trained_on(model, tmp_path, lmsc, capsys):
    model.write_text('{"input_channels": 4}')
    write_png(tmp_path / "rgb.png", blobs(20, 20))
    assert lmsc("predict", model, tmp_path / "rgb.png", "--out", tmp_path / "out") == 2
    assert "rgb.png: The image has 3 channels, but small was trained on images with 4" in capsys.readouterr().err


def test_probabilities_are_16_bit_and_agree_with_the_mask(model, images, tmp_path, lmsc):
    out = tmp_path / "out"
    lmsc("predict", model, images, "--out", out, "--probabilities")
    probability = np.asarray(Image.open(out / "probabilities/b.png"))
    assert probability.dtype == np.uint16
    np.testing.assert_array_equal(probability >= 32768, read_mask(out / "masks/b.png") == 255)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "holds results"),
        (("--resume", "--threshold", "0.7"), r"started with other arguments (threshold: None -> 0.7)"),
        (("--resume", "--scale", "0.5"), r"started with other arguments (scale: None -> 0.5)"),
        (("--resume", "--probabilities"), r"started with other arguments (probabilities: False -> True)"),
        (("--resume", "--overwrite"), "Give one of the two"),
    ],
)
def test_results_are_never_overwritten_or_mixed_unasked(model, images, tmp_path, lmsc, capsys, flags, message):
    lmsc("predict", model, images, "--out", tmp_path / "out")
    before = contents(tmp_path / "out")
    assert lmsc("predict", model, images, "--out", tmp_path / "out", *flags) == 1
    assert message in capsys.readouterr().err
    assert contents(tmp_path / "out") == before


def test_another_model_or_other_inputs_cannot_be_resumed(model, images, tmp_path, lmsc, capsys):
    lmsc("predict", model, images, "--out", tmp_path / "out")
    assert lmsc("predict", model, images / "a.png", "--out", tmp_path / "out", "--resume") == 1
    assert "results of other inputs" in capsys.readouterr().err
    model.write_text("{ }")
    assert lmsc("predict", model, images, "--out", tmp_path / "out", "--resume") == 1
    assert "model_sha256" in capsys.readouterr().err


def test_overwrite_removes_the_old_results_and_nothing_else(model, images, tmp_path, lmsc):
    out = tmp_path / "out"
    lmsc("predict", model, images, "--out", out, "--probabilities")
    (out / "masks/mine.png").write_bytes(b"kept")
    (out / "notes.txt").write_text("kept")
    assert lmsc("predict", model, images / "a.png", "--out", out, "--overwrite") == 0
    assert files(out) == {
        *("masks/a.png", "overlays/a.png", "predictions.jsonl", "run.json"),
        *("masks/mine.png", "notes.txt"),
    }
    assert len(lines(out)) == 1


def test_masks_of_another_are_never_touched(model, images, tmp_path, lmsc, capsys):
    """A dataset's own folder, say, with its true masks."""
    (tmp_path / "out/masks").mkdir(parents=True)
    (tmp_path / "out/masks/a.png").write_bytes(b"truth")
    for flags in ((), ("--overwrite",), ("--resume",)):
        assert lmsc("predict", model, images, "--out", tmp_path / "out", *flags) == 1
        assert "holds masks, which no `lmsc predict` wrote" in capsys.readouterr().err
    assert (tmp_path / "out/masks/a.png").read_bytes() == b"truth"


@pytest.mark.parametrize("place", ["masks", "masks/deep", "masks/a.png", "predictions.jsonl", "run.json"])
def test_nothing_is_written_through_links_out_of_the_folder(model, images, tmp_path, lmsc, capsys, place):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    lmsc("predict", model, images, "--out", out)
    is_folder = (out / place).is_dir()
    (out / place).rename(elsewhere)
    (out / place).symlink_to(elsewhere, target_is_directory=is_folder)
    before = contents(elsewhere)
    for flag in ("--overwrite", "--resume"):
        for overlay in (out / "overlays").rglob("*.png"):  # so that there is something to write
            overlay.unlink()
        assert lmsc("predict", model, images, "--out", out, flag) == 1
        assert "or is a link" in capsys.readouterr().err
    assert contents(elsewhere) == before


def test_a_list_that_names_files_outside_does_not_make_overwrite_delete_them(model, images, tmp_path, lmsc, capsys):
    lmsc("predict", model, images, "--out", tmp_path / "out")
    journal = tmp_path / "out/predictions.jsonl"
    journal.write_text(journal.read_text().replace("masks/a.png", "masks/../../images/a.png"))
    assert lmsc("predict", model, images, "--out", tmp_path / "out", "--overwrite") == 1
    assert "outside of" in capsys.readouterr().err
    assert (images / "a.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "No input is named"),
        (("gone.png",), "gone.png: there is no such file or folder"),
        (("IMAGES", "--tile-px", "50"), "tile_px is 50; the network takes multiples of 4"),
        (("IMAGES", "--batch", "0"), "batch is 0"),
        (("IMAGES", "--threshold", "2"), "must lie between 0 and 1"),
        (("IMAGES", "--scale", "1e3"), "scale is 1000.0; it must be above 0 and at most 16"),  # R15
        (("IMAGES", "--scale", "nan"), "scale is nan; it must be above 0 and at most 16"),
        (("IMAGES", "--threads", "1_000"), "threads is 1000; it must be at least 1 and at most"),
        (("IMAGES", "--threads", "1.5"), "--threads is 1.5; it must be a whole number"),  # R28
        (("IMAGES", "--max-pixels", "0"), "max_pixels is 0; it must be at least 1"),  # R14
    ],
)
def test_wrong_use_is_told_before_anything_is_written(model, images, tmp_path, lmsc, capsys, arguments, message):
    given = [images if argument == "IMAGES" else argument for argument in arguments]
    assert lmsc("predict", model, *given, "--out", tmp_path / "out") == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "There is no model at"),
        ("model.txt", "a model is a run folder or a file that ends in"),
        ("run", "the folder holds no best.ckpt. Give a run folder"),
        ("folds", "Did you mean one of .*fold-1.*fold-2"),
    ],
)
def test_what_is_no_model_is_refused(images, tmp_path, lmsc, capsys, name, message):
    (tmp_path / "model.txt").write_text("{}")
    for folder in ("run", "folds/fold-1", "folds/fold-2"):
        (tmp_path / folder).mkdir(parents=True)
    for number in (1, 2):
        (tmp_path / f"folds/fold-{number}/best.ckpt").touch()
    assert lmsc("predict", tmp_path / name, images, "--out", tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert re.search(message, told), told


def test_an_overlay_tints_classes_draws_their_border_and_leaves_the_background():
    image = np.full((20, 20, 1), 100, dtype=np.uint16)
    mask = np.zeros((20, 20), dtype=np.uint8)
    mask[5:15, 5:15] = 1
    overlay = draw_overlay(image, mask)
    ground = to_display(image)
    assert tuple(overlay[5, 5]) == COLOURS[0]
    assert tuple(overlay[10, 10]) not in {COLOURS[0], tuple(ground[10, 10])}
    np.testing.assert_array_equal(overlay[:4], ground[:4])


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_every_kind_of_image_can_be_shown(channels, dtype):
    image = np.linspace(0, 200, 16 * 16 * channels).reshape(16, 16, channels).astype(dtype)
    shown = to_display(image)
    assert (shown.shape, shown.dtype) == ((16, 16, 3), np.uint8)
    assert shown.min() == 0
    assert shown.max() == (200 if (dtype, channels) == ("uint8", 3) else 255)  # a picture stays as its owner knows it


def test_an_image_of_more_pixels_than_allowed_is_refused_by_its_header(
    images, model, tmp_path, lmsc, capsys
) -> None:  # R14
    bomb = Image.new("1", (16_384, 16_384))
    bomb.save(images / "bomb.png")
    out = tmp_path / "out"
    assert lmsc("predict", model, images, "--out", out, "--max-pixels", 2500) == 2
    errors = capsys.readouterr().err
    assert f"{images / 'bomb.png'}: the image has 16384 x 16384 px, more than --max-pixels 2500. Raise it" in errors
    assert errors.count("more than --max-pixels") == 2  # and the largest of the three
    assert sorted(path.name for path in (out / "masks").rglob("*.png")) == ["a.png", "b.png"]
