"""What a TIFF calls alpha is left out where it is transparency, and kept where it is a band."""

import numpy as np
import pytest
import tifffile

from lmsc_unet.imageio import open_rows, read_image, read_info
from tests.imageio.pictures import picture

U8, U16 = np.uint8, np.uint16
ALPHA = {"photometric": "rgb", "planarconfig": "contig", "metadata": None}


def rgba(alpha, dtype=U8, blank=None):
    image = picture(4, dtype)
    image[..., 3] = alpha
    if blank is not None:
        image[image[..., 3] == 0, :3] = blank
    return image


Y_PX, X_PX = np.mgrid[:24, :40]
CORNER = np.where(Y_PX + X_PX < 12, 0, 255)
SOFT = np.where(CORNER, np.clip(50 + 9 * X_PX, 0, 255), 0)

CASES = [  # I7
    ("infrared", picture(4), 4, {}),
    ("infrared of 16 bits", picture(4, U16), 4, {}),
    ("infrared, deflated tiles", picture(4), 4, {"compression": "zlib", "tile": (16, 16)}),
    ("infrared in planes", picture(4).transpose(2, 0, 1), 4, {"planarconfig": "separate"}),
    ("a band of 0 and 255 over a picture", rgba(CORNER), 4, {}),
    ("soft edges", rgba(SOFT, blank=0), 4, {}),
    ("opaque", rgba(255), 3, {}),
    ("opaque, as others write it", rgba(1), 3, {}),
    ("clear", rgba(0), 3, {}),
    ("opaque of 16 bits", rgba(65535, U16), 3, {}),
    ("nothing in a corner", rgba(CORNER, blank=0), 3, {}),  # a turned orthophoto
    ("white in a corner", rgba(CORNER, blank=255), 3, {"compression": "zlib"}),
    ("premultiplied", rgba(CORNER, blank=0), 3, {"extrasamples": ["assocalpha"]}),
    ("all in the band", np.where(np.arange(4) < 3, U8(0), rgba(CORNER)), 4, {}),
]


@pytest.mark.parametrize(("array", "channels", "options"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_alpha_is_kept_where_it_is_more_than_transparency(tmp_path, array, channels, options):
    tifffile.imwrite(tmp_path / "x.tif", array, **{**ALPHA, "extrasamples": ["unassalpha"], **options})
    last = array.transpose(1, 2, 0) if array.shape[0] == 4 else array
    image, info = read_image(tmp_path / "x.tif"), read_info(tmp_path / "x.tif")
    np.testing.assert_array_equal(image, last[..., :channels])
    assert (info.channels, info.keeps_alpha) == (channels, channels == 4)
    rows = open_rows(tmp_path / "x.tif", from_pixels=1)
    if rows is not None:
        assert rows.channels == channels
        np.testing.assert_array_equal(np.concatenate(list(rows.blocks())), image)
    assert (rows is None) == (options.get("planarconfig") == "separate")


@pytest.mark.parametrize("kept", [True, False])
def test_what_follows_alpha_is_no_alpha(tmp_path, kept):  # I7: the last channel was dropped, whichever it was
    image = picture(5)
    image[..., 3] = image[..., 3] if kept else 255
    tifffile.imwrite(tmp_path / "x.tif", image, **ALPHA, extrasamples=["unassalpha", "unspecified"])
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif"), image if kept else image[..., [0, 1, 2, 4]])


def test_grey_with_a_second_band_has_two_channels(tmp_path):  # I7
    options = {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
    tifffile.imwrite(tmp_path / "x.tif", picture(2), **options)
    assert read_info(tmp_path / "x.tif").channels == 2
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif"), picture(2))


def test_a_band_is_found_in_the_last_block_of_rows(tmp_path, monkeypatch):  # I7
    monkeypatch.setattr("lmsc_unet.imageio.rows.BLOCK_BYTES", 640)
    image = rgba(255)
    image[-1, -1, 3] = 9
    tifffile.imwrite(tmp_path / "x.tif", image, **ALPHA, extrasamples=["unassalpha"])
    rows = open_rows(tmp_path / "x.tif", from_pixels=1)
    assert rows is not None
    assert rows.channels == 4
    assert len(list(rows.blocks())) > 1
    np.testing.assert_array_equal(np.concatenate(list(rows.blocks())), read_image(tmp_path / "x.tif"))
