import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.errors import ConfigError
from lmsc_unet.signals.boxes import SignalBox, boxes_xyxy_px, draw_mask
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import Grid

GRID = Grid(stft=Stft(), sample_rate_hz=256.0)  # a column is 1 Hz, a row 1 s; 0 Hz is the middle of column 128


def box(start_row, stop_row, low_hz, high_hz, **more):
    return SignalBox(start_sample=start_row * 256, stop_sample=stop_row * 256, low_hz=low_hz, high_hz=high_hz, **more)


@pytest.mark.parametrize(
    ("one", "rows", "columns"),
    [
        (box(2, 5, -0.5, 2.5), slice(2, 5), slice(128, 131)),  # edges on pixel edges
        (box(0, 16, -128.5, 127.5), slice(0, 16), slice(0, 256)),  # the whole plane
        (box(3, 4, 10.0, 10.01), slice(3, 4), slice(138, 139)),  # thinner than a pixel, still seen
        (box(3, 4, -0.9, 1.9), slice(3, 4), slice(128, 130)),  # under half of the outer pixels: left out
        (box(12, 40, 0.5, 3.5), slice(12, 16), slice(129, 132)),  # reaches over the last row
    ],
)
def test_a_mask_has_the_pixels_that_a_box_covers_by_half(one, rows, columns):
    expected = np.zeros((16, 256), np.uint8)
    expected[rows, columns] = 1
    np.testing.assert_array_equal(draw_mask([one], GRID, num_rows=16), expected)


def test_a_box_outside_the_picture_leaves_no_mark():
    assert not draw_mask([box(20, 30, 0, 5), box(2, 3, 200, 210)], GRID, num_rows=16).any()


def test_boxes_count_from_the_first_sample_of_the_picture():
    mask = draw_mask([box(20, 30, 0.5, 5.5)], GRID, num_rows=16, first_sample=18 * 256)
    assert np.flatnonzero(mask.any(axis=1)).tolist() == list(range(2, 12))


def test_classes_are_drawn_by_label():
    boxes = [box(0, 2, 0.5, 5.5, label="FM"), box(4, 6, 0.5, 5.5, label="OOK")]
    mask = draw_mask(boxes, GRID, num_rows=8, class_ids={"FM": 3, "OOK": 7})
    assert set(np.unique(mask)) == {0, 3, 7}


@given(start=st.integers(0, 200), rows=st.integers(1, 50), low=st.integers(0, 200), columns=st.integers(1, 50))
def test_a_box_on_pixel_edges_becomes_its_mask_and_back(start, rows, low, columns):
    one = SignalBox(
        start_sample=round(GRID.sample(start)),
        stop_sample=round(GRID.sample(start + rows)),
        low_hz=GRID.hz(low),
        high_hz=GRID.hz(low + columns),
    )
    mask = draw_mask([one], GRID, num_rows=256)
    assert np.flatnonzero(mask.any(axis=1)).tolist() == list(range(start, start + rows))
    assert np.flatnonzero(mask.any(axis=0)).tolist() == list(range(low, low + columns))
    np.testing.assert_allclose(boxes_xyxy_px([one], GRID)[0], [low, start, low + columns, start + rows])


def test_a_box_inside_out_is_refused():
    with pytest.raises(ConfigError, match="is reversed"):
        box(5, 4, 0, 1)
    with pytest.raises(ConfigError, match="is reversed"):
        box(4, 5, 1, 0)
