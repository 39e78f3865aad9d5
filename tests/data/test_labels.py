from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.data.labels import LabelMap, infer_label_map
from lmsc_unet.data.options import DataOptions
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.metrics.counts import IGNORE

PATH = Path("masks/a.png")
ABC = ("sky", "road", "car")


def _infer(*masks, is_wide=False, **options):
    values = {Path(f"{n}.png"): set(values) for n, values in enumerate(masks)}
    return infer_label_map(values, DataOptions(**options), is_wide=is_wide)


INFERRED = [
    ([{0, 255}, {0}, {255}], {}, "binary", {0: 0, 255: 1}),
    ([{0, 1}, {0}], {}, "binary", {0: 0, 1: 1}),
    ([{0}], {}, "binary", {0: 0}),  # nothing marked anywhere
    ([{0, 1, 255}], {"ignore_index": 255}, "binary", {0: 0, 1: 1, 255: IGNORE}),
    ([{0, 255, 7}], {"ignore_index": 7}, "binary", {0: 0, 255: 1, 7: IGNORE}),
    ([{0, 1, 2, 900}, {0, 3}], {"is_wide": True}, "instances", {0: 0, 1: 1, 900: 1, 65535: 1}),
    ([{0, 1, 2, 900}], {"is_wide": True, "ignore_index": 900}, "instances", {0: 0, 1: 1, 900: IGNORE}),
    ([{0, 1}], {"is_wide": True}, "binary", {0: 0, 1: 1}),  # one nucleus in each image: the same either way
    ([{0, 1, 2}], {"classes": ABC}, "classes", {0: 0, 1: 1, 2: 2}),
    ([{0, 2, 255}], {"classes": ABC, "ignore_index": 255}, "classes", {0: 0, 2: 2, 255: IGNORE}),
    ([{0, 1}], {"classes": ABC}, "classes", {0: 0, 1: 1}),  # the third class is in no mask
    ([{0, 1, 2}], {"classes": ABC, "is_wide": True}, "classes", {0: 0, 2: 2}),
    ([{-1, 0, 1}], {"ignore_index": -1, "is_wide": True}, "binary", {-1: IGNORE, 0: 0, 1: 1}),
    ([{0, 255}, {0, 255}, {0, 3}], {}, "binary", {0: 0, 255: 1}),  # the odd one is told by check_values
]


@pytest.mark.parametrize(("masks", "options", "kind", "expected"), INFERRED)
def test_the_meaning_of_masks_follows_from_all_their_values(masks, options, kind, expected):
    label_map = _infer(*masks, **options)
    raw = np.array([list(expected)], np.int32)
    assert label_map.kind == kind
    assert label_map.apply(raw, PATH).tolist() == [list(expected.values())]
    assert label_map.apply(raw, PATH).dtype == np.uint8


@pytest.mark.parametrize(
    ("masks", "options"),
    [
        ([{0, 1, 2}, {0, 3}], {}),  # class ids without names, or instances of 8 bits
        ([{0, 1}, {0, 255}], {}),  # two ways of saying the same
        ([{0, 1, 2}], {"classes": ("a", "b")}),
    ],
)
def test_masks_without_one_meaning_ask_for_names(masks, options):
    with pytest.raises(
        DataError, match=r"the masks hold the values 0, 1.*--classes background,first.*16 bits.*--ignore-index"
    ):
        _infer(*masks, **options)


CLASSES = {"kind": "classes", "class_names": ABC}
OUTSIDE = [
    (
        {"kind": "binary", "foreground": 255},
        [0, 9],
        "the mask holds 9, but the classes are 0 (background), 255 (foreground)",
    ),
    (
        CLASSES,
        [0, 3, 7],
        "the mask holds 3, 7, but the classes are 0 (sky), 1 (road), 2 (car). Correct the mask, or name all",
    ),
    (CLASSES, [255], "If 255 marks pixels to leave out, say --ignore-index 255."),
    ({"kind": "instances"}, [-4, 0], "the mask holds -4, but the classes are 0 (background) and above 0 (foreground)"),
]


@pytest.mark.parametrize(("options", "values", "message"), OUTSIDE)
def test_values_outside_the_classes_are_refused_with_the_file(options, values, message):
    with pytest.raises(DataError) as caught:
        LabelMap(**options).apply(np.array([values], np.int16), PATH)
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
