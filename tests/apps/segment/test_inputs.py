"""Every image has a name of its own in the results, whatever its folder and ending."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lmsc_unet.apps.items import unique_names
from lmsc_unet.apps.segment.opening import find_inputs, find_items
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.imageio import write_png


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a/1.png", "b/1.png"], ["a/1", "b/1"]),  # equal names in different folders
        (["1.png", "1.tif", "2.png"], ["1.png", "1.tif", "2"]),  # equal names with different endings
        (["scan.v2.tif"], ["scan.v2"]),  # only the last ending goes
        (["a.png", "a.tif", "a.png.png"], ["a.png", "a.tif", "a.png.png"]),  # a longer name would meet a third
        (["a.tif", "a.png/1.png"], ["a.tif", "a.png/1"]),  # masks/a.png would be a file and a folder
    ],
)
def test_names(paths, expected):
    assert unique_names([Path(path) for path in paths]) == expected


PLACES = st.builds(
    "".join,
    st.tuples(*(st.sampled_from(part) for part in (["", "a/", "a.png/"], ["a", "b"], ["", ".png"], [".png", ".tif"]))),
)


@given(st.lists(PLACES, unique=True, max_size=12))
def test_no_two_images_ever_share_a_name(paths):
    names = unique_names([Path(path) for path in paths])
    assert len(set(names)) == len(paths)


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names_of(inputs, out=Path("/nowhere")) -> list[str]:
    return [item.name for item in find_items(inputs, out)]


def test_names_are_relative_to_the_one_folder_or_to_what_all_inputs_share(tmp_path):
    touch(tmp_path / "x/1.png", tmp_path / "x/y/1.png", tmp_path / "z/1.PNG", tmp_path / "z/readme.txt")
    assert names_of([tmp_path / "x"]) == ["1", "y/1"]
    assert names_of([tmp_path / "z", tmp_path / "x"]) == ["z/1", "x/1", "x/y/1"]  # in the order given
    assert names_of([tmp_path / "x/y/1.png"]) == ["1"]
    assert names_of([tmp_path / "x/y/1.png", tmp_path / "x/1.png"]) == ["y/1", "1"]
    assert names_of([tmp_path / "x/y/../1.png", tmp_path / "z/1.PNG"]) == ["x/1", "z/1"]


def test_paths_from_the_working_folder_are_kept_as_they_were_named(tmp_path, monkeypatch):
    touch(tmp_path / "x/1.png")
    monkeypatch.chdir(tmp_path / "x")
    (item,) = find_items([Path("../x")], Path("out"))
    assert (str(item.path), item.name) == ("../x/1.png", "1")


def test_an_image_named_twice_counts_once_and_results_are_no_input(tmp_path):
    touch(tmp_path / "1.png", tmp_path / "out/masks/1.png", tmp_path / ".hidden.png", tmp_path / ".git/2.png")
    assert names_of([tmp_path, tmp_path / "1.png"], out=tmp_path / "out") == ["1"]


@pytest.mark.parametrize(
    ("given_path", "message"), [("gone", "there is no such file or folder"), ("empty", "the folder holds no PNG")]
)
def test_an_input_that_gives_nothing_is_refused(tmp_path, given_path, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        find_items([tmp_path / given_path], tmp_path / "out")


def write(*paths: Path) -> None:
    """Pictures, black ones where the name tells a mask."""
    for index, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 6), 0 if "mask" in str(path) else 50 + index).save(path)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["images/a.png", "masks/a.png", "labels/a.png"], ["images/a"]),  # I10
        (["Images/a.png", "Masks/a_mask.png"], ["Images/a"]),
        (["a.png", "a_mask.png"], ["a"]),
        (["imagesTr/a_0000.png", "labelsTr/a_mask.png", "imagesTr/a_mask_0000.png", "labelsTr/a.png"], None),
        (["JPEGImages/a.jpg", "JPEGImages/b.jpg", "SegmentationClass/a.png"], ["JPEGImages/a", "JPEGImages/b"]),
        (["train/images/a.png", "train/masks/a.png", "test/images/b.png"], ["test/images/b", "train/images/a"]),
    ],
)
def test_of_a_dataset_the_images_alone_are_predicted(tmp_path, files, expected):
    write(*(tmp_path / "data" / file for file in files))
    found = find_inputs([tmp_path / "data"], tmp_path / "out")
    if expected is None:  # every image of nnU-Net's, whatever its name
        expected = ["imagesTr/a_0000", "imagesTr/a_mask_0000"]
    assert [item.name for item in found.items] == expected
    assert any("this is a dataset" in remark and "its masks are not" in remark for remark in found.remarks)


def test_images_without_masks_are_all_predicted(tmp_path):
    write(tmp_path / "in" / "a.png", tmp_path / "in" / "images" / "b.png")
    found = find_inputs([tmp_path / "in"], tmp_path / "out")
    assert ([item.name for item in found.items], found.remarks) == (["a", "images/b"], ())


def test_files_of_other_kinds_are_counted(tmp_path):  # I14
    write(tmp_path / "in" / "a.png")
    touch(*(tmp_path / "in" / name for name in ("b.czi", "c.CZI", "d.nii.gz", "e", "Thumbs.db", ".hidden")))
    (remark,) = find_inputs([tmp_path / "in"], tmp_path / "out").remarks
    assert remark.endswith("4 files of other types were skipped: .czi 2, .nii.gz 1, without ending 1.")
    (tmp_path / "in" / "a.png").unlink()
    with pytest.raises(DataError, match=r"holds no PNG.* 4 files of other types were skipped: \.czi 2"):
        find_inputs([tmp_path / "in"], tmp_path / "out")


def test_a_results_folder_around_all_inputs_is_named(tmp_path):
    write_png(tmp_path / "images/a.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(ConfigError, match=r"everything in it lies in .*, the folder of --out"):
        find_inputs([tmp_path / "images"], tmp_path)
