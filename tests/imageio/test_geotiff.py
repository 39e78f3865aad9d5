"""The nodata value and the place of a GeoTIFF."""

import numpy as np
import pytest
import tifffile

from lmsc_unet.errors import DataError
from lmsc_unet.imageio import geo_tags, read_image, read_info
from tests.imageio.pictures import picture, pillow, tiff

F32, U8, U16, U32, I16, F64 = np.float32, np.uint8, np.uint16, np.uint32, np.int16, np.float64
LEAST = float(np.finfo(F32).min)

NODATA = [  # I8
    (F32, "-9999", -9999, -9999.0),
    (F32, "-3.40282e+38", LEAST, LEAST),  # rounded by the writer: no float32 by itself
    (F32, "-3.4028234663852886e+38", LEAST, LEAST),
    (F32, "-9999.9", -9999.9, float(F32(-9999.9))),  # the text has more digits than the values
    (F32, "nan", np.nan, np.nan),
    (F64, "-1.79769313486232e+308", float(np.finfo(F64).min), -np.inf),  # read as float32
    (U8, "0", 0, 0.0),
    (U8, "255.0", 255, 255.0),
    (U16, "65535 \0", 65535, 65535.0),
    (U32, "4294967295", 4294967295, 4294967296.0),  # read as float32
    (I16, "-32768", -32768, -32768.0),
    (np.bool_, "1", True, 255.0),
]


@pytest.mark.parametrize(
    ("dtype", "text", "stored", "expected"), NODATA, ids=[f"{r[0].__name__} {r[1]}" for r in NODATA]
)
def test_the_nodata_value_is_what_the_pixels_hold(tmp_path, dtype, text, stored, expected):
    values = np.ones((9, 12), dtype)
    values[:3] = stored
    tifffile.imwrite(tmp_path / "x.tif", values, photometric="minisblack", extratags=[(42113, 2, 0, text, True)])
    nodata = read_info(tmp_path / "x.tif").nodata
    np.testing.assert_equal(nodata, expected)
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif")[:3], nodata)


@pytest.mark.parametrize(
    ("dtype", "text"),
    [(U8, "-9999"), (U8, "nan"), (U8, "inf"), (U16, "0.5"), (I16, "65535"), (F32, "none"), (F32, ""), (np.bool_, "2")],
)
def test_a_nodata_value_that_no_pixel_can_have_is_none(tmp_path, dtype, text):
    tifffile.imwrite(tmp_path / "x.tif", np.ones((9, 12), dtype), extratags=[(42113, 2, 0, text, True)])
    assert read_info(tmp_path / "x.tif").nodata is None


def test_the_nodata_value_is_inverted_with_the_picture(tmp_path):
    tag = (42113, 2, 0, "255", True)
    values = np.full((9, 12, 1), 255, U8)
    tiff(tmp_path / "x.tif", values, photometric="miniswhite", extratags=[tag])
    assert read_info(tmp_path / "x.tif").nodata == read_image(tmp_path / "x.tif").max() == 0


def test_a_palette_has_no_nodata_value(tmp_path):
    ramp = np.stack([np.arange(256)] * 3).astype(U16) * 257
    tag = (42113, 2, 0, "7", True)
    tifffile.imwrite(tmp_path / "x.tif", picture(1)[..., 0], photometric="palette", colormap=ramp, extratags=[tag])
    assert read_info(tmp_path / "x.tif").nodata is None


PLACE = [
    (33550, 12, 3, (0.5, 0.5, 0.0), True),
    (33922, 12, 6, (0.0, 0.0, 0.0, 500000.0, 5400000.0, 0.0), True),
    (34264, 12, 16, tuple(float(i) for i in range(16)), True),
    (34735, 3, 8, (1, 1, 0, 1, 1024, 0, 1, 1), True),
    (34736, 12, 1, (6378137.0,), True),
    (34737, 2, 0, b"WGS 84 / UTM zone 32N|", True),
    (42113, 2, 0, b"-9999", True),
]


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_the_place_can_be_written_again(tmp_path, byteorder):  # I32
    tifffile.imwrite(tmp_path / "x.tif", picture(1)[..., 0], extratags=PLACE, byteorder=byteorder)
    tags = geo_tags(tmp_path / "x.tif")
    assert tags == PLACE
    tifffile.imwrite(tmp_path / "y.tif", picture(1)[..., 0], extratags=tags)
    assert geo_tags(tmp_path / "y.tif") == PLACE


def test_what_has_no_place_has_no_tags(tmp_path):
    pillow(tmp_path / "x.png", picture(3))
    tiff(tmp_path / "plain.tif", picture(3))
    tiff(tmp_path / "turned.tif", picture(1), extratags=[*PLACE, (274, 3, 1, 6, True)])  # its pixels are turned
    assert [geo_tags(tmp_path / name) for name in ("x.png", "plain.tif", "turned.tif")] == [[], [], []]
    with pytest.raises(DataError, match=r"gone\.tif: there is no such file"):
        geo_tags(tmp_path / "gone.tif")
