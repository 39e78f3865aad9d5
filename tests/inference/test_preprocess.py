"""Preprocessing makes the same input of an image whatever its depth, and refuses what no model can read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmsc_unet.errors import DataError
from lmsc_unet.inference.preprocess import IntensityWindow, find_limits, normalize
from lmsc_unet.inference.spec import ModelSpec

PLAIN = {"mean": (0.0,), "std": (1.0,), "name": "plain"}
RANGE = ModelSpec(scaling="range", **PLAIN)
PERCENTILE = ModelSpec(scaling="percentile", **PLAIN)
BALANCED = ModelSpec(scaling="balanced", **PLAIN)
GREY = ModelSpec(scaling="range", input_channels=1, **PLAIN)


def preprocess(image: np.ndarray, spec: ModelSpec) -> np.ndarray:
    return normalize(image, find_limits(image, spec), spec)


def image(*values: float, dtype: str, channels: int = 3) -> np.ndarray:
    return np.repeat(np.array([values], dtype=dtype)[:, :, np.newaxis], channels, axis=2)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (image(0, 51, 255, dtype="uint8"), [0, 0.2, 1]),
        (image(0, 13107, 65535, dtype="uint16"), [0, 0.2, 1]),
        (image(0.1, 0.2, 0.7, dtype="float32"), [0.1, 0.2, 0.7]),  # already within 0..1: as it is
        (image(0, 500, 2000, dtype="float32"), [0, 0.25, 1]),  # beyond: from least to largest
        (image(-1, 0, 1, dtype="float64"), [0, 0.5, 1]),
        (image(-100, 0, 100, dtype="int16"), [0, 0.5, 1]),  # signed: no range of its own
        (image(7, 7, 7, dtype="float32"), [0, 0, 0]),  # flat: nothing to divide by
        (image(0, 1, 1, dtype="bool"), [0, 1, 1]),
    ],
)
def test_range_scales_by_depth(found, expected):
    prepared = preprocess(found, RANGE)
    assert prepared.shape == (3, 1, 3)
    assert prepared.dtype == np.float32
    assert prepared.flags.c_contiguous
    np.testing.assert_allclose(prepared[0, 0], expected, atol=1e-6)


@given(arrays(np.uint8, (9, 7, 3)), st.integers(1, 200), st.integers(0, 1000))
def test_percentile_scaling_does_not_see_gain_and_offset(pixels, gain, offset):
    brighter = pixels.astype(np.uint16) * gain + offset
    np.testing.assert_allclose(preprocess(brighter, PERCENTILE), preprocess(pixels, PERCENTILE), atol=2e-4)


@given(arrays(np.uint8, (9, 7, 3), elements=st.integers(180, 255)), st.tuples(*[st.floats(0.85, 1.15)] * 3))
def test_balanced_scaling_does_not_see_the_lamps_colour(pixels, lamp):
    pixels[:3] = 40  # some contrast
    other = pixels.astype(np.float32) * np.array(lamp, np.float32)
    np.testing.assert_allclose(preprocess(other, BALANCED), preprocess(pixels.astype(np.float32), BALANCED), atol=2e-3)


@given(arrays(np.uint8, (9, 7, 1)))
def test_balanced_scaling_of_grey_is_percentile_scaling(pixels):
    np.testing.assert_array_equal(preprocess(pixels, BALANCED), preprocess(pixels, PERCENTILE))
    grey = np.repeat(pixels, 3, axis=2)
    np.testing.assert_array_equal(preprocess(grey, BALANCED), preprocess(grey, PERCENTILE))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_dye_of_one_colour_is_as_good_as_grey(dtype):
    """DAPI in blue, with a little noise in the other channels."""
    grey = np.random.default_rng(0).integers(0, 200, (40, 50, 1)).astype(dtype)
    noise = np.random.default_rng(1).integers(0, 4, (40, 50, 2)).astype(dtype)
    blue = np.concatenate([noise, grey], axis=2)
    np.testing.assert_allclose(preprocess(blue, BALANCED), preprocess(grey, PERCENTILE), atol=1e-5)


def test_a_dim_channel_is_not_made_brighter_than_twice():
    pixels = np.random.default_rng(0).integers(0, 200, (40, 50, 3)).astype(np.uint8)
    pixels[..., 0] //= 4
    assert find_limits(pixels, BALANCED).gains == pytest.approx((2, 1, 1), abs=0.05)
    assert np.isfinite(preprocess(pixels * 0, BALANCED)).all()


def test_a_dark_picture_with_one_speck_is_scaled_by_the_speck():
    pixels = np.zeros((20, 20, 3), dtype=np.uint8)
    pixels[4, 7] = 3
    assert preprocess(pixels, PERCENTILE).max() == pytest.approx(preprocess(pixels * 50, PERCENTILE).max())


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    ("ground", "objects", "odd", "limits"),
    [
        (0, 90, None, (0, 90)),
        (0, 90, 250, (0, 90)),  # I35: a hot pixel hides nothing
        (100, 90, 250, (90, 100)),  # debris on a bright field
        (10, 90, 0, (10, 90)),  # a dead pixel
        (7, 7, 200, (7, 200)),  # nothing but one speck
        (7, 7, None, (7, 7)),
    ],
)
def test_an_even_ground_is_scaled_by_what_lies_beside_it(dtype, ground, objects, odd, limits):
    pixels = np.full((256, 256, 1), ground, dtype)
    pixels[40:54, 40:50] = objects
    if odd is not None:
        pixels[128, 128] = odd
    found = find_limits(pixels, ModelSpec(scaling="percentile", input_channels=1, **PLAIN))
    assert (*found.low, *found.high) == limits


def weak_beside_strong() -> np.ndarray:
    """A channel of 1000 to 60000, and a weak marker of 100 and 300."""
    rng = np.random.default_rng(0)
    return np.stack([rng.integers(1000, 60_000, (64, 64)), 100 + 200 * rng.integers(0, 2, (64, 64))], 2)


@pytest.mark.parametrize("dtype", ["uint16", "float32", "int32"])
def test_a_weak_channel_keeps_its_contrast_where_channels_are_scaled_by_themselves(dtype):  # I18
    pixels = weak_beside_strong().astype(dtype)
    each = preprocess(pixels, ModelSpec(scaling="per-channel", input_channels=2, **PLAIN))
    assert each.std(axis=(1, 2)) == pytest.approx([0.29, 0.5], abs=0.02)
    together = preprocess(pixels, ModelSpec(scaling="percentile", input_channels=2, **PLAIN))
    assert together[1].std() < 0.005  # a model that was trained so gets what it knows


def test_a_missing_pixel_counts_nowhere_and_is_as_the_median():  # I8
    pixels = np.random.default_rng(0).normal(100, 20, (60, 50, 3)).astype(np.float32)
    holed = np.concatenate([pixels, np.full((20, 50, 3), np.nan, np.float32)])
    for scaling in ("range", "percentile", "per-channel", "balanced"):
        spec = ModelSpec(scaling=scaling, **PLAIN)
        whole, found = preprocess(pixels, spec), preprocess(holed, spec)
        np.testing.assert_allclose(found[:, :60], whole, atol=1e-5)
        np.testing.assert_allclose(found[:, 60:].mean(axis=(1, 2)), np.median(whole, axis=(1, 2)), atol=0.01)


def test_percentile_takes_the_1st_and_99th_to_0_and_1_and_caps_what_lies_far_beyond():
    pixels = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(100, 100, 1)
    pixels[0, 0] = 1e6  # a hot pixel
    prepared = preprocess(pixels, ModelSpec(scaling="percentile", input_channels=1, **PLAIN))
    assert np.percentile(prepared, (1, 99)) == pytest.approx([0, 1], abs=1e-3)
    assert prepared.max() == 2


def test_limits_of_a_big_image_are_sampled_and_close_to_the_exact_ones():
    pixels = np.random.default_rng(0).normal(100, 20, (1500, 1300, 3)).astype(np.float32)
    limits = find_limits(pixels, PERCENTILE)
    assert (*limits.low, *limits.high) == pytest.approx(tuple(np.percentile(pixels, (1, 99))), abs=0.5)


def test_a_piece_scaled_by_the_whole_images_limits_is_the_piece_of_the_whole():
    pixels = np.random.default_rng(0).integers(0, 200, (40, 50, 3), dtype=np.uint8)
    piece = normalize(pixels[8:24, 16:48], find_limits(pixels, PERCENTILE), PERCENTILE)
    np.testing.assert_array_equal(piece, preprocess(pixels, PERCENTILE)[:, 8:24, 16:48])


def test_mean_and_std_are_for_all_channels_or_for_each():
    each = ModelSpec(name="x", scaling="range", mean=(0.0, 0.5, 1.0), std=(1.0, 0.5, 0.25))
    np.testing.assert_allclose(preprocess(image(255, dtype="uint8"), each)[:, 0, 0], [1, 1, 0], atol=1e-6)
    alike = ModelSpec(name="x", scaling="range", mean=(0.5,), std=(0.25,))
    np.testing.assert_allclose(preprocess(image(255, dtype="uint8"), alike)[:, 0, 0], [2, 2, 2], atol=1e-6)


def test_grey_is_repeated_for_a_colour_model_and_colour_becomes_luma_for_a_grey_one():
    assert (
        preprocess(image(0, 51, dtype="uint8", channels=1), RANGE) == preprocess(image(0, 51, dtype="uint8"), RANGE)
    ).all()
    green = np.array([[[0, 255, 0]]], dtype=np.uint8)
    np.testing.assert_allclose(preprocess(green, GREY), [[[0.587]]], atol=1e-6)


def test_channels_that_fit_in_no_way_are_refused_with_what_the_model_was_trained_on():
    with pytest.raises(
        DataError,
        match=r"has 4 channels, but plain was trained on images with 3 channels\. .* What a TIFF calls alpha",
    ):
        preprocess(image(1, dtype="uint8", channels=4), RANGE)
    with pytest.raises(DataError, match=r"has 2 channels, but plain was trained on images with 1 channel\."):
        preprocess(image(1, dtype="uint8", channels=2), GREY)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinite_values_are_refused_with_their_place(bad):
    pixels = np.zeros((4, 5, 3), dtype=np.float32)
    pixels[2, 3, 1] = bad
    with pytest.raises(DataError, match=r"1 values of the image are infinite, .* row 2, column 3"):
        preprocess(pixels, RANGE)


def test_the_image_given_is_never_changed():
    pixels = np.ones((3, 3, 3), dtype=np.float32)
    normalize(pixels, IntensityWindow(low=(0.5,), high=(2,)), RANGE)
    assert (pixels == 1).all()
