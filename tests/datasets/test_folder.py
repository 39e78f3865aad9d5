import unicodedata

import pytest

from lmsc_unet.datasets.folder import find_dataset, scan_dataset
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import ConfigError, DataError
from tests.datasets.folders import SHARED, write_dataset, write_image, write_mask

LAYOUTS = [
    ("side by side", ["images/a.png"], {"a": None}),
    ("other endings", ["images/a.jpg", "images/b.BMP"], {"a": None, "b": None}),
    ("deeper folders", ["images/x/1.png", "images/y/1.png"], {"x/1": None, "y/1": None}),  # one stem, two folders
    ("dots in names", ["images/a.v1.png", "images/a.v2.png"], {"a.v1": None, "a.v2": None}),
    ("parts inside", ["images/train/a.png", "images/val/b.png"], {"train/a": "train", "val/b": "val"}),
    (
        "parts outside",
        ["train/images/a.png", "val/images/a.png", "test/images/a.png"],
        {"test/a": "test", "train/a": "train", "val/a": "val"},
    ),
    (
        "other words for the parts",
        ["Training/images/a.png", "validation/images/b.png"],
        {"Training/a": "train", "validation/b": "val"},
    ),
]


@pytest.mark.parametrize(("images", "expected"), [row[1:] for row in LAYOUTS], ids=[row[0] for row in LAYOUTS])
def test_layouts_are_found_with_their_parts(tmp_path, images, expected):
    for image in images:
        write_image(tmp_path / image, seed=image)
        write_mask((tmp_path / image.replace("images", "masks")).with_suffix(".TIF" if "a.jpg" in image else ".png"))
    dataset = find_dataset(tmp_path)
    assert dataset.layout == "folder"
    assert [(sample.name, sample.split) for sample in dataset.samples] == list(expected.items())
    assert all(sample.mask and sample.mask.is_file() for sample in dataset.samples)


def test_what_is_no_picture_or_hidden_is_passed_over(tmp_path):
    write_dataset(tmp_path, ["a"])
    for name in ("._a.png", ".DS_Store", "Thumbs.db", "notes.txt", ".ipynb_checkpoints/a-checkpoint.png", ".b.png"):
        (tmp_path / "images" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "images" / name).write_bytes(b"x")
    assert [sample.name for sample in find_dataset(tmp_path).samples] == ["a"]


def test_folders_may_have_other_names(tmp_path):
    write_dataset(tmp_path, ["a"], images="raw/pictures", masks="truth")
    sample = find_dataset(tmp_path, DataOptions(images="raw/pictures", masks="truth")).samples[0]
    assert (sample.name, sample.image) == ("a", tmp_path / "raw" / "pictures" / "a.png")


def test_both_unicode_forms_of_a_name_pair(tmp_path):
    write_image(tmp_path / "images" / (unicodedata.normalize("NFD", "\u00e9t\u00e9") + ".png"))
    write_mask(tmp_path / "masks" / (unicodedata.normalize("NFC", "\u00e9t\u00e9") + ".png"))
    assert len(find_dataset(tmp_path).samples) == 1


def test_samples_stand_in_the_sorted_order_of_their_image_paths(tmp_path):
    write_dataset(tmp_path, ["b", "a10", "a2", "B", "a/z"])
    assert [sample.name for sample in find_dataset(tmp_path).samples] == ["B", "a/z", "a10", "a2", "b"]


def _missing(root):
    root.rmdir()


def _file(root):
    root.rmdir()
    root.write_bytes(b"")


def _nothing(_root):
    pass


def _other_folders(root):
    write_dataset(root, ["a"], images="first", masks="second")


def _no_masks_folder(root):
    write_image(root / "images" / "a.png")


def _only_text(root):
    write_mask(root / "masks" / "a.png")
    (root / "images").mkdir()
    (root / "images" / "a.txt").write_bytes(b"x")


def _other_stems(root):
    write_image(root / "images" / "a.png")
    write_mask(root / "masks" / "b_mask.png")


def _mask_missing(root):
    write_dataset(root)
    write_image(root / "images" / "e.png")


def _image_missing(root):
    write_dataset(root)
    write_mask(root / "masks" / "e.png")


def _twin_images(root):
    write_dataset(root)
    write_image(root / "images" / "a.tif")


def _twin_masks(root):
    write_dataset(root)
    write_mask(root / "masks" / "a.tif")


def _many(root):
    write_dataset(root, "ab")
    for name in "cdefg":
        write_image(root / "images" / f"{name}.png")


def _half_parted(root):
    write_dataset(root, ["train/a", "val/b", "c"])


def _two_layouts(root):
    write_dataset(root)
    write_dataset(root / "train")


BAD = [
    (_missing, "DATA: no such folder."),
    (_file, "DATA: a folder is needed, this is a file."),
    (
        _nothing,
        "DATA: there is no folder images/. It holds no folders. Name the two folders with --images and --masks.",
    ),
    (_other_folders, "DATA: there is no folder images/. It holds first/, second/. Name the two folders with"),
    (_no_masks_folder, "DATA: there is no folder masks/ beside images/. Name it with --masks."),
    (
        _only_text,
        "DATA: images/ holds no PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000 or .npy. Name the two folders with",
    ),
    (
        _other_stems,
        "DATA: no image has a mask. Pairs have one stem, but the images are a.png and the masks b_mask.png.",
    ),
    (_mask_missing, "DATA: 1 file cannot be used:\n  DATA/images/e.png: the image has no mask. Add DATA/masks/e.png"),
    (_image_missing, "DATA/masks/e.png: the mask has no image. Add DATA/images/e.png, or take the mask out."),
    (_twin_images, "DATA/images/a.tif: has the stem of a.png, and pairs are made by stem. Rename one of the two"),
    (_twin_masks, "DATA/masks/a.tif: has the stem of a.png"),
    (_many, "DATA: 5 files cannot be used:\n"),
    (_many, "\n  ... and 2 more\n`lmsc data check` lists them all."),
    (_half_parted, "DATA/images/c.png: the image is in none of train, val and test, though others are. Put it into"),
    (_two_layouts, "DATA: images are in images/ and in train/images/. Keep one of the two layouts."),
]


@pytest.mark.parametrize(("make", "message"), BAD, ids=[row[0].__name__.strip("_") for row in BAD])
def test_what_is_no_dataset_is_refused_with_the_reason(tmp_path, make, message):
    root = tmp_path / "DATA"
    root.mkdir()
    make(root)
    with pytest.raises(DataError) as caught:
        find_dataset(root)
    assert message.replace("DATA", str(root)) in str(caught.value)


def test_a_scan_tells_every_problem_and_keeps_the_pairs(tmp_path):
    write_dataset(tmp_path)
    write_image(tmp_path / "images" / "e.png")
    write_mask(tmp_path / "masks" / "f.png")
    dataset, problems = scan_dataset(tmp_path)
    assert [sample.name for sample in dataset.samples if sample.mask] == ["a", "b", "c", "d"]
    assert {problem.file.name for problem in problems} == {"e.png", "f.png"}


@pytest.mark.skipif(
    not (SHARED / "dsb2018").is_dir(), reason="the Data Science Bowl images are not beside the repository"
)
@pytest.mark.parametrize("masks", ["masks", "labels"])
def test_the_data_science_bowl_pairs_without_a_hand_on_it(masks):
    dataset = find_dataset(SHARED / "dsb2018", DataOptions(masks=masks))
    assert len(dataset.samples) == 535
    assert all(sample.mask.parent.name == masks for sample in dataset.samples)


@pytest.mark.parametrize("folders", [{"images": "é" * 300}, {"masks": f"a/{'b' * 256}"}])
def test_a_name_that_no_folder_can_have_is_told(folders):  # R16
    with pytest.raises(ConfigError, match=r"(images|masks) is .*\.\.\., which is too long for the name of a folder"):
        DataOptions(**folders)
