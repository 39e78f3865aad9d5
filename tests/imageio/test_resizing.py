import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.imageio import resize, resize_mask
from lmsc_unet.imageio.resize import Stretch, resize_rows
from tests.imageio.pictures import picture

SIZES = [
    ((24, 40), (12, 20)),  # a half, as spec.scale 0.5
    ((24, 40), (12, 30)),
    ((300, 411), (256, 256)),  # the treatment "resize"
    ((513, 401), (256, 256)),
    ((64, 96), (128, 192)),  # probabilities, back to the image's sides
    ((7, 9), (40, 50)),
    ((1, 5), (3, 1)),
]


def is_half(before, after):
    return all(m == 2 * n for m, n in zip(before, after, strict=True))


@pytest.mark.parametrize(("before", "after"), SIZES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_images_are_scaled_as_opencv_scales_them(before, after, dtype):
    """Where it differs, it is by one step: OpenCV computes in fixed point for 8 bits."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV is the oracle; it comes with lmsc-unet[train]")
    values = np.random.default_rng(0).random((*before, 3))
    image = (values * (1 if dtype == np.float32 else np.iinfo(dtype).max)).astype(dtype)
    expected = np.asarray(cv2.resize(image, after[::-1], interpolation=cv2.INTER_LINEAR))
    resized = resize(image, *after)
    if dtype == np.float32:
        np.testing.assert_allclose(resized, expected, atol=1e-6)
        return
    difference = np.abs(resized.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() <= (0 if is_half(before, after) else 0.2 if dtype == np.uint8 else 0.03)


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_masks_are_scaled_as_opencv_scales_them_but_where_two_pixels_are_as_near(before, after):
    cv2 = pytest.importorskip("cv2", reason="OpenCV is the oracle; it comes with lmsc-unet[train]")
    mask = np.random.default_rng(0).integers(0, 256, before).astype(np.uint8)
    expected = cv2.resize(mask, after[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    is_tie = [(2 * np.arange(n) + 1) * m % (2 * n) == 0 for m, n in zip(before, after, strict=True)]
    is_clear = ~(is_tie[0][:, np.newaxis] | is_tie[1])
    is_clear |= is_half(before, after)
    np.testing.assert_array_equal(resize_mask(mask, *after)[is_clear], expected[is_clear])


@pytest.mark.parametrize("channels", [1, 3, 4, 5, 9])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_resizing_keeps_type_and_channels_and_treats_each_alike(channels, dtype):
    image = picture(channels, dtype)
    for sides in ((12, 30), (12, 20), (31, 90)):
        small = resize(image, *sides)
        assert small.shape == (*sides, channels)
        assert small.dtype == dtype
        np.testing.assert_array_equal(small[..., -1:], resize(image[..., -1:], *sides))


@given(
    before=st.tuples(st.integers(1, 60), st.integers(1, 20)),
    after=st.tuples(st.integers(1, 60), st.integers(1, 20)),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float32]),
    data=st.data(),
)
def test_rows_by_themselves_are_those_of_the_whole(before, after, dtype, data):
    image = picture(3, dtype, *before)
    rows, columns = (Stretch(num_in=m, num_out=n) for m, n in zip(before, after, strict=True))
    start = data.draw(st.integers(0, after[0] - 1))
    stop = data.draw(st.integers(start + 1, after[0]))
    part = image[rows.needed(start, stop)]
    np.testing.assert_array_equal(
        resize_rows(part, rows, columns, start, stop), resize(image, *after)[start:stop], strict=True
    )


def test_large_images_are_scaled_in_blocks_without_a_seam():
    ramp = np.linspace(0, 1, 700, dtype=np.float32)[:, np.newaxis, np.newaxis].repeat(900, axis=1)
    steps = np.diff(resize(ramp, 1600, 1000)[3:-3, 0, 0])
    np.testing.assert_allclose(steps, steps.mean(), atol=1e-6)


@given(height_px=st.integers(1, 70), width_px=st.integers(1, 70))
def test_a_resized_mask_holds_no_new_values(height_px, width_px):
    mask = np.array([[0, 1, 1], [7, 255, 7]], np.uint8)
    resized = resize_mask(mask, height_px, width_px)
    assert resized.shape == (height_px, width_px)
    assert set(np.unique(resized)) <= {0, 1, 7, 255}


def test_the_same_size_is_the_same_picture():
    image, mask = picture(3), picture(1)[..., 0]
    assert resize(image, *image.shape[:2]) is image
    assert resize_mask(mask, *mask.shape) is mask


def test_doubling_a_mask_repeats_each_pixel():
    mask = picture(1)[..., 0]
    np.testing.assert_array_equal(resize_mask(mask, 48, 80), mask.repeat(2, 0).repeat(2, 1))
