"""A picture read by rows is the picture read whole, whatever the file; what is cut off or too large is told."""

import tracemalloc
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from lmsc_unet.errors import DataError
from lmsc_unet.imageio import RowSource, as_source, open_rows, read_image, resize, resized
from tests.imageio.pictures import picture, pillow, tiff

SIZE = {"height_px": 300, "width_px": 210}
U8, U16, F32 = (picture(3, dtype, **SIZE) for dtype in (np.uint8, np.uint16, np.float32))


@pytest.mark.parametrize(
    ("array", "options"),
    [
        (U8, {}),  # one strip, row after row
        (U8, {"rowsperstrip": 7}),
        (U16, {"byteorder": ">"}),
        (U8, {"bigtiff": True, "tile": (64, 32)}),  # 300 is no multiple of 64, nor 210 of 32
        (U16, {"byteorder": ">", "tile": (128, 128), "compression": "zlib", "predictor": True}),
        (U8, {"compression": "zlib", "rowsperstrip": 1}),
        (F32, {"compression": "zlib", "rowsperstrip": 50}),
        (U8[..., :1], {"tile": (64, 64)}),
        (U8[..., :1] > 90, {}),  # bits
        (picture(4, **SIZE), {"extrasamples": ["unassalpha"], "tile": (64, 64)}),  # alpha is dropped
        (picture(5, **SIZE), {"rowsperstrip": 64}),
        (U8[..., :1], {"photometric": "miniswhite"}),
        (U8[..., :1], {"photometric": "palette", "colormap": np.random.default_rng(0).integers(0, 65536, (3, 256))}),
    ],
)
@pytest.mark.parametrize("block_bytes", [1 << 12, 1 << 22])
def test_rows_are_those_of_the_whole_picture(tmp_path, monkeypatch, array, options, block_bytes):
    monkeypatch.setattr("lmsc_unet.imageio.rows.BLOCK_BYTES", block_bytes)
    if "colormap" in options:
        options = options | {"colormap": options["colormap"].astype(np.uint16)}
    path = tiff(tmp_path / "large.tif", array, **options)
    source, whole = open_rows(path, from_pixels=1), read_image(path)
    assert source is not None
    assert (source.height_px, source.width_px, source.channels, source.dtype) == (*whole.shape, whole.dtype)
    blocks = list(source.blocks())
    assert len(blocks) > 1 or block_bytes > 1 << 20 or array.dtype == np.bool_  # a strip of bits is unpacked at once
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    np.testing.assert_array_equal(np.concatenate(list(source.blocks())), whole)  # it can be read again


def test_lzw_is_read_by_rows_too(tmp_path):
    path = pillow(tmp_path / "lzw.tif", U8, compression="tiff_lzw")
    np.testing.assert_array_equal(read_by_rows(path), read_image(path))


def test_what_is_small_or_no_tiff_or_turned_is_left_to_be_decoded_whole(tmp_path):
    assert open_rows(tiff(tmp_path / "small.tif", U8)) is None
    assert open_rows(pillow(tmp_path / "large.png", U8), from_pixels=1) is None
    turned = tiff(tmp_path / "turned.tif", U8, extratags=[(274, "H", 1, 6, True)])
    assert open_rows(turned, from_pixels=1) is None
    planes = tiff(tmp_path / "planes.tif", np.moveaxis(U8, 2, 0), planarconfig="separate", photometric="rgb")
    assert open_rows(planes, from_pixels=1) is None


def test_tiles_that_the_file_leaves_out_are_zero(tmp_path):
    tiles = (None if index % 3 else np.full((64, 64, 3), 200, np.uint8) for index in range(20))
    path = tmp_path / "sparse.tif"
    tifffile.imwrite(path, tiles, shape=(300, 210, 3), dtype=np.uint8, tile=(64, 64), photometric="rgb")
    np.testing.assert_array_equal(read_by_rows(path), tifffile.imread(path))


@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "tile": (64, 64)}])
def test_a_truncated_file_is_told_with_its_name(tmp_path, options):
    path = tiff(tmp_path / "cut.tif", U8, **options)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"cut\.tif: .*(truncated|damaged)"):
        read_by_rows(path)


def read_by_rows(path):
    source = open_rows(path, from_pixels=1)
    assert source is not None
    return np.concatenate(list(source.blocks()))


def test_infinite_values_are_told_when_they_are_met_and_nan_passes(tmp_path):
    array = F32.copy()
    array[250, 3] = np.nan  # I8: nothing is known there
    np.testing.assert_array_equal(read_by_rows(tiff(tmp_path / "nan.tif", array)), array)
    array[20, 3] = np.inf
    with pytest.raises(DataError, match=r"inf\.tif: it holds values that are infinite"):
        read_by_rows(tiff(tmp_path / "inf.tif", array))


def test_infinity_that_the_file_calls_nodata_is_nan(tmp_path):
    array = F32.copy()
    array[20] = -np.inf
    rows = read_by_rows(tiff(tmp_path / "a.tif", array, extratags=[(42113, 2, 0, "-inf", True)], metadata=None))
    np.testing.assert_array_equal(rows, np.where(np.isinf(array), np.nan, array))


def test_a_strip_never_inflates_beyond_its_pixels(tmp_path):
    """A strip of zeros that would be a thousand times as large; tifffile itself would decode all of it."""
    path = tiff(tmp_path / "bomb.tif", np.zeros((64, 64), np.uint8), compression="zlib", rowsperstrip=64)
    with tifffile.TiffFile(path) as file:
        decode = file.pages[0].decode
    bomb = zlib.compress(bytes(50_000_000))
    tracemalloc.start()
    decoded, _, _ = decode(bomb, 0)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert decoded.shape == (1, 64, 64, 1)
    assert peak_bytes < 1_000_000


@settings(max_examples=60)
@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 40)),
    after=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    channels=st.sampled_from([1, 3]),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float32]),
    is_halved=st.booleans(),
)
def test_resizing_by_rows_gives_the_pixels_of_resizing_the_whole(size, after, cuts, channels, dtype, is_halved):
    if is_halved:
        size, after = (2 * size[0], 2 * size[1]), size
    array = picture(channels, dtype, *size)
    blocks = [block for block in np.split(array, sorted(cut for cut in cuts if cut < size[0])) if len(block)]
    source = RowSource(
        height_px=size[0], width_px=size[1], channels=channels, dtype=array.dtype, blocks=lambda: iter(blocks)
    )
    np.testing.assert_array_equal(np.concatenate(list(resized(source, *after).blocks())), resize(array, *after))


def test_windows_come_from_blocks_of_any_height():
    array = picture(3, **SIZE)
    blocks = np.split(array, [1, 50, 51, 190])
    rolling = RowSource(
        height_px=300, width_px=210, channels=3, dtype=array.dtype, blocks=lambda: iter(blocks)
    ).rolling()
    for rows in (slice(0, 40), slice(0, 40), slice(30, 60), slice(45, 200), slice(199, 300)):
        for columns in (slice(0, 210), slice(5, 77)):
            np.testing.assert_array_equal(rolling.window(rows, columns), array[rows, columns])
    assert as_source(array).rolling().window(slice(2, 4), slice(0, 9)).base is not None  # no copy of what is in memory
