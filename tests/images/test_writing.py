import hashlib
import os

import numpy as np
import pytest
from PIL import Image

from lmsc_unet.errors import OutputError
from lmsc_unet.images import read_image, sha256, write_png
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
