from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.datasets.infer_labels import complaint_of, infer_label_map
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.mask_summary import summarise
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.imageio import NAN, StoredMask
from lmsc_unet.metrics.counts import IGNORE

PATH = Path("masks/a.png")
ABC = ("sky", "road", "car")


def _infer(*masks, bits=8, **options):
    found = {
        Path(f"{n}.png"): summarise(StoredMask(values=np.array([sorted(values)]), bits=bits))
        for n, values in enumerate(masks)
    }
    return infer_label_map(found, DataOptions(**options))


INFERRED = [
    ([{0, 255}, {0}, {255}], {}, "binary", {0: 0, 255: 1}),
    ([{0, 1}, {0}], {}, "binary", {0: 0, 1: 1}),
    ([{0}], {}, "binary", {0: 0}),  # nothing marked anywhere
    ([{0, 128}, {0, 128}], {}, "binary", {0: 0, 128: 1}),  # I30: one same value in all masks
    ([{0, 1}, {0, 255}], {}, "binary", {0: 0, 1: 1, 255: 1}),  # I30: each mask by itself is plain
    ([{0, 1}, {0, 65535}, {0, 255}], {"bits": 16}, "binary", {0: 0, 1: 1, 255: 1, 65535: 1}),
    ([{0, 1, 255}], {"ignore_index": 255}, "binary", {0: 0, 1: 1, 255: IGNORE}),
    ([{0, 255, 7}], {"ignore_index": 7}, "binary", {0: 0, 255: 1, 7: IGNORE}),
    ([{0, 1, 2, 900}, {0, 3}], {"instances": True}, "instances", {0: 0, 1: 1, 900: 1, 65535: 1}),
    ([{0, 1, 2, 900}], {"instances": True, "ignore_index": 900}, "instances", {0: 0, 1: 1, 900: IGNORE}),
    ([set(range(15)), set(range(30))], {"bits": 16}, "instances", {0: 0, 1: 1, 900: 1}),
    ([set(range(3)), set(range(6))], {"bits": 16}, "instances", {0: 0, 1: 1, 5: 1}),  # small images
    ([{0, 1}], {"bits": 16}, "binary", {0: 0, 1: 1}),  # one nucleus in each image: the same either way
    ([{0, 1, 2}], {"classes": ABC}, "classes", {0: 0, 1: 1, 2: 2}),
    ([{0, 2, 255}], {"classes": ABC, "ignore_index": 255}, "classes", {0: 0, 2: 2, 255: IGNORE}),
    ([{0, 1}], {"classes": ABC}, "classes", {0: 0, 1: 1}),  # the third class is in no mask
    ([{0, 1, 2}], {"classes": ABC, "bits": 16}, "classes", {0: 0, 2: 2}),
    ([{-1, 0, 1}], {"ignore_index": -1, "bits": 16}, "binary", {-1: IGNORE, 0: 0, 1: 1}),
    ([{0, 255}, {0, 255}, {0, 3}], {}, "binary", {0: 0, 255: 1}),  # the odd one is told by complaint_of
    ([{1, 2}], {"values": (1, 2)}, "values", {1: 0, 2: 1}),  # ilastik: 1 is the background
    ([{0, 1, 2}], {"values": (1, 2), "ignore_index": 0}, "values", {0: IGNORE, 1: 0, 2: 1}),
    ([{0, 127, 255}], {"values": (0, 127, 255), "classes": ABC}, "values", {0: 0, 127: 1, 255: 2}),
    ([{0, 10, 99}], {"values": (0, 10), "ignore_index": 99}, "values", {0: 0, 10: 1, 99: IGNORE}),
]


@pytest.mark.parametrize(("masks", "options", "kind", "expected"), INFERRED)
def test_the_meaning_of_masks_follows_from_all_their_values(masks, options, kind, expected):
    label_map = _infer(*masks, **options)
    raw = np.array([list(expected)], np.int32)
    assert label_map.kind == kind
    assert label_map.apply(raw, PATH).tolist() == [list(expected.values())]
    assert label_map.apply(raw, PATH).dtype == np.uint8


REFUSED = [
    ([{0, 1, 2}, {0, 3}], {}, "0, 1, 2, 3.*--classes background,first.*--instances"),  # class ids, or 8-bit instances
    ([{0, 1, 2}], {"classes": ("a", "b")}, "--classes background,first,second"),
    ([{0, 1, 2, 3}], {"bits": 16}, "--classes background,first,second.*--instances"),  # I5
    ([{0, 1, 2}, {0, 1}, {0, 2}], {"bits": 32}, "--classes"),  # I5: napari's strokes
    ([{1, 2}], {}, "If 1 is the background and 2 the foreground, say --values 1,2"),  # I5, I30: ilastik
    ([{1, 2}], {"bits": 16, "classes": ("a", "b")}, "--values 1,2"),
    ([{0, 2}, {0, 1}], {}, "0, 1, 2"),  # class ids of which each mask holds one: no white, no guess
    ([{0, 3}, {0, 1}], {"bits": 2}, "0, 1, 3"),
    ([{0, 127, 255}], {}, "--values 0,127,255"),
    ([{0, 1, 2}], {"bits": 64}, "0 is not annotated.*say --values 1,2 --ignore-index 0"),  # I5: napari, ilastik
    ([{-1, 0, 1}], {"bits": 16}, "one other value. If -1 marks pixels to leave out, say --ignore-index -1"),
    ([{0, 1, 2, 255}], {}, "If 255 marks pixels to leave out, say --ignore-index 255"),
    ([set(range(0, 65536, 257))], {"bits": 16}, "soft.*--mask-threshold 32768"),  # I5: resized with interpolation
    ([set(range(700, 60000, 246))], {"bits": 16}, "soft.*--mask-threshold 32768"),  # I5: probabilities
    ([{*range(15)}, {*range(15)}], {"bits": 16}, "--instances"),  # organs: each id has its place
    ([{0, 1, NAN}], {}, "0, 1, NaN.*say --ignore-nan"),  # I5
]


@pytest.mark.parametrize(("masks", "options", "message"), REFUSED)
def test_masks_without_one_meaning_name_the_ways_on(masks, options, message):
    with pytest.raises(DataError, match=f"the masks hold the values .*{message}"):
        _infer(*masks, **options)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ({0, 3}, {}, "the mask holds 3, but the classes are 0 (background), 1 or 255 (foreground)"),
        ({0, 1, 255}, {}, "differ from file to file. Correct the mask; if 255 marks pixels to leave out"),
        ({0, 15}, {}, "the mask holds 15, but"),
        (
            {0, 1, 7},
            {"is_lossy": True},
            "a JPEG or compressed as lossily, and holds 0, 1, 7: values at edges are not",
        ),
    ],
)
def test_one_mask_at_odds_with_the_others_is_told_of(values, options, message):
    label_map = _infer({0, 1}, {0, 255})
    mask = summarise(StoredMask(values=np.array([sorted(values)]), bits=8, **options))
    assert message in complaint_of(label_map, mask)
    assert complaint_of(label_map, summarise(StoredMask(values=np.array([[0, 255]]), bits=8))) is None


CLASSES = {"kind": "classes", "class_names": ABC}
OUTSIDE = [
    (
        {"kind": "binary", "raw_values": ((0,), (255,))},
        [0, 9],
        "the mask holds 9, but the classes are 0 (background), 255 (foreground)",
    ),
    (
        CLASSES,
        [0, 3, 7],
        "the mask holds 3, 7, but the classes are 0 (sky), 1 (road), 2 (car). Correct the mask, or name all",
    ),
    (CLASSES, [255], "If 255 marks pixels to leave out, say --ignore-index 255."),
    (CLASSES, [0, NAN], "the mask holds NaN. If it marks pixels to leave out, say --ignore-nan."),
    ({"kind": "instances"}, [-4, 0], "the mask holds -4, but the classes are 0 (background) and above 0 (foreground)"),
]


@pytest.mark.parametrize(("options", "values", "message"), OUTSIDE)
def test_values_outside_the_classes_are_refused_with_the_file(options, values, message):
    with pytest.raises(DataError) as caught:
        LabelMap(**options).apply(np.array([values], np.int64), PATH)
    assert str(caught.value).startswith(f"{PATH}: the mask holds")
    assert message in str(caught.value)


def test_eight_bit_masks_say_the_same_as_wide_ones():
    label_map = LabelMap(kind="classes", class_names=ABC, ignore_index=9)
    raw = np.array([[0, 1], [2, 9]], np.uint8)
    np.testing.assert_array_equal(label_map.apply(raw, PATH), label_map.apply(raw.astype(np.uint16), PATH))


@given(st.lists(st.integers(0, 254), min_size=1, max_size=60), st.integers(2, 255))
def test_class_ids_stay_or_are_refused(values, num_classes):
    label_map = LabelMap(kind="classes", class_names=tuple(f"c{n}" for n in range(num_classes)))
    raw = np.array([values], np.uint8)
    if max(values) >= num_classes:
        with pytest.raises(DataError):
            label_map.apply(raw, PATH)
    else:
        np.testing.assert_array_equal(label_map.apply(raw, PATH), raw)


@pytest.mark.parametrize("names", [("one",), ("a", "a"), ("a", ""), tuple(f"c{n}" for n in range(256))])
def test_classes_are_two_to_255_and_each_named_once(names):
    with pytest.raises(ConfigError):
        _infer({0, 1}, classes=names)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"values": (0, 1), "instances": True}, "--values and --instances are given, but each defines the masks"),
        ({"values": (0, 1, 1)}, "values holds the same twice: 0, 1, 1"),
        ({"values": (0, 1, 2), "classes": ("a", "b")}, "3 values are given, but 2 classes are named: a, b"),
        ({"colors": ("000000", "red")}, "red are not colours. Write each as rrggbb"),
        ({"mask_threshold": 0.0}, "mask_threshold is 0.0; it must be above 0"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        DataOptions(**options)
