"""Bad files: each is refused with its name and the reason, and none is read by half."""

import struct
import zlib
from contextlib import suppress
from importlib.util import find_spec
from io import BytesIO
from unittest.mock import Mock

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lmsc_unet.errors import DataError
from lmsc_unet.imageio import MAX_PIXELS, raster, read_image, read_info, read_mask
from lmsc_unet.imageio.tiff import reader as tiff_module
from tests.imageio.pictures import deep_png, lzw_tiff, picture, pillow, tiff

WHOLE_FILES = {
    "grey.png": lambda p: pillow(p, picture(1)),
    "deep.png": lambda p: deep_png(p, picture(3, np.uint16)),
    "palette.png": lambda p: Image.fromarray(picture(3)).quantize(8).save(p),
    "baseline.jpg": lambda p: pillow(p, picture(3)),
    "progressive.jpg": lambda p: pillow(p, picture(3), progressive=True),
    "colour.bmp": lambda p: pillow(p, picture(3)),
    "palette.gif": lambda p: Image.fromarray(picture(3)).quantize(8).save(p),
    "colour.webp": lambda p: pillow(p, picture(3), lossless=True),
    "lossy.webp": lambda p: pillow(p, picture(3)),
    "colour.jp2": lambda p: pillow(p, picture(3)),
    "bare codestream.j2k": lambda p: pillow(p, picture(1)),
    "array.npy": lambda p: np.save(p, picture(3, np.uint16)),
    "strips.tif": lambda p: tiff(p, picture(3), rowsperstrip=8),
    "deflate.tif": lambda p: tiff(p, picture(1, np.uint16), compression="zlib", rowsperstrip=8),
    "tiles.tif": lambda p: tiff(p, picture(1), tile=(16, 16)),
    "lzw.tif": lambda p: pillow(p, picture(3), compression="tiff_lzw"),
    "lzw deep.tif": lambda p: lzw_tiff(p, picture(3, np.uint16)),
    "packbits.tif": lambda p: pillow(p, picture(3), compression="packbits"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    for name, write in WHOLE_FILES.items():
        write(folder / name)
    return {name: (folder / name).read_bytes() for name in WHOLE_FILES}


@pytest.mark.filterwarnings("ignore:Truncated File Read")
@pytest.mark.parametrize("name", WHOLE_FILES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path, whole, name, share):
    path = tmp_path / name
    path.write_bytes(whole[name][: int(share * len(whole[name]))])
    with pytest.raises(DataError, match=name):
        read_image(path)


@pytest.mark.parametrize("name", [name for name in WHOLE_FILES if name.endswith(("png", "jpg"))])
def test_a_file_whose_end_is_zeros_is_refused(tmp_path, whole, name):
    """What a crash leaves behind: the right length, but not the last blocks."""
    data = whole[name]
    (tmp_path / name).write_bytes(data[: len(data) * 2 // 3] + bytes(len(data) - len(data) * 2 // 3))
    with pytest.raises(DataError, match="truncated"):
        read_image(tmp_path / name)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_byte_brings_another_error_than_ours(tmp_path, whole, data):
    name = data.draw(st.sampled_from(sorted(whole)))
    content = bytearray(whole[name])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content), 400) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / name
    path.write_bytes(content)
    for read in (read_image, read_mask, read_info):
        with suppress(DataError):
            read(path)


MESSAGES = [
    ("empty.png", b"", "the file is empty (0 bytes). Copy or export it again."),
    ("page.png", b"<html>404</html>", "the content is no PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000 or .npy."),
    ("short.png", b"\x89PNG\r\n\x1a\n\0\0", "truncated or damaged"),
    ("short.jpg", b"\xff\xd8\xff\xe0", "truncated or damaged"),
    ("short.tif", b"II*\0\x08\0\0\0", "truncated or damaged"),
    ("short.bmp", b"BM\0\0", "truncated or damaged"),
]


@pytest.mark.parametrize(("name", "content", "message"), MESSAGES, ids=[row[0] for row in MESSAGES])
def test_what_is_no_picture_is_said_so(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    for read in (read_image, read_mask, read_info):
        with pytest.raises(DataError) as caught:
            read(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: ")
        assert message in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.png: there is no such file"):
        read_image(tmp_path / "gone.png")
    (tmp_path / "a.png").mkdir()
    with pytest.raises(DataError, match=r"a\.png: this is a folder, not a picture"):
        read_image(tmp_path / "a.png")


def _png_bomb(path):
    """60000 x 60000 px in the header, and next to nothing behind it."""
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"")) + _chunk(b"IEND", b"")
    )


def _chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _bmp_bomb(path):
    header = struct.pack("<IiiHHIIiiII", 40, 60000, 60000, 1, 24, 0, 0, 2835, 2835, 0, 0)
    path.write_bytes(b"BM" + struct.pack("<IHHI", 54 + 100, 0, 0, 54) + header + bytes(100))


def _tiff_bomb(path):
    options = {"shape": (60000, 60000), "dtype": np.uint8, "compression": "zlib", "tile": (50000, 50000)}
    tifffile.imwrite(path, iter([b""] * 4), **options)


def _jpeg_bomb(path):
    pillow(path, picture(1))
    data = path.read_bytes()
    at = data.index(b"\xff\xc0") + 5
    path.write_bytes(data[:at] + struct.pack(">HH", 60000, 60000) + data[at + 4 :])


@pytest.mark.parametrize("write", [_png_bomb, _bmp_bomb, _tiff_bomb, _jpeg_bomb])
def test_a_decompression_bomb_is_refused_by_its_header(tmp_path, write):
    path = tmp_path / "bomb.jpg"
    write(path)
    with pytest.raises(DataError, match=r"the header announces 60000 x 60000 px .* limit of 268435456 px .*max_pixels"):
        read_image(path)
    assert read_info(path).height_px == 60000


def test_the_limit_is_the_callers(tmp_path):
    path = pillow(tmp_path / "x.png", picture(1, height_px=10, width_px=10))
    assert read_image(path, max_pixels=100).shape == (10, 10, 1)
    with pytest.raises(DataError, match="limit of 99 px"):
        read_image(path, max_pixels=99)
    with pytest.raises(DataError, match="limit of 99 px"):
        read_mask(path, max_pixels=99)
    assert MAX_PIXELS == 16384**2


def test_many_channels_are_a_bomb_too(tmp_path):
    tiff(tmp_path / "x.tif", picture(200, height_px=10, width_px=10))
    with pytest.raises(DataError, match=r"200 channels of uint8.*bomb"):
        read_image(tmp_path / "x.tif", max_pixels=1000)


def test_a_strip_that_inflates_without_end_is_refused(tmp_path):
    """The header says 16 x 16 px, the strip holds 8 MB of zeros."""
    strip = zlib.compress(bytes(2**23))
    tifffile.imwrite(tmp_path / "x.tif", iter([strip]), shape=(16, 16), dtype=np.uint8, compression="zlib")
    with pytest.raises(DataError, match=r"a strip of \d+ bytes inflates to more than 1048576"):
        read_image(tmp_path / "x.tif", max_pixels=2**16)


PAGES = [
    ("pages.tif", {}, r"it holds 3 pages \(3 x 24 x 40, axes QYX; the file does not say what the first is\)"),
    ("depth.tif", {"imagej": True, "metadata": {"axes": "ZYX"}}, r"it holds \d pages \(3 x 24 x 40, axes ZYX\)"),
    ("time.ome.tif", {"metadata": {"axes": "TYX"}}, r"it holds 3 pages \(3 x 24 x 40, axes TYX\)"),
]


@pytest.mark.parametrize(("name", "options", "message"), PAGES, ids=[row[0] for row in PAGES])
def test_several_pages_are_refused_with_the_way_to_save_channels(tmp_path, name, options, message):
    stack = np.moveaxis(picture(3), 2, 0)
    tifffile.imwrite(tmp_path / name, stack, photometric="minisblack", **options)
    with pytest.raises(DataError, match=message + r"\. One image per file is needed.*planarconfig='contig'"):
        read_image(tmp_path / name)


def test_pages_of_different_sizes_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(picture(1)[..., 0])
        file.write(picture(1)[:9, :9, 0])
    with pytest.raises(DataError, match="it holds 2 pages of 2 images"):
        read_image(tmp_path / "x.tif")


def test_a_preview_beside_the_image_is_passed_over(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(picture(3), photometric="rgb")
        file.write(picture(3)[::4, ::4], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif"), picture(3))


@pytest.mark.skipif(find_spec("imagecodecs") is not None, reason="imagecodecs is installed and decodes it")
def test_a_compression_that_nothing_here_decodes_says_what_to_install(tmp_path):
    data = bytearray(lzw_tiff(tmp_path / "x.tif", picture(3, np.uint16)).read_bytes())
    with tifffile.TiffFile(tmp_path / "x.tif") as file:
        entry = file.pages[0].tags["Compression"]
    data[entry.valueoffset : entry.valueoffset + 2] = (50000).to_bytes(2, "little")  # Zstandard
    (tmp_path / "x.tif").write_bytes(data)
    with pytest.raises(
        DataError, match=r"x\.tif: its compression ZSTD with 3 channels of uint16 .*pip install imagecodecs"
    ):
        read_image(tmp_path / "x.tif")


def test_lab_colours_and_complex_numbers_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "lab.tif", picture(3), photometric="cielab")
    with pytest.raises(DataError, match=r"its colours are of the kind CIELAB\. Save it as grey or RGB"):
        read_image(tmp_path / "lab.tif")
    tifffile.imwrite(tmp_path / "complex.tif", picture(1)[..., 0].astype(np.complex64))
    with pytest.raises(DataError, match="the values are of type complex64; integers or floats are needed"):
        read_image(tmp_path / "complex.tif")


def test_our_own_faults_are_not_called_damage(tmp_path, monkeypatch):  # B10
    for name, module, function in (("x.png", raster, "raster_pixels"), ("x.tif", tiff_module, "find_image")):
        (pillow if name == "x.png" else tiff)(tmp_path / name, picture(3))
        for fault in (NameError("name 'x' is not defined"), TypeError("no"), AssertionError()):
            monkeypatch.setattr(module, function, Mock(side_effect=fault))
            with pytest.raises(type(fault)):
                read_image(tmp_path / name)


HEADERS = [(259, 77), (278, 0), (322, 0), (277, 0), (256, 0), (262, 99), (258, 77)]


@pytest.mark.parametrize("name", [name for name in WHOLE_FILES if name.endswith("tif")])
def test_what_a_decoder_says_is_left_out(tmp_path, whole, name):  # B10
    """Decoders stumble over a header in words of their own: 'int' object has no attribute 'name'."""
    with tifffile.TiffFile(BytesIO(whole[name])) as file:
        tags = dict(file.pages[0].tags.items())
    for code, value in (one for one in HEADERS if one[0] in tags):
        data = bytearray(whole[name])
        data[tags[code].valueoffset : tags[code].valueoffset + 2] = value.to_bytes(2, "little")
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=r"(Copy or export it again|Save it with.*|Save it as grey or RGB)\.$"):
            read_image(tmp_path / name)


def test_a_file_that_cannot_be_read_is_not_called_damaged(tmp_path, monkeypatch):  # B10
    pillow(tmp_path / "x.png", picture(3))
    monkeypatch.setattr(type(tmp_path), "read_bytes", Mock(side_effect=OSError(5, "Input/output error")))
    with pytest.raises(DataError, match=r"x\.png: the file cannot be read \(Input/output error\)"):
        read_image(tmp_path / "x.png")


@pytest.mark.parametrize("number", [0, 1])
def test_pages_that_lead_in_a_circle_come_to_an_end(tmp_path, number):
    """The last page names the first or itself as the next, or a place within: tifffile alone would never return."""
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(picture(3), photometric="rgb", metadata=None)
        file.write(picture(3), photometric="rgb", metadata=None)
    with tifffile.TiffFile(tmp_path / "x.tif") as file:
        last, target = file.pages[1], file.pages[number]
        at = last.offset + 2 + 12 * len(last.tags)
    for shift in (0, 12):
        data = bytearray((tmp_path / "x.tif").read_bytes())
        data[at : at + 4] = struct.pack("<I", target.offset + shift)
        (tmp_path / "y.tif").write_bytes(data)
        with pytest.raises(DataError):
            read_image(tmp_path / "y.tif")
