"""Pixels of which nothing is known are found, and the dark ones are left alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmsc_unet.imageio import as_source, mark_missing, missing_pixels
from lmsc_unet.imageio.nodata import Watch, mark_rows


def ground(low=8000, spread=2000, channels=1, seed=0):
    """Noise of 60 x 80 px, with a brighter square."""
    values = np.random.default_rng(seed).integers(low, low + spread // 4, (60, 80, channels))
    values[25:40, 30:60] += spread
    return values


def with_border(values, rows=12):
    values = values.copy()
    values[:rows] = 0
    return values


def turned(values):
    """As an orthophoto that lies aslant on the page."""
    y, x = np.mgrid[:60, :80]
    is_outside = (x + y < 30) | (x + y > 110) | (y - x > 45)
    return np.where(is_outside[..., None], 0, values)


def cut_out(values, radius=20):
    """Objects on a ground that was set to zero."""
    y, x = np.mgrid[:60, :80]
    is_object = np.zeros((60, 80), bool)
    for top, left in ((15, 15), (45, 20), (20, 45), (45, 60), (12, 70)):
        is_object |= np.hypot(y - top, x - left) < radius
    return np.where(is_object[..., None], values, 0)


@pytest.mark.parametrize(
    ("image", "share"),
    [
        (with_border(ground()).astype(np.uint16), 0.2),  # I34: Landsat's 0 beside an offset, not tagged
        (with_border(ground(channels=3)).astype(np.uint16), 0.2),  # colours
        (with_border(ground(100, 100)).astype(np.uint8), 0.2),
        (with_border(np.minimum(ground(100, 40) ** 2 // 90, 4000)).astype(np.uint16), 0.2),  # a camera's offset
        (with_border(ground(100, 4000)).astype(np.uint16), 0),  # what is known spreads further than the gap
        (with_border(ground()).astype(np.float32), 0.2),
        (with_border(-ground()).astype(np.float32), 0.2),  # below zero, as decibels
        (turned(ground()).astype(np.uint16), 0.203),
        (ground().astype(np.uint16), 0),  # no zeros
        (ground(0, 60).astype(np.uint8), 0),  # zeros of the dark
        (with_border(ground(0, 60)).astype(np.uint8), 0),  # a dark picture, its border as dark
        (with_border(ground(1, 60)).astype(np.uint8), 0),  # the noise begins beside zero
        (with_border(ground(), 36).astype(np.uint16), 0),  # zeros are most of it
        (cut_out(ground(900, 200), 7).astype(np.uint16), 0),  # I35: objects on a ground of zeros
        (cut_out(ground(900, 200), 16).astype(np.uint16), 0),  # large ones, zeros between them
        (with_border(np.full((60, 80, 1), 255)).astype(np.uint8), 0),  # two values: a drawing
        (np.zeros((60, 80, 1), np.uint8), 0),
    ],
)
def test_a_border_of_zeros_is_missing_where_all_other_values_are_far_away(image, share):
    before = image.copy()
    marked = mark_missing(image)
    is_missing = missing_pixels(marked)
    assert is_missing.mean() == pytest.approx(share, abs=0.001)
    assert (image[is_missing] == 0).all()
    assert (marked is image) == (share == 0)
    assert (image == before).all()


@pytest.mark.parametrize(
    ("dtype", "nodata", "pixel", "is_missing"),
    [
        ("float32", None, (np.nan, 5, 5), True),  # I8: what a network cannot see in one channel, it cannot see
        ("float32", np.nan, (np.nan, np.nan, np.nan), True),
        ("float32", -9999, (-9999, 5, 5), True),  # no measurement, whatever the other channels hold
        ("float32", -np.inf, (-np.inf, 5, 5), True),
        ("float32", 0, (0, 5, 5), False),  # dark in red
        ("float32", 0, (0, 0, 0), True),
        ("uint8", 255, (255, 5, 5), False),  # bright in red
        ("uint8", 255, (255, 255, 255), True),
        ("uint16", 65535, (65535,) * 3, True),
        ("uint16", 65535, (0,) * 3, False),
    ],
)
def test_nodata_is_one_channel_of_floats_or_all_of_a_colour(dtype, nodata, pixel, is_missing):
    image = np.full((6, 5, 3), 7, dtype)
    image[2, 3] = pixel
    marked = mark_missing(image, nodata)
    expected = np.zeros((6, 5), bool)
    expected[2, 3] = is_missing
    np.testing.assert_array_equal(missing_pixels(marked), expected)
    assert np.isnan(marked[2, 3]).all() == is_missing  # in all channels, that no one is taken for known
    full = {"uint8": 255, "uint16": 65535}.get(dtype, 1) if is_missing else 1
    assert marked[0, 0] == pytest.approx(7 / full)


@settings(max_examples=30)
@given(cut=st.integers(1, 60), seed=st.integers(0, 3), kind=st.sampled_from(["zeros", "nodata", "nothing"]))
def test_rows_that_come_in_blocks_are_marked_as_the_whole(cut, seed, kind):
    image = ground(seed=seed).astype(np.uint16)
    image[50:] = 0 if kind == "zeros" else 9 if kind == "nodata" else 8000
    source = replace(as_source(image), nodata=9, blocks=lambda: (image[at : at + cut] for at in range(0, 60, cut)))
    watch = Watch(source)
    assert sum(len(block) for block in watch.watched().blocks()) == 60
    rule = watch.conclude()
    assert (rule is None) == (kind == "nothing")
    rows = source if rule is None else mark_rows(source, rule)
    assert rows.has_missing == (kind != "nothing")
    whole = mark_missing(image, 9)
    assert whole.dtype == rows.dtype
    np.testing.assert_array_equal(np.concatenate(list(rows.blocks())), whole)
