"""Masks as other programs write them, through the check and as a training reads them."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from lmsc_unet.datasets.check import check_dataset
from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.load import find_label_map, load_pair
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import DataError
from lmsc_unet.metrics.counts import IGNORE
from tests.datasets.folders import write_image

BLACK, RED, GREEN, WHITE = (0, 0, 0), (255, 0, 0), (0, 255, 0), (255, 255, 255)
SIZE = (32, 40)


def class_ids(index: int) -> np.ndarray:
    """Classes 0, 1 and 2: 0 has 3 quarters of the picture, which differs from mask to mask."""
    ids = np.zeros(SIZE, np.uint8)
    ids[4 + index : 12 + index, 4:20] = 1
    ids[16 + index : 24 + index, 16:28] = 2
    return ids


def palette(path: Path, indices: np.ndarray, *colours: tuple[int, int, int], **options: object) -> None:
    made = Image.frombytes("P", indices.shape[::-1], indices.astype(np.uint8).tobytes())
    made.putpalette([value for colour in colours for value in colour])
    made.save(path, **options)


def pillow(path: Path, array: np.ndarray, **options: object) -> None:
    Image.fromarray(array).save(path, **options)


def write(root: Path, write_mask, ending: str = ".png") -> Path:
    """Four pairs; `write_mask(path, ids, index)` writes a mask of classes 0, 1 and 2."""
    (root / "masks").mkdir(parents=True)
    for index in range(4):
        write_image(root / "images" / f"{index}.png", seed=index, size=SIZE)
        write_mask(root / "masks" / f"{index}{ending}", class_ids(index), index)
    return root


def _other_palette(path, ids, index):
    table = np.array([0, 1, 2] if index % 2 else [0, 2, 1])
    palette(path, table[ids], BLACK, *([RED, GREEN] if index % 2 else [GREEN, RED]))


def _white_first_by_turns(path, ids, index):
    bits = (ids > 0).astype(np.uint8)
    palette(path, bits if index % 2 else 1 - bits, *((BLACK, WHITE) if index % 2 else (WHITE, BLACK)), bits=1)


def _bits_by_turns(path, ids, index):
    pillow(path, ids > 0 if index % 2 else (ids > 0) * np.uint8(255))


def _tagged(path, ids, nodata):
    values = (ids > 0).astype(np.uint16)
    values[:4] = nodata
    tifffile.imwrite(path, values, extratags=[(42113, 2, 0, str(nodata), True)], metadata=None)


def _not_a_number(path, ids, index):
    values = (ids > 0).astype(np.float32)
    values[:4] = np.nan
    tifffile.imwrite(path, values)


def _lowest(path, ids, index):
    values = (ids > 0).astype(np.float32)
    values[:4] = np.finfo(np.float32).min
    tifffile.imwrite(path, values, extratags=[(42113, 2, 0, "-3.40282e+38", True)], metadata=None)


def _alpha(path, ids, index):
    pillow(path, np.dstack([ids * 0] * 3 + [(ids > 0) * np.uint8(255)]))


BINARY, THREE = {1: {1, 2}}, {1: {1}, 2: {2}}
UNDERSTOOD = [
    ("bool.tif", lambda p, ids, _: tifffile.imwrite(p, ids > 0), {}, BINARY),  # I1
    ("lut.tif", lambda p, ids, _: tifffile.imwrite(p, (ids > 0) * np.uint8(255), photometric="miniswhite"), {}, BINARY),
    ("by turns.png", _white_first_by_turns, {}, BINARY),  # I3
    ("bits by turns.png", _bits_by_turns, {}, BINARY),  # I30
    ("1 or 255.png", lambda p, ids, i: pillow(p, (ids > 0) * np.uint8(255 if i % 2 else 1)), {}, BINARY),  # I30
    ("128.png", lambda p, ids, _: pillow(p, (ids > 0) * np.uint8(128)), {}, BINARY),  # I30
    ("one and two.tif", lambda p, ids, _: tifffile.imwrite(p, (ids > 0) + np.uint32(1)), {"values": (1, 2)}, BINARY),
    ("jpeg.jpg", lambda p, ids, _: pillow(p, (ids > 0) * np.uint8(255)), {"mask_threshold": 128.0}, BINARY),  # I23
    ("share.tif", lambda p, ids, _: tifffile.imwrite(p, (ids > 0) * 0.6 + 0.1), {"mask_threshold": 0.5}, BINARY),
    ("nodata.tif", lambda p, ids, _: _tagged(p, ids, 65535), {}, BINARY),  # I5
    ("nodata 0.tif", lambda p, ids, _: _tagged(p, ids, 0), {"values": (0, 1)}, BINARY),
    ("nan.tif", _not_a_number, {"ignore_nan": True}, BINARY),  # I5
    ("lowest.tif", _lowest, {}, BINARY),
    ("grey steps.png", lambda p, ids, _: pillow(p, ids * np.uint8(127)), {"values": (0, 127, 254)}, THREE),
    ("rgb.png", lambda p, ids, _: pillow(p, np.array([BLACK, RED, GREEN], np.uint8)[ids]), "colors", THREE),
    ("palettes.png", _other_palette, "colors", THREE),  # I4: the colours tell what indices do not
    ("qupath.png", lambda p, ids, _: palette(p, ids, WHITE, RED, GREEN), {"classes": ("a", "b", "c")}, THREE),
    ("wide.tif", lambda p, ids, _: tifffile.imwrite(p, ids.astype(float)), {"classes": ("a", "b", "c")}, THREE),
]
COLORS = {"colors": ("000000", "ff0000", "00ff00")}


@pytest.mark.parametrize(("name", "writer", "given", "expected"), UNDERSTOOD, ids=[row[0] for row in UNDERSTOOD])
def test_masks_of_other_programs_give_the_classes_that_were_drawn(tmp_path, name, writer, given, expected):
    options = DataOptions(**(COLORS if given == "colors" else given))
    root = write(tmp_path, writer, Path(name).suffix)
    assert not check_dataset(root, options).has_errors
    samples = find_dataset(root, options).samples
    label_map = find_label_map(samples, options)
    for index, sample in enumerate(samples):
        mask, ids = load_pair(sample, label_map)[1], class_ids(index)
        known = mask != IGNORE
        assert known[4:].all()
        for class_id, drawn in expected.items():
            np.testing.assert_array_equal(mask[known] == class_id, np.isin(ids, list(drawn))[known])


REFUSED = [
    ("palettes.png", _other_palette, {"classes": ("a", "b", "c")}, "the masks' palettes differ: index 1 is 00ff00 in"),
    ("rgb.png", lambda p, ids, _: pillow(p, np.array([BLACK, RED, GREEN], np.uint8)[ids]), {}, "--colors 000000,"),
    (
        "rgb.jpg",
        lambda p, ids, _: pillow(p, np.array([BLACK, RED, GREEN], np.uint8)[ids]),
        {},
        "masks are in colours, and JPEG or compressed as lossily",
    ),
    ("pictures.png", lambda p, _, i: write_image(p, seed=i + 9, size=SIZE), {}, "Are they pictures? Name the folder"),
    ("alpha.png", _alpha, {}, "the mask's shape is in its alpha channel"),  # I6
    ("ids.tif", lambda p, ids, _: tifffile.imwrite(p, ids.astype(np.uint16)), {}, "--classes background,first"),  # I5
    ("napari.tif", lambda p, ids, _: tifffile.imwrite(p, ids.astype(float)), {}, "--classes background,first"),  # I5
    ("nodata 0.tif", lambda p, ids, _: _tagged(p, ids, 0), {}, "call 0 nothing by the tag GDAL_NODATA, and hold it."),
    ("nan.tif", _not_a_number, {}, "If NaN marks pixels to leave out, say --ignore-nan."),  # I5
    ("jpeg.jpg", lambda p, ids, _: pillow(p, (ids > 0) * np.uint8(255), quality=60), {}, "are by their content JPEG"),
    (
        "jpeg.png",  # I23: a JPEG by another name
        lambda p, ids, _: pillow(p, ids * np.uint8(9), format="JPEG"),
        {"classes": tuple("abcdefghijklmnopqrstuvwxyz")},
        "a JPEG or compressed as lossily, and holds 0,",
    ),
]


@pytest.mark.parametrize(("name", "writer", "given", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_masks_of_no_one_meaning_are_refused_by_the_check_and_by_training(tmp_path, name, writer, given, message):
    options = DataOptions(**given)
    root = write(tmp_path, writer, Path(name).suffix)
    assert any(message in problem.reason for problem in check_dataset(root, options).problems)
    with pytest.raises(DataError) as caught:
        find_label_map(find_dataset(root, options).samples, options)
    assert message in str(caught.value)


def test_palettes_of_instances_may_have_any_colours_but_the_ground(tmp_path):  # I4
    root = write(tmp_path / "any", lambda p, ids, i: palette(p, ids, WHITE, *([RED, GREEN] if i % 2 else [GREEN, RED])))
    assert not check_dataset(root, DataOptions(instances=True)).has_errors
    root = write(tmp_path / "ground", lambda p, ids, i: palette(p, ids, WHITE if i % 2 else BLACK, RED, GREEN))
    (problem,) = check_dataset(root, DataOptions(instances=True)).problems
    assert "the masks' palettes differ: index 0 is 000000 in" in problem.reason


def test_class_ids_of_16_bits_are_no_instances_however_many_masks_there_are(tmp_path):  # I5
    root = write(tmp_path, lambda p, ids, _: tifffile.imwrite(p, np.where(ids, 1 + np.arange(40) % 12, 0).astype("u2")))
    (problem,) = check_dataset(root).problems
    assert "--classes background,first,second" in problem.reason


TABLE = "Pixel Value, Class\n0, background\n10, crack\n20, rust\n"


def test_a_table_of_classes_beside_the_masks_is_read(tmp_path):
    root = write(tmp_path, lambda p, ids, _: pillow(p, ids * np.uint8(10)))
    (root / "masks" / "_classes.csv").write_text(TABLE)
    report = check_dataset(root)
    assert not report.has_errors
    assert report.label_map.described() == "0 (background), 10 (crack), 20 (rust)"
    assert find_label_map(find_dataset(root).samples, DataOptions(classes=("a", "b", "c"))).class_names[1] == "b"
    with pytest.raises(DataError, match="the table has the 3 classes background, crack, rust, but 2 are named: a, b"):
        find_label_map(find_dataset(root).samples, DataOptions(classes=("a", "b")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("value,name\n0,a\n", "the first line must be `Pixel Value, Class`"),
        ("Pixel Value, Class\nx, a\n", "each line must hold a value and a class"),
        ("Pixel Value, Class\n0\n", "each line must hold a value and a class"),
        ("Pixel Value, Class\n0, a\n1, a\n", "a value or a class is there twice"),
    ],
)
def test_a_table_of_classes_that_is_none_is_refused(tmp_path, text, message):
    root = write(tmp_path, lambda p, ids, _: pillow(p, ids))
    (root / "masks" / "_classes.csv").write_text(text)
    (problem,) = [problem for problem in check_dataset(root).problems if problem.severity == "error"]
    assert message in problem.reason
