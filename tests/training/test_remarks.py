"""A training tells once what `lmsc data check` warns of."""

import os
import shutil
from pathlib import Path

import pytest
import tifffile
from PIL import Image

from lmsc_unet.errors import DataError
from lmsc_unet.imageio import read_image
from lmsc_unet.training.prepare import prepare_data

from .small import small_config, write_discs


def _turn(data: Path, names: list[str]) -> None:
    exif = Image.Exif()
    exif[274] = 3
    for name in names:
        path = data / "images" / f"{name}.png"
        Image.fromarray(read_image(path).squeeze()).save(path.with_suffix(".jpg"), exif=exif)
        path.unlink()


def test_warnings_of_the_check_stand_in_one_line_for_each_kind(tmp_path, capsys):  # I31
    data = write_discs(tmp_path, side_px=40)
    first, second, third, fourth, *_ = sorted(path.stem for path in (data / "images").iterdir())
    _turn(data, [first, second])
    upside_down = read_image(data / "images" / f"{third}.png")[..., 0]
    tifffile.imwrite(data / "images" / f"{third}.tif", upside_down, extratags=[(274, 3, 1, 4, True)])
    (data / "images" / f"{third}.png").unlink()
    mask = data / "masks" / f"{fourth}.png"
    Image.new("L", (40, 40)).save(mask.with_suffix(".jpg"))
    mask.unlink()
    (data / "images" / "notes.txt").write_bytes(b"x")
    prepare_data(data, small_config())
    lines = capsys.readouterr().err.splitlines()
    asked = "See that the masks are drawn that way; `lmsc data check` names them."
    assert "lmsc: note: 1 file of another type was skipped: .txt 1." in lines
    assert f"lmsc: note: 2 images are turned by the EXIF orientation. {asked}" in lines
    assert f"lmsc: note: 1 image is turned by the TIFF orientation tag. {asked}" in lines
    assert any("1 mask is a JPEG, which changes values at edges." in line for line in lines)


def test_a_good_dataset_is_trained_on_without_a_word(tmp_path, capsys):
    prepare_data(write_discs(tmp_path, side_px=40), small_config())
    assert capsys.readouterr().err == ""


def test_one_image_in_two_kinds_of_file_is_not_trained_and_validated_on(tmp_path):  # I24
    data = write_discs(tmp_path, side_px=40)
    names = sorted(path.stem for path in (data / "images").iterdir())
    for index, name in enumerate(names):
        for folder in ("images", "masks"):
            part = data / folder / ("train" if index else "val")
            part.mkdir(exist_ok=True)
            shutil.move(data / folder / f"{name}.png", part / f"{name}.png")
    held = data / "images" / "val" / f"{names[0]}.png"
    Image.fromarray(read_image(data / "images" / "train" / f"{names[1]}.png").squeeze()).save(held.with_suffix(".tif"))
    held.unlink()
    with pytest.raises(DataError, match=r"\.tif: the same image is in validation and, as .*\.png, in training"):
        prepare_data(data, small_config())


def test_a_name_that_is_no_text_is_trained_on(tmp_path):  # I17
    data = write_discs(tmp_path, side_px=40)
    name = sorted(path.name for path in (data / "images").iterdir())[0]
    odd = os.fsdecode(b"caf\xe9.png")
    for folder in ("images", "masks"):
        (data / folder / name).rename(data / folder / odd)
    fold = prepare_data(data, small_config()).folds[0]
    assert "caf\\udce9" in {sample.name for sample in (*fold.train, *fold.val)}
