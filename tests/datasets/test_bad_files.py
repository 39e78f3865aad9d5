"""What is wrong inside the files of a pair: each with the message that training, evaluation and the check give."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from lmsc_unet.datasets.check import check_dataset
from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.load import find_label_map, load_pair
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import DataError, LmscError, SizeError
from tests.datasets.folders import write_dataset, write_image, write_mask


def _load_all(root, **options):
    dataset = find_dataset(root)
    label_map = find_label_map(dataset.samples, DataOptions(**options))
    return [load_pair(sample, label_map) for sample in dataset.samples]


def _sizes_differ(root):
    write_mask(root / "masks" / "a.png", size=(6, 9))


def _image_truncated(root):
    path = write_image(root / "images" / "a.png", size=(40, 40))
    path.write_bytes(path.read_bytes()[:2000])


def _jpeg_truncated(root):
    (root / "images" / "a.png").unlink()
    path = write_image(root / "images" / "a.jpg", size=(64, 64))
    write_mask(root / "masks" / "a.png", size=(64, 64))
    path.write_bytes(path.read_bytes()[:2000])


def _image_empty(root):
    (root / "images" / "a.png").write_bytes(b"")


def _mask_empty(root):
    (root / "masks" / "a.png").write_bytes(b"")


def _odd_value(root):
    write_mask(root / "masks" / "a.png", values=(0, 255, 128))


def _colour_overlay(root):
    write_image(root / "masks" / "a.png")


def _infinite(root):
    (root / "images" / "a.png").unlink()
    image = np.ones((6, 8), np.float32)
    image[2, 3:5] = -np.inf, np.inf
    tifffile.imwrite(root / "images" / "a.tif", image)


def _exif(root, size=(6, 8)):
    """The mask was drawn on the picture as the camera stored it."""
    (root / "images" / "a.png").unlink()
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.full((*size, 3), 90, np.uint8)).save(root / "images" / "a.jpg", exif=exif)


def _pages(root):
    (root / "images" / "a.png").unlink()
    tifffile.imwrite(root / "images" / "a.tif", np.zeros((3, 6, 8), np.uint8), photometric="minisblack")


AS_LARGE = "the mask is 9 x 6 px, the image DATA/images/a.png 8 x 6 px. Masks must be as large as their images."
QUARTER = "They differ by a quarter turn: a mask must be drawn on the image as its EXIF orientation turns it."
EMPTY = "the file is empty (0 bytes). Copy or export it again."
CHUNK = "it is truncated or damaged: a chunk is missing or has a wrong checksum. Export it again."
OUTSIDE = "the mask holds 128, but the classes are 0 (background), 255 (foreground). Correct the mask, or name all"
OVERLAY = "the mask has 3 differing channels. A mask holds one number per pixel: save it as class ids"
INFINITE = "2 of 48 values are infinite. Replace them by numbers, or by NaN where nothing is known"
BAD = [
    (_sizes_differ, SizeError, "masks/a.png", AS_LARGE),
    (_image_truncated, DataError, "images/a.png", CHUNK),
    (_jpeg_truncated, DataError, "images/a.jpg", "it is truncated: its end is missing. Copy or export it again."),
    (_image_empty, DataError, "images/a.png", EMPTY),
    (_mask_empty, DataError, "masks/a.png", EMPTY),
    (_odd_value, DataError, "masks/a.png", OUTSIDE),
    (_colour_overlay, DataError, "masks/a.png", OVERLAY),
    (_infinite, DataError, "images/a.tif", INFINITE),
    (_exif, SizeError, "masks/a.png", QUARTER),
    (
        _pages,
        DataError,
        "images/a.tif",
        "it holds 3 pages (3 x 6 x 8, axes QYX; the file does not say what the first is)",
    ),
]


@pytest.mark.parametrize(("spoil", "kind", "file", "message"), BAD, ids=[row[0].__name__.strip("_") for row in BAD])
def test_loading_and_the_check_name_the_file_and_the_reason(tmp_path, spoil, kind, file, message):
    root = write_dataset(tmp_path / "DATA")
    spoil(root)
    with pytest.raises(kind) as caught:
        _load_all(root)
    expected = message.replace("DATA", str(root))
    assert str(caught.value).startswith(f"{root / file}: ")
    assert expected in str(caught.value)
    report = check_dataset(root)
    assert report.has_errors
    assert [problem.file for problem in report.problems] == [root / file]
    assert expected in report.problems[0].reason


def test_an_image_without_mask_is_named_when_it_is_loaded(tmp_path):
    from lmsc_unet.datasets.folder import scan_dataset

    root = write_dataset(tmp_path)
    label_map = find_label_map(find_dataset(root).samples)
    (root / "masks" / "a.png").unlink()
    with pytest.raises(DataError, match=r"images/a\.png: the image has no mask"):
        load_pair(scan_dataset(root)[0].samples[0], label_map)


def test_an_image_and_a_mask_that_were_turned_together_pair(tmp_path):
    root = write_dataset(tmp_path / "DATA")
    _exif(root)
    write_mask(root / "masks" / "a.png", size=(8, 6))
    image, mask = _load_all(root)[0]
    assert image.shape == (8, 6, 3)
    assert mask.shape == (8, 6)
    (warning,) = check_dataset(root).problems
    assert (warning.severity, warning.file.name) == ("warning", "a.jpg")
    assert "turned by its EXIF orientation 6. See that its mask is drawn that way." in warning.reason


def test_values_outside_named_classes_are_found_before_training(tmp_path):
    root = write_dataset(tmp_path, values=(0, 1, 2))
    write_mask(root / "masks" / "c.png", values=(0, 3))
    with pytest.raises(
        DataError, match=r"masks/c\.png: the mask holds 3, but the classes are 0 \(a\), 1 \(b\), 2 \(c\)"
    ):
        find_label_map(find_dataset(root).samples, DataOptions(classes=("a", "b", "c")))


@pytest.mark.parametrize(
    ("values", "dtype", "options", "expected"),
    [
        ((0, 255), np.uint8, {}, {0, 1}),
        ((0, 1), np.uint8, {}, {0, 1}),
        ((0, 5, 900), np.uint16, {"instances": True}, {0, 1}),  # I5: never taken for instances unasked
        ((0, 1, 2), np.uint8, {"classes": ("a", "b", "c")}, {0, 1, 2}),
        ((0, 1, 255), np.uint8, {"ignore_index": 255}, {0, 1, 255}),  # 255 is what is left out
    ],
)
def test_every_kind_of_mask_becomes_class_ids(tmp_path, values, dtype, options, expected):
    root = write_dataset(tmp_path)
    for name in "abcd":
        write_mask(root / "masks" / f"{name}.png", values=values, dtype=dtype)
    for image, mask in _load_all(root, **options):
        assert image.dtype == mask.dtype == np.uint8
        assert set(np.unique(mask)) == expected


def test_a_palette_mask_is_read_by_its_indices(tmp_path):
    root = write_dataset(tmp_path)
    for name in "abcd":
        made = Image.frombytes("P", (8, 6), bytes([0, 1, 2, 1] * 12))
        made.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
        made.save(root / "masks" / f"{name}.png")
    _, mask = _load_all(root, classes=("a", "b", "c"))[0]
    assert mask[0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1]


def test_all_are_children_of_one_error():
    assert issubclass(SizeError, LmscError)
    assert issubclass(DataError, LmscError)
