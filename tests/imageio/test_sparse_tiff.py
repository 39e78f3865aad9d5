"""TIFFs that leave tiles or strips out where there is nothing, as GDAL writes them with SPARSE_OK."""

import zlib
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image

from lmsc_unet.imageio import open_rows, read_image, read_mask
from tests.imageio.pictures import picture

TILE_PX, LEFT_OUT = 16, (1, 4)


def deflate(tile):
    return zlib.compress(tile.tobytes())


def packbits(tile):
    return b"".join(b"\0" + bytes([one]) for one in tile.tobytes())


def jpeg(tile):
    stream = BytesIO()
    Image.fromarray(tile).save(stream, format="JPEG", quality=95, subsampling=0)
    return stream.getvalue()


def write(path, image, encode, compression, **options):
    """Tiles of which the second and the fifth are left out; what is to be read is returned, 0 standing for nothing."""
    tiles, expected = [], image.copy()
    for number, (top, left) in enumerate((y, x) for y in range(0, 32, TILE_PX) for x in range(0, 48, TILE_PX)):
        place = np.s_[top : top + TILE_PX, left : left + TILE_PX]
        tiles.append(b"" if number in LEFT_OUT else encode(image[place]))
        expected[place] = 0 if number in LEFT_OUT else image[place]
    options = {"photometric": "rgb" if image.ndim == 3 else "minisblack", "metadata": None, **options}
    kind = {"shape": image.shape, "dtype": image.dtype, "tile": (TILE_PX, TILE_PX), "compression": "zlib"}
    tifffile.imwrite(path, iter(tiles), **kind, **options)
    patch(path, 259, [compression])
    for code in (324, 325):  # offsets and counts
        patch(path, code, [None if number not in LEFT_OUT else 0 for number in range(len(tiles))])
    return expected


def patch(path, code, values):
    """Writes some of the values of a tag anew."""
    with tifffile.TiffFile(path) as file:
        tag = file.pages[0].tags[code]
    size = {3: 2, 4: 4, 16: 8}[int(tag.dtype)]
    data = bytearray(path.read_bytes())
    for number, value in enumerate(values):
        if value is not None:
            at = tag.valueoffset + number * size
            data[at : at + size] = value.to_bytes(size, "little")
    path.write_bytes(data)


def large(channels, dtype=np.uint8):
    image = picture(channels, dtype, height_px=32, width_px=48)
    return image if channels > 1 else image[..., 0]


LOSSLESS = [
    ("grey, uncompressed", large(1), lambda tile: tile.tobytes(), 1),
    ("grey, deflate", large(1), deflate, 8),
    ("grey, PackBits", large(1), packbits, 32773),
    ("colour, PackBits", large(3), packbits, 32773),
    ("16 bits, PackBits", large(1, np.uint16), packbits, 32773),
]
NAMES = [row[0] for row in LOSSLESS]


@pytest.mark.parametrize("tags", [[], [(42113, 2, 0, "-9999", True)]])  # the second: a value that none can have
@pytest.mark.parametrize(("image", "encode", "compression"), [row[1:] for row in LOSSLESS], ids=NAMES)
def test_what_is_left_out_is_zero(tmp_path, image, encode, compression, tags):
    expected = write(tmp_path / "x.tif", image, encode, compression, extratags=tags)
    read = read_image(tmp_path / "x.tif")
    np.testing.assert_array_equal(read, expected.reshape(read.shape))
    rows = open_rows(tmp_path / "x.tif", from_pixels=1)
    np.testing.assert_array_equal(np.concatenate(list(rows.blocks())), read)
    if image.ndim == 2:
        np.testing.assert_array_equal(read_mask(tmp_path / "x.tif"), expected)


def test_what_is_left_out_is_the_nodata_value(tmp_path):
    image = large(1, np.float32) + 1
    tags = [(42113, 2, 0, "-3.40282e+38", True)]
    expected = write(tmp_path / "x.tif", image, lambda tile: tile.tobytes(), 1, extratags=tags)
    expected[expected == 0] = np.finfo(np.float32).min
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif")[..., 0], expected)
    rows = open_rows(tmp_path / "x.tif", from_pixels=1)
    np.testing.assert_array_equal(np.concatenate(list(rows.blocks()))[..., 0], expected)


@pytest.mark.parametrize("photometric", ["ycbcr", "minisblack"])
def test_jpeg_tiles_may_be_left_out(tmp_path, photometric):
    smooth = np.add.outer(np.arange(32) * 4, np.arange(48) * 2).astype(np.uint8)
    image = np.stack([smooth, 255 - smooth, smooth // 2], -1) if photometric == "ycbcr" else smooth
    expected = write(tmp_path / "x.tif", image, jpeg, 7, photometric=photometric)
    read = read_image(tmp_path / "x.tif")
    assert np.abs(read.astype(int) - expected.reshape(read.shape)).max() <= 8
    assert (read[:TILE_PX, TILE_PX : 2 * TILE_PX] == 0).all()


@pytest.mark.parametrize("image", [picture(1)[..., 0], picture(3)])
def test_a_file_without_any_pixels_is_empty_and_not_its_own_header(tmp_path, image):
    options = {"photometric": "rgb" if image.ndim == 3 else "minisblack", "metadata": None}
    tifffile.imwrite(tmp_path / "x.tif", image, rowsperstrip=24, **options)
    patch(tmp_path / "x.tif", 273, [0])
    patch(tmp_path / "x.tif", 279, [0])
    assert not read_image(tmp_path / "x.tif").any()
    rows = open_rows(tmp_path / "x.tif", from_pixels=1)
    assert not np.concatenate(list(rows.blocks())).any()
