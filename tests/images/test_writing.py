import hashlib
import os

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lmsc_unet.errors import OutputError
from lmsc_unet.images import read_image, resize, resize_mask, sha256, write_png
from tests.images.pictures import picture, squeezed


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_png_keeps_every_value(tmp_path, channels, dtype):
    path = tmp_path / "new" / "folder" / "\u7d30\u80de.png"
    write_png(path, picture(channels, dtype))
    np.testing.assert_array_equal(read_image(path), picture(channels, dtype))
    if (channels, dtype) != (3, np.uint16):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), squeezed(picture(channels, dtype)))


def test_a_mask_of_two_sides_is_written_too(tmp_path):
    write_png(tmp_path / "x.png", picture(1)[..., 0])
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), picture(1))


def test_a_failed_write_leaves_the_old_picture_and_no_rest(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    write_png(path, picture(1))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OutputError, match=r"x\.png: cannot be written \(No space left on device\)\. Free space"):
        write_png(path, picture(3))
    np.testing.assert_array_equal(read_image(path), picture(1))
    assert [file.name for file in tmp_path.iterdir()] == ["x.png"]


def test_a_file_in_the_folders_place_is_named(tmp_path):
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(OutputError, match=r"x\.png: cannot be written"):
        write_png(tmp_path / "out" / "x.png", picture(1))


def test_sha256_is_that_of_the_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "x") == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize("channels", [1, 3, 4, 5, 9])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_resizing_keeps_type_and_channels(channels, dtype):
    image = picture(channels, dtype)
    small = resize(image, 12, 30)
    assert small.shape == (12, 30, channels)
    assert small.dtype == dtype
    np.testing.assert_array_equal(small[..., -1], cv2.resize(image[..., -1], (30, 12), interpolation=cv2.INTER_LINEAR))


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
