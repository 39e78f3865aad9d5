import numpy as np
import pytest
import tifffile
from PIL import Image, ImageFilter

from lmsc_unet.imageio import read_image, read_info
from tests.imageio.pictures import HEIGHT_PX, WIDTH_PX, deep_png, lzw_tiff, picture, pillow, tiff

U8, U16, F32 = np.uint8, np.uint16, np.float32

LOSSLESS = [
    ("grey.png", 1, U8, pillow, {}),
    ("colour.png", 3, U8, pillow, {}),
    ("deep grey.png", 1, U16, pillow, {}),
    ("deep colour.png", 3, U16, deep_png, {}),  # Pillow alone would clip it to 8 bits
    ("deep colour in seven passes.png", 3, U16, deep_png, {"interlaced": True}),
    ("grey.bmp", 1, U8, pillow, {}),
    ("colour.BMP", 3, U8, pillow, {}),  # the ending's case does not matter
    ("grey.tif", 1, U8, tiff, {}),
    ("colour.tiff", 3, U8, tiff, {}),
    ("deep.tif", 1, U16, tiff, {}),
    ("deep colour.tif", 3, U16, tiff, {}),
    ("float.tif", 1, F32, tiff, {}),
    ("big-endian.tif", 3, U16, tiff, {"byteorder": ">"}),
    ("bigtiff.tif", 3, U8, tiff, {"bigtiff": True}),
    ("two channels.tif", 2, U8, tiff, {}),
    ("five channels.tif", 5, U16, tiff, {}),
    ("seven floats.tif", 7, F32, tiff, {}),
    ("tiles.tif", 3, U8, tiff, {"tile": (16, 16)}),
    ("deflate.tif", 3, U8, tiff, {"compression": "zlib"}),
    ("deflate deep.tif", 1, U16, tiff, {"compression": "zlib"}),
    ("lzw.tif", 3, U8, pillow, {"compression": "tiff_lzw"}),  # tifffile alone has no LZW
    ("lzw grey.tif", 1, U8, pillow, {"compression": "tiff_lzw"}),
    ("lzw deep.tif", 1, U16, pillow, {"compression": "tiff_lzw"}),
    ("lzw float.tif", 1, F32, pillow, {"compression": "tiff_lzw"}),
    ("lzw deep colour.tif", 3, U16, lzw_tiff, {}),  # Pillow cannot hold it
    ("lzw five channels.tif", 5, U16, lzw_tiff, {}),
    ("lzw float colour.tif", 3, F32, lzw_tiff, {}),
    ("packbits.tif", 3, U8, pillow, {"compression": "packbits"}),
    ("packbits deep.tif", 1, U16, pillow, {"compression": "packbits"}),
    ("\u00e9t\u00e9 \u7d30\u80de.png", 3, U8, pillow, {}),  # names are Unicode
]


@pytest.mark.parametrize(("name", "channels", "dtype", "write", "options"), LOSSLESS, ids=[row[0] for row in LOSSLESS])
def test_values_arrive_as_they_were_written(tmp_path, name, channels, dtype, write, options):
    expected = picture(channels, dtype)
    path = write(tmp_path / name, expected, **options)
    image = read_image(path)
    assert image.dtype == dtype
    np.testing.assert_array_equal(image, expected)
    info = read_info(path)
    assert (info.height_px, info.width_px, info.channels, info.dtype) == (*image.shape, image.dtype.name)


def opaque():
    image = picture(4)
    image[..., 3] = 255
    return image


CONVERTED = [
    ("rgba.png", lambda p: pillow(p, picture(4)), picture(4)[..., :3]),  # alpha is dropped
    ("deep rgba.png", lambda p: deep_png(p, picture(4, U16)), picture(4, U16)[..., :3]),
    ("deep grey alpha.png", lambda p: deep_png(p, picture(2, U16)), picture(2, U16)[..., :1]),
    ("grey alpha.png", lambda p: pillow(p, picture(2)), picture(2)[..., :1]),
    ("opaque.tif", lambda p: tiff(p, opaque(), extrasamples=["unassalpha"]), picture(4)[..., :3]),
    ("unnamed fourth.tif", lambda p: tiff(p, picture(4), photometric="minisblack"), picture(4)),  # no alpha: kept
    ("planes.tif", lambda p: tiff(p, np.moveaxis(picture(5), 2, 0), planarconfig="separate"), picture(5)),
    ("int16.tif", lambda p: tiff(p, picture(1, np.int16)), picture(1, np.int16).astype(F32)),
    ("uint32.tif", lambda p: tiff(p, picture(1, np.uint32) >> 12), (picture(1, np.uint32) >> 12).astype(F32)),
    ("float64.tif", lambda p: tiff(p, picture(1, np.float64)), picture(1, F32)),
    ("float16.tif", lambda p: tiff(p, picture(1, np.float16)), picture(1, np.float16).astype(F32)),
    ("bits.png", lambda p: pillow(p, picture(1) > 99), ((picture(1) > 99) * 255).astype(U8)),
    ("bits.tif", lambda p: pillow(p, picture(1) > 99), ((picture(1) > 99) * 255).astype(U8)),
    ("fax.tif", lambda p: pillow(p, picture(1) > 99, compression="group4"), ((picture(1) > 99) * 255).astype(U8)),
    ("white is zero.tif", lambda p: tiff(p, picture(1), photometric="miniswhite"), 255 - picture(1)),
    ("deep white is zero.tif", lambda p: tiff(p, picture(1, U16), photometric="miniswhite"), 65535 - picture(1, U16)),
    (
        "imagej channels.tif",
        lambda p: tifffile.imwrite(p, np.moveaxis(picture(2, U16), 2, 0), imagej=True, metadata={"axes": "CYX"}),
        picture(2, U16),
    ),
    (
        "ome channels.ome.tif",
        lambda p: tifffile.imwrite(
            p, np.moveaxis(picture(4), 2, 0), photometric="minisblack", metadata={"axes": "CYX"}
        ),
        picture(4),
    ),
]


@pytest.mark.parametrize(("name", "write", "expected"), CONVERTED, ids=[row[0] for row in CONVERTED])
def test_other_values_become_plain_ones(tmp_path, name, write, expected):
    write(tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.dtype == expected.dtype
    np.testing.assert_array_equal(image, expected)
    info = read_info(tmp_path / name)
    assert (info.height_px, info.width_px, info.channels, info.dtype) == (*image.shape, image.dtype.name)


@pytest.mark.parametrize("name", ["palette.png", "palette.bmp", "palette.tif", "palette lzw.tif"])
def test_a_palette_becomes_colours(tmp_path, name):
    made = Image.fromarray(picture(3)).quantize(16)
    made.save(tmp_path / name, **({"compression": "tiff_lzw"} if "lzw" in name else {}))
    np.testing.assert_array_equal(read_image(tmp_path / name), np.asarray(made.convert("RGB")))
    assert read_info(tmp_path / name).channels == 3


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_jpeg_and_printing_colours_come_close(tmp_path, mode, ending):
    smooth = Image.fromarray(picture(3)).filter(ImageFilter.GaussianBlur(5))
    options = {"quality": 95, "compression": "jpeg"} if ending == "tif" and mode != "CMYK" else {"quality": 95}
    made = smooth.convert(mode)
    made.save(tmp_path / f"x.{ending}", **options)
    image = read_image(tmp_path / f"x.{ending}")
    expected = np.asarray(made if mode == "L" else made.convert("RGB")).reshape(image.shape)
    assert np.abs(image.astype(int) - expected).max() <= 8
    assert read_info(tmp_path / f"x.{ending}").channels == image.shape[2]


def test_the_kind_is_told_by_the_content_and_not_by_the_ending(tmp_path):
    pillow(tmp_path / "x.png", picture(3))
    (tmp_path / "x.png").rename(tmp_path / "x.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif"), picture(3))


TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "lzw", "lzw deep colour"])
def test_exif_orientation_is_applied(tmp_path, kind, orientation):
    upright, path = picture(3), tmp_path / f"x.{kind.split()[-1]}"
    if kind in ("png", "jpg"):
        exif = Image.Exif()
        exif[274] = orientation
        pillow(path, upright, exif=exif)
        upright = np.asarray(Image.open(path))  # before turning, with what JPEG lost
    elif kind == "lzw":
        pillow(path.with_suffix(".tif"), upright, compression="tiff_lzw", tiffinfo={274: orientation})
        path = path.with_suffix(".tif")
    elif kind == "tif":
        tiff(path, upright, extratags=[(274, 3, 1, orientation, True)])
    else:
        upright, path = picture(3, U16), tmp_path / "x.tif"
        lzw_tiff(path, upright, extratags=[(274, 3, 1, orientation, True)])
    np.testing.assert_array_equal(read_image(path), TURNED[orientation](upright))
    info = read_info(path)
    assert info.orientation == orientation
    assert (info.height_px, info.width_px) == ((WIDTH_PX, HEIGHT_PX) if orientation >= 5 else (HEIGHT_PX, WIDTH_PX))


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("row_filter", range(5))
def test_each_filter_of_a_deep_png_is_undone(tmp_path, channels, row_filter):
    values = np.random.default_rng(0).integers(0, 65536, (9, 11, channels)).astype(U16)
    image = read_image(deep_png(tmp_path / "x.png", values, filters=[row_filter]))
    np.testing.assert_array_equal(image, values[..., : 1 if channels == 2 else 3])


@pytest.mark.parametrize("dtype", [U8, U16, F32])
@pytest.mark.parametrize("predictor", [1, 2, 3])
def test_lzw_as_opencv_writes_it_is_read(tmp_path, dtype, predictor):
    cv2 = pytest.importorskip("cv2", reason="OpenCV is the oracle; it comes with lmsc-unet[train]")
    if predictor == 3 and dtype != F32:
        pytest.skip("this predictor is for floats")
    options = [cv2.IMWRITE_TIFF_COMPRESSION, 5, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    assert cv2.imwrite(str(tmp_path / "x.tif"), picture(3, dtype)[..., ::-1].copy(), options)
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif"), picture(3, dtype))
