import hashlib
import os

import numpy as np
import pytest
from PIL import Image

from lmsc_unet.core.storage import sha256
from lmsc_unet.errors import OutputError
from lmsc_unet.imageio import read_image, write_png, write_png_rows
from tests.imageio.pictures import picture, squeezed


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_png_keeps_every_value(tmp_path, channels, dtype):
    path = tmp_path / "new" / "folder" / "\u7d30\u80de.png"
    write_png(path, picture(channels, dtype))
    np.testing.assert_array_equal(read_image(path), picture(channels, dtype))
    if (channels, dtype) != (3, np.uint16):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), squeezed(picture(channels, dtype)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_png_is_what_opencv_reads_too(tmp_path, channels, dtype):
    cv2 = pytest.importorskip("cv2", reason="OpenCV is the oracle; it comes with lmsc-unet[train]")
    write_png(tmp_path / "x.png", picture(channels, dtype))
    array = cv2.imread(str(tmp_path / "x.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(array.reshape(picture(channels).shape), picture(channels, dtype)[..., ::-1])


def test_a_picture_in_blocks_of_rows_is_the_picture(tmp_path):
    whole = np.random.default_rng(0).integers(0, 256, (1500, 1400, 1)).astype(np.uint8)  # of more than one chunk
    write_png_rows(tmp_path / "x.png", (whole[at : at + 100] for at in range(0, 1500, 100)), 1500, 1400)
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), whole)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "x.png")), whole[..., 0])


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
