"""Images of one patient, slide or organ never stand in two parts."""

import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.groups import groups_in_names
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.splits import given_split
from lmsc_unet.errors import DataError
from tests.datasets.folders import write_dataset


def _groups(root, **options):
    return {sample.name: sample.group for sample in find_dataset(root, DataOptions(**options)).samples}


def test_the_folder_is_the_group_and_train_and_val_are_none(tmp_path):
    root = write_dataset(tmp_path / "A", ["liver/1", "liver/2", "lung/left/1"])
    assert _groups(root) == dict.fromkeys(["liver/1", "liver/2", "lung/left/1"])
    assert _groups(root, group="folder") == {"liver/1": "liver", "liver/2": "liver", "lung/left/1": "lung/left"}
    parted = write_dataset(tmp_path / "B", ["train/a/1", "val/b/1"])
    assert _groups(parted, group="folder") == {"train/a/1": "a", "val/b/1": "b"}


def test_a_column_of_the_split_file_is_the_group_with_or_without_a_split(tmp_path):
    root = write_dataset(tmp_path / "A", ["a", "b", "c"])
    path = tmp_path / "split.csv"
    path.write_text("name,patient\na,7\nb.png,7\nimages/c, 8\n")
    assert _groups(root, group="patient", split_file=path) == {"a": "7", "b": "7", "c": "8"}
    path.write_text("name,split,patient\na,train,7\nb,train,7\nc,val,8\n")
    samples = find_dataset(root, DataOptions(group="patient", split_file=path)).samples
    assert [(one.split, one.group) for one in samples] == [("train", "7"), ("train", "7"), ("val", "8")]


BAD = [
    ("name,patient\na,7\nb,\n", r"split\.csv: 2 images have no patient, such as b, c\. Name it for each"),
    ("name,patient\na,7\na,8\n", r"split\.csv, line 3: the patient of 'a' is 7 and 8\. Keep one"),
    ("name,slide\na,7\n", r"split\.csv: the columns are name, slide\..*first line `name,patient`"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_groups_that_cannot_be_are_refused(tmp_path, text, message):
    path = tmp_path / "split.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        _groups(write_dataset(tmp_path / "A", ["a", "b", "c"]), group="patient", split_file=path)


def test_groups_without_their_source_are_refused(tmp_path):
    root = write_dataset(tmp_path / "A", ["a", "b"])
    with pytest.raises(DataError, match=r"--group patient is a column of the split file, but there is none"):
        _groups(root, group="patient")
    with pytest.raises(DataError, match=r"the images lie in no subfolders"):
        _groups(root, group="folder")


def test_a_split_that_parts_a_group_is_refused_where_it_trains_and_told_by_the_check(tmp_path, capsys):
    root = write_dataset(tmp_path / "A", ["train/a/1", "val/a/2"])
    message = r"The group a is in train \(train/a/1\) and in val \(val/a/2\)\. Put all its images into one split"
    with pytest.raises(DataError, match=message):
        given_split(find_dataset(root, DataOptions(group="folder")).samples)
    assert main(["data", "check", str(root), "--group", "folder"]) == 1
    assert "The group a is in train" in capsys.readouterr().out
    assert main(["data", "check", str(root)]) == 0


def test_data_check_takes_the_option(tmp_path, capsys):
    root = write_dataset(tmp_path / "A", ["liver/1", "lung/1"])
    assert main(["data", "check", str(root), "--group", "folder"]) == 0
    assert main(["data", "check", str(root), "--group", "organ"]) == 1
    assert "--group organ is a column of the split file" in capsys.readouterr().err


NAMES = [
    (["slide1_x0_y0", "slide1_x0_y512", "slide2_x0_y0", "slide2_x512_y0"], {"slide1", "slide2"}),
    (["a/P01_003", "a/P01_004", "b/P02_001", "b/P02_002", "b/odd"], {"P01", "P02"}),
    (["patient7a-slice 1", "patient7a-slice 2", "patient8-slice 1", "patient8-slice 2"], {"patient7a", "patient8"}),
    (["human_bladder_01", "human_bladder_02", "human_brain_01", "human_brain_02"], set()),  # NuInsSeg: one number
    (["img_001", "img_002", "img_003"], set()),
    (["2024-01-01", "2024-01-02"], set()),  # all of one group
    (["1_a1", "2_a1", "3_a1"], set()),  # each of its own
]


@pytest.mark.parametrize(("names", "groups"), NAMES)
def test_names_suggest_groups(tmp_path, names, groups):
    samples = find_dataset(write_dataset(tmp_path, names)).samples
    assert set(groups_in_names(samples)) == groups


def test_the_check_warns_where_a_split_would_part_what_the_names_put_together(tmp_path, capsys):
    names = ["s1_x0_y0", "s1_x0_y8", "s2_x0_y0", "s2_x0_y8"]
    whole = write_dataset(tmp_path / "whole", names)
    assert main(["data", "check", str(whole)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "the names suggest 2 groups of images, such as s1 (s1_x0_y0, s1_x0_y8)" in printed
    kept = write_dataset(tmp_path / "kept", [f"{'train' if 's1' in name else 'val'}/{name}" for name in names])
    parted = write_dataset(tmp_path / "parted", [f"{'train' if 'y0' in name else 'val'}/{name}" for name in names])
    for root, is_told in ((kept, False), (parted, True)):
        assert main(["data", "check", str(root)]) == 0
        assert ("the names suggest" in capsys.readouterr().out) == is_told


def _repeats(root, text, **options):
    path = root / "split.csv"
    path.write_text(text)
    samples = find_dataset(root, DataOptions(split_file=path, repeats="times", **options)).samples
    return {sample.name: (sample.repeats, sample.split) for sample in samples}


def test_a_column_of_the_split_file_says_how_often_an_image_is_drawn(tmp_path):
    root = write_dataset(tmp_path / "A", ["a", "b", "c"])
    assert _repeats(root, "name,times\na,3\nb,0\n") == {"a": (3, None), "b": (0, None), "c": (1, None)}
    split = _repeats(root, "name,split,times\na,train,2\nb,train,1\nc,val,1\n")
    assert split == {"a": (2, "train"), "b": (1, "train"), "c": (1, "val")}


@pytest.mark.parametrize("value", ["-1", "half", "1001", ""])
def test_repeats_that_cannot_be_are_refused(tmp_path, value):
    root = write_dataset(tmp_path / "A", ["a", "b"])
    with pytest.raises(
        DataError, match=rf"split\.csv: the times of a is '{value}'; it must be a whole number up to 1000"
    ):
        _repeats(root, f"name,times\na,{value}\n")
    with pytest.raises(DataError, match=r"--repeats times is a column of the split file, but there is none"):
        find_dataset(root, DataOptions(repeats="times"))
