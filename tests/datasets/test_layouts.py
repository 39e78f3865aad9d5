"""The layouts that people have are recognised by themselves, and named; two that would do are an error."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lmsc_unet.datasets.check import check_dataset
from lmsc_unet.datasets.check_report import report_text
from lmsc_unet.datasets.folder import find_dataset, scan_dataset
from lmsc_unet.datasets.layouts import recognise
from lmsc_unet.datasets.load import find_label_map, load_pair
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import DataError
from tests.datasets.folders import write_image, write_mask

LAYOUTS = [  # what a folder holds, its name, what is said of it, and each pair
    (
        "suffix in one folder",
        ["i0.png", "i0_mask.png", "i1.png", "i1_mask.png"],
        ("one folder", "images and masks in one folder, masks are named NAME_mask"),
        {"i0": "i0_mask.png", "i1": "i1_mask.png"},
    ),
    (
        "Cellpose",
        ["i0.png", "i0_cp_masks.png", "i1.png", "i1_cp_masks.png"],
        ("one folder", "images and masks in one folder, masks are named NAME_cp_masks"),
        {"i0": "i0_cp_masks.png", "i1": "i1_cp_masks.png"},
    ),
    (
        "prefix in one folder",
        ["i0.png", "gt_i0.png", "i1.png", "gt_i1.png"],
        ("one folder", "images and masks in one folder, masks are named gt_NAME"),
        {"i0": "gt_i0.png", "i1": "gt_i1.png"},
    ),
    (
        "Roboflow",
        ["train/a_jpg.rf.0f.jpg", "train/a_jpg.rf.0f_mask.png", "valid/b_jpg.rf.1.jpg", "valid/b_jpg.rf.1_mask.png"],
        ("one folder", "images and masks in one folder, masks are named NAME_mask"),
        {"train/a_jpg.rf.0f": "train/a_jpg.rf.0f_mask.png", "valid/b_jpg.rf.1": "valid/b_jpg.rf.1_mask.png"},
    ),
    (
        "suffix in two folders",
        ["images/1.png", "images/11.png", "masks/1_seg.png", "masks/11_seg.png"],
        ("folder", "images/ with masks/, masks are named NAME_seg"),
        {"1": "masks/1_seg.png", "11": "masks/11_seg.png"},  # 1 is no part of 11
    ),
    (
        "ISIC's any addition between two folders",
        ["images/ISIC_01.jpg", "images/ISIC_02.jpg", "masks/ISIC_01_x.png", "masks/ISIC_02_x.png"],
        ("folder", "images/ with masks/, masks are named NAME_x"),
        {"ISIC_01": "masks/ISIC_01_x.png", "ISIC_02": "masks/ISIC_02_x.png"},
    ),
    (
        "a word for each",
        ["images/image_1.png", "images/image_2.png", "masks/mask_1.png", "masks/mask_2.png"],
        ("folder", "images/ with masks/, masks have another word in their names than images"),
        {"image_1": "masks/mask_1.png", "image_2": "masks/mask_2.png"},
    ),
    (
        "labels in parts",
        ["train/images/0.png", "train/labels/0.png", "val/images/1.png", "val/labels/1.png"],
        ("folder", "images/ with labels/"),
        {"train/0": "train/labels/0.png", "val/1": "val/labels/1.png"},
    ),
    (
        "parts in labels",
        ["images/train/0.png", "labels/train/0.png", "images/val/1.png", "labels/val/1.png"],
        ("folder", "images/ with labels/"),
        {"train/0": "labels/train/0.png", "val/1": "labels/val/1.png"},
    ),
    (
        "capitals",
        ["Images/a.png", "Masks/a.png"],
        ("folder", "Images/ with Masks/"),
        {"a": "Masks/a.png"},
    ),
    (
        "ground truth",
        ["JPEGImages/a.jpg", "Ground_Truth/a.png"],
        ("folder", "JPEGImages/ with Ground_Truth/"),
        {"a": "Ground_Truth/a.png"},
    ),
    (
        "parts in the folders' names",
        ["train_images/a.png", "train_masks/a.png", "val_images/b.png", "val_masks/b.png", "test_images/c.png"],
        ("folder", "train_images/ with train_masks/, val_images/ with val_masks/"),
        {"train/a": "train_masks/a.png", "val/b": "val_masks/b.png"},
    ),
    (
        "Carvana",
        ["train/a_01.jpg", "train_masks/a_01_mask.gif"],
        ("folder", "train/ with train_masks/, masks are named NAME_mask"),
        {"train/a_01": "train_masks/a_01_mask.gif"},
    ),
    (
        "CamVid",
        ["train/a.png", "trainannot/a.png", "val/b.png", "valannot/b.png"],
        ("folder", "train/ with trainannot/, val/ with valannot/"),
        {"train/a": "trainannot/a.png", "val/b": "valannot/b.png"},
    ),
    (
        "nnU-Net",
        ["imagesTr/c_1_0000.png", "labelsTr/c_1.png", "imagesTs/c_9_0000.png"],
        ("nnunet", "imagesTr/ with labelsTr/, channel 0000"),
        {"c_1_0000": "labelsTr/c_1.png"},
    ),
    (
        "VOC",
        [
            "JPEGImages/1.jpg",
            "JPEGImages/2.jpg",
            "JPEGImages/3.jpg",
            "SegmentationClass/1.png",
            "SegmentationClass/2.png",
        ],
        ("voc", "VOC: JPEGImages/ with SegmentationClass/"),
        {"1": "SegmentationClass/1.png", "2": "SegmentationClass/2.png"},
    ),
    (
        "2018 Data Science Bowl",
        ["x/images/x.png", "x/masks/1a.png", "x/masks/2b.png", "y/images/y.png", "y/masks/3.png"],
        ("dsb2018", "a folder for each image, with one mask file for each object"),
        {"x/x": "x/masks", "y/y": "y/masks"},
    ),
    (
        "other case",
        ["images/IMG_0.PNG", "masks/img_0.png"],
        ("folder", "images/ with masks/"),
        {"IMG_0": "masks/img_0.png"},
    ),
    (
        "other padding",
        ["images/img_001.png", "images/img_010.png", "masks/img_1.png", "masks/img_10.png"],
        ("folder", "images/ with masks/"),
        {"img_001": "masks/img_1.png", "img_010": "masks/img_10.png"},
    ),
    (
        "OME",
        ["images/a.4.ome.tif", "images/b.png", "masks/a.4.png", "masks/b.png"],
        ("folder", "images/ with masks/"),
        {"a.4.ome": "masks/a.4.png", "b": "masks/b.png"},
    ),
]


def _write(root: Path, files: list[str]) -> Path:
    for file in files:
        is_mask = any(
            word in file.lower() for word in ("mask", "label", "gt_", "truth", "annot", "class", "_seg", "_x.")
        )
        (write_mask if is_mask else write_image)(root / file, **({} if is_mask else {"seed": file}))
    return root


@pytest.mark.parametrize(("files", "named", "pairs"), [row[1:] for row in LAYOUTS], ids=[row[0] for row in LAYOUTS])
def test_a_layout_is_recognised_and_named(tmp_path, files, named, pairs):
    root = _write(tmp_path / "DATA", files)
    dataset = find_dataset(root)
    assert (dataset.layout, dataset.about) == named
    found = {sample.name: sample.mask.relative_to(root).as_posix() for sample in dataset.samples}
    assert found == pairs
    label_map = find_label_map(dataset.samples)
    for sample in dataset.samples:
        first = sample.name.partition("/")[0]
        assert sample.split == {"train": "train", "val": "val", "valid": "val"}.get(first)
        load_pair(sample, label_map)


def test_the_check_names_the_layout_and_what_it_left_out(tmp_path):
    root = _write(tmp_path, ["imagesTr/c_1_0000.png", "imagesTr/c_2_0000.png", "labelsTr/c_1.png", "labelsTr/c_2.png"])
    write_image(root / "imagesTs" / "c_9_0000.png")
    (root / "labelsTr" / "notes.txt").write_bytes(b"x")
    lines = report_text(check_dataset(root)).splitlines()
    assert "layout    imagesTr/ with labelsTr/, channel 0000" in lines
    assert f"spare     1 images without masks are left out, {root}/imagesTs/c_9_0000.png first" in lines
    assert "files     1 file of another type was skipped: .txt 1" in lines  # I14


def test_objects_of_one_image_are_one_mask(tmp_path):
    for name in "ab":
        write_image(tmp_path / name / "images" / f"{name}.png", seed=name)
        for number in (1, 2):
            mask = np.zeros((6, 8), np.uint8)
            mask[number, :number] = 255
            (tmp_path / name / "masks").mkdir(exist_ok=True)
            Image.fromarray(mask).save(tmp_path / name / "masks" / f"{number}.png")
    samples = find_dataset(tmp_path).samples
    _, mask = load_pair(samples[0], find_label_map(samples))
    assert (mask.sum(), mask[1, 0], mask[2, :3].tolist()) == (3, 1, [1, 1, 0])
    assert not check_dataset(tmp_path).has_errors
    write_mask(tmp_path / "a" / "masks" / "3.png", size=(5, 5))
    with pytest.raises(DataError, match=r"masks/3\.png: it differs in size from the masks of other objects"):
        find_label_map(samples)


def test_the_lists_of_voc_are_the_split(tmp_path):
    files = [
        f"{folder}/{n}.{end}" for n in "123" for folder, end in (("JPEGImages", "jpg"), ("SegmentationClass", "png"))
    ]
    root = _write(tmp_path, files)
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("1\n2\n")
    (lists / "val.txt").write_text("3\n")
    (lists / "test.txt").write_text("9\n")  # published without masks
    assert [sample.split for sample in find_dataset(root).samples] == ["train", "train", "val"]
    (lists / "val.txt").write_text("3\n4\n")
    with pytest.raises(DataError, match=r"val\.txt: 4 has no pair"):
        find_dataset(root)


def test_the_labels_of_nnunet_name_the_classes(tmp_path):
    root = _write(tmp_path, ["imagesTr/a_0000.png", "labelsTr/a.png"])
    (root / "dataset.json").write_text('{"labels": {"background": 0, "cell": 1, "wall": 2}}')
    assert find_dataset(root).class_names == ("background", "cell", "wall")


REFUSED = [
    (
        ["a.png", "a_mask.png", "a_label.png", "b.png", "b_mask.png", "b_label.png"],
        {},
        "several files would be the mask of an image: NAME_mask, NAME_label. Name one by --mask-suffix _mask or --mask",
    ),
    (
        ["images/a.png", "images/b.png", "masks/a_x.png", "masks/a_y.png", "masks/b_x.png", "masks/b_y.png"],
        {},
        "masks: several files would be the mask of an image",
    ),
    (["images/a.png", "labels/a.png", "gt/a.png"], {}, "the masks may be in gt/, labels/. Name the folder by --masks."),
    (["imgs/a.png", "raw/a.png", "labels/a.png"], {}, "the images may be in imgs/, raw/. Name the folder by --images."),
    (
        ["images/i_1.png", "images/i_01.png", "masks/i_001.png"],
        {},
        "its mask may be i_001.png, and the images that may have it are",
    ),
    (["images/2019_1.png", "masks/2020_1.png"], {}, "no image has a mask"),  # numbers are no decoration
    (["a.png", "a_2.png", "b.png", "b_2.png"], {}, "none of them is known as a mask by its name"),
    (
        ["imagesTr/c_0000.png", "imagesTr/c_0001.png", "labelsTr/c.png"],
        {},
        "the case c has 2 channels in files of their own",
    ),
    (["x.png", "y.png"], {"images": ".", "masks": "."}, "no image has a mask"),  # I25: no image is its own mask
    (["train/images/a.png", "train/masks/a.png", "val/images/b.png"], {}, "val: there is no folder masks/ beside"),
]


@pytest.mark.parametrize(("files", "options", "message"), REFUSED)
def test_nothing_is_guessed(tmp_path, files, options, message):
    root = _write(tmp_path, files)
    with pytest.raises(DataError) as caught:
        find_dataset(root, DataOptions(**options))
    assert message in str(caught.value)


def test_a_suffix_that_the_user_names_decides(tmp_path):
    root = _write(tmp_path, ["a.png", "a_mask.png", "a_label.png"])
    dataset, problems = scan_dataset(root, DataOptions(mask_suffix="_label"))
    assert {sample.name: sample.mask and sample.mask.name for sample in dataset.samples} == {
        "a": "a_label.png",
        "a_mask": None,
    }
    assert [problem.file.name for problem in problems] == ["a_mask.png"]
    root = _write(tmp_path / "two", ["images/a.png", "masks/a_9.png"])
    assert find_dataset(root, DataOptions(mask_suffix="_9")).samples[0].mask.name == "a_9.png"


def test_one_folder_named_twice_pairs_by_names_and_never_a_file_with_itself(tmp_path):  # I25
    root = _write(tmp_path, ["i0.png", "i0_cp_masks.png"])
    (sample,) = find_dataset(root, DataOptions(images=".", masks=".")).samples
    assert (sample.image.name, sample.mask.name) == ("i0.png", "i0_cp_masks.png")
    root = _write(tmp_path / "linked", ["images/a.png"])
    (root / "masks").symlink_to("images")
    with pytest.raises(DataError, match="the mask is the image itself"):
        find_dataset(root)


def test_outlines_are_called_no_masks(tmp_path):
    for part in ("train", "val"):
        write_image(tmp_path / part / "images" / "a.png")
        (tmp_path / part / "labels").mkdir()
        (tmp_path / part / "labels" / "a.txt").write_text("0 0.1 0.1")
    with pytest.raises(DataError, match=r"labels/ holds no pictures, but \.txt 1\. Outlines and boxes are not masks"):
        find_dataset(tmp_path)


def test_cellposes_pickle_is_no_picture(tmp_path):
    root = _write(tmp_path, ["a.png", "a_cp_masks.png"])
    np.save(root / "a_seg.npy", np.array({"masks": 1}, dtype=object))
    dataset = find_dataset(root)
    assert dataset.samples[0].mask.name == "a_cp_masks.png"
    assert dict(dataset.others) == {".npy": 1}


def test_linked_folders_are_followed_and_loops_are_not(tmp_path):  # I9
    root = _write(tmp_path / "DATA", ["images/a.png", "masks/a.png"])
    _write(tmp_path / "store", ["images/b.png", "masks/b.png"])
    for folder in ("images", "masks"):
        (root / folder / "more").symlink_to(tmp_path / "store" / folder)
        (root / folder / "loop").symlink_to("..")
    (root / "images" / "itself").symlink_to("itself")
    assert [sample.name for sample in find_dataset(root).samples] == ["a", "more/b"]


def test_pipes_are_passed_over(tmp_path):
    root = _write(tmp_path, ["images/a.png", "masks/a.png"])
    os.mkfifo(root / "images" / "b.png")
    assert [sample.name for sample in find_dataset(root).samples] == ["a"]


def test_a_link_to_missing_content_is_an_error_of_that_file(tmp_path):  # I27
    root = _write(tmp_path, ["images/a.png", "masks/a.png", "images/b.png", "masks/b.png", "masks/c.png"])
    (root / "images" / "c.png").symlink_to("nowhere.png")
    report = check_dataset(root)
    assert [(problem.file.name, problem.reason) for problem in report.problems] == [("c.png", "there is no such file.")]


def test_the_hint_names_the_file_with_its_folder(tmp_path):  # I19
    root = _write(tmp_path, ["images/x/1.png", "masks/x/2.png", "images/x/3.png", "masks/x/3.png"])
    _, problems = scan_dataset(root)
    assert [problem.reason.split(", or")[0] for problem in problems] == [
        f"the image has no mask. Add {root}/masks/x/1.png",
        f"the mask has no image. Add {root}/images/x/2.png",
    ]


def test_equal_pixels_in_train_and_validation_are_found_whatever_their_files(tmp_path):  # I24
    root = _write(tmp_path, ["images/train/a.png", "masks/train/a.png", "images/val/b.tif", "masks/val/b.png"])
    shutil.copy(root / "images/train/a.png", root / "images/val/c.png")
    Image.open(root / "images/train/a.png").save(root / "images/val/b.tif")
    (root / "images/val/c.png").unlink()
    (problem,) = [one for one in check_dataset(root).problems if one.file.suffix == ".tif"]
    assert problem.severity == "error"
    assert "in the other of train and val" in problem.reason


@pytest.mark.parametrize("files", [["a.png", "b.png"], ["x/a.png"], []])
def test_a_folder_of_images_alone_is_no_dataset(tmp_path, files):
    assert recognise(_write(tmp_path, files), DataOptions()) is None
