"""TIFFs as other programs write them: which pages are the image, how its axes lie, and what its values are."""

import struct
import zlib
from importlib.util import find_spec

import numpy as np
import pytest
import tifffile
from PIL import Image

from lmsc_unet.errors import DataError
from lmsc_unet.imageio import IMAGE_SUFFIXES, open_rows, read_image, read_info, read_mask
from tests.imageio.pictures import picture, pillow, tiff

U8, F32 = np.uint8, np.float32
TILES = {"photometric": "rgb", "tile": (16, 16), "compression": "zlib", "metadata": None}


def read_all(path):
    """The image, after a look that header, rows and mask say the same about it."""
    image, info = read_image(path), read_info(path)
    assert (info.height_px, info.width_px, info.channels, info.dtype) == (*image.shape, image.dtype.name)
    rows = open_rows(path, from_pixels=1)
    if rows is not None:
        np.testing.assert_array_equal(np.concatenate(list(rows.blocks())), image)
    return image


LAYOUTS = [
    ("one page of a stack", picture(1).transpose(2, 0, 1), {}, picture(1)),  # I11
    ("a batch of one", picture(1).transpose(2, 0, 1)[None], {}, picture(1)),
    ("a batch of one in colour", picture(3)[None], {"photometric": "rgb"}, picture(3)),
    ("two channels last", picture(2), {}, picture(2)),  # I12
    ("five channels last", picture(5), {}, picture(5)),
    ("sixteen floats last", picture(16, F32), {}, picture(16, F32)),
    ("three floats last", picture(3, F32), {"photometric": "minisblack"}, picture(3, F32)),
    ("channels last without a note", picture(5), {"metadata": None}, picture(5)),
    ("channels last, deflate", picture(5), {"compression": "zlib"}, picture(5)),
    ("channels last behind one header", picture(5), {"metadata": {"truncate": True}}, picture(5)),
    ("a batch of one, channels last", picture(5)[None], {}, picture(5)),
]


@pytest.mark.parametrize(
    ("array", "options", "expected"), [row[1:] for row in LAYOUTS], ids=[row[0] for row in LAYOUTS]
)
def test_axes_are_understood_as_arrays_are_saved(tmp_path, array, options, expected):
    tifffile.imwrite(tmp_path / "x.tif", array, **{"photometric": "minisblack", **options})
    np.testing.assert_array_equal(read_all(tmp_path / "x.tif"), expected)


NO_IMAGE = [
    ("seventeen last", picture(17), {}, "it holds 24 pages"),
    ("few rows", picture(5, height_px=16), {}, "it holds 16 pages"),  # may as well be a stack of narrow images
    ("narrow images in time", picture(5), {"imagej": True, "metadata": {"axes": "TYX"}}, "axes TYX"),
]


@pytest.mark.parametrize(
    ("array", "options", "message"), [row[1:] for row in NO_IMAGE], ids=[row[0] for row in NO_IMAGE]
)
def test_what_may_be_a_stack_is_refused(tmp_path, array, options, message):  # I12
    tifffile.imwrite(tmp_path / "x.tif", array, **{"photometric": "minisblack", **options})
    with pytest.raises(DataError, match=message):
        read_image(tmp_path / "x.tif")


def slide(path, full, small):
    """A slide as Aperio's scanners write it: thumbnail, levels, label and macro behind the image."""
    name = "Aperio Image Library v12.0.5 \r\n40x24 [0,0 40x24] (16x16) J/JPEG Q=70|AppMag = 20"
    page = {"photometric": "rgb", "metadata": None}
    with tifffile.TiffWriter(path) as file:
        file.write(full, description=name, **TILES)
        file.write(small, description="Aperio Image Library v12.0.5 \r\n40x24 -> 10x6 - |AppMag = 20", **page)
        file.write(full[::2, ::2], description=name, **TILES)
        file.write(small, subfiletype=1, description="Aperio Image Library v12.0.5 \r\nlabel 10x6", **page)
        file.write(small, subfiletype=9, description="Aperio Image Library v12.0.5 \r\nmacro 10x6", **page)


def masked(path, full, small):
    """A cloud-optimised GeoTIFF with an internal mask, at each of its levels, as GDAL makes of a JPEG."""
    mask = {"photometric": "mask", "compression": "zlib", "metadata": None}
    with tifffile.TiffWriter(path) as file:
        file.write(full, **TILES)
        file.write(np.ones(full.shape[:2], bool), subfiletype=4, **mask)
        file.write(small, subfiletype=1, **TILES)
        file.write(np.ones(small.shape[:2], bool), subfiletype=5, **mask)


def with_children(path, full, small):
    """Pages below the first one that are no smaller copies by their tags."""
    with tifffile.TiffWriter(path) as file:
        file.write(full, subifds=2, **TILES)
        file.write(small, photometric="rgb", metadata=None)
        file.write(small[:3], photometric="rgb", metadata=None)


def preview_first(path, full, small):
    with tifffile.TiffWriter(path) as file:
        file.write(small, subfiletype=1, photometric="rgb", metadata=None)
        file.write(full, **TILES)


def only_reduced(path, full, small):
    """One page, whose writer calls it a smaller copy of another file's."""
    tifffile.imwrite(path, full, subfiletype=1, **TILES)


@pytest.mark.parametrize(
    "write",
    [slide, masked, with_children, preview_first, only_reduced],  # I13, I13 and I16, I16
)
def test_the_image_is_found_among_what_is_stored_beside_it(tmp_path, write):
    write(tmp_path / "x.tif", picture(3), picture(3)[::4, ::4])
    np.testing.assert_array_equal(read_all(tmp_path / "x.tif"), picture(3))


def test_a_packed_image_behind_a_preview_is_the_one_that_is_decoded(tmp_path):  # I16
    small, full = (Image.fromarray(one) for one in (picture(3)[::4, ::4].copy(), picture(3)))
    small.save(tmp_path / "x.tif", save_all=True, append_images=[full], compression="tiff_lzw", tiffinfo={254: 1})
    data = bytearray((tmp_path / "x.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "x.tif") as file:
        tag = file.pages[1].tags.get(254)
        if tag is not None:
            data[tag.valueoffset : tag.valueoffset + 4] = bytes(4)
    (tmp_path / "x.tif").write_bytes(data)
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif"), picture(3))


def test_slides_count_as_pictures():  # I13
    assert ".svs" in IMAGE_SUFFIXES


OME = (
    '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="40" SizeY="24" SizeC="2" '
    'SizeZ="1" SizeT="1"><Channel ID="Channel:0:0"/><Channel ID="Channel:0:1"/>{}</Pixels></Image></OME>'
)
PLANE = '<TiffData FirstC="{0}" IFD="0" PlaneCount="1"><UUID FileName="c{0}.ome.tif">urn:uuid:{0}</UUID></TiffData>'


@pytest.mark.parametrize("names", [["c0.ome.tif", "c1.ome.tif"], ["c0.ome.tif"], ["c1.ome.tif"], ["renamed.tif"]])
def test_a_file_of_an_ome_set_holds_its_own_pages(tmp_path, caplog, names):  # I28
    described = OME.format(PLANE.format(0) + PLANE.format(1))
    for index, name in enumerate(names):
        tifffile.imwrite(tmp_path / name, picture(2)[..., index], metadata=None, description=described)
    for index, name in enumerate(names):
        np.testing.assert_array_equal(read_all(tmp_path / name), picture(2)[..., index : index + 1])
    assert not caplog.records


def test_pages_that_ome_metadata_name_but_the_file_lacks_are_no_zeros(tmp_path):  # I28
    described = OME.format('<TiffData FirstC="0" IFD="0" PlaneCount="1"/>')
    tifffile.imwrite(tmp_path / "x.ome.tif", picture(1)[..., 0], metadata=None, description=described)
    with pytest.raises(DataError, match=r"pages are missing: its metadata name 2\. Copy or export it again"):
        read_image(tmp_path / "x.ome.tif")


@pytest.mark.parametrize("largest", [65535, 255])  # I29: the second is what old GIS programs write
def test_a_palette_of_8_bits_is_one_of_16(tmp_path, largest):
    ramp = np.stack([np.arange(256), np.arange(256)[::-1], np.full(256, 7)]).astype(np.uint16) * (largest // 255)
    tifffile.imwrite(tmp_path / "x.tif", picture(1)[..., 0], photometric="palette", colormap=ramp)
    grey = picture(1)
    np.testing.assert_array_equal(
        read_all(tmp_path / "x.tif"), np.concatenate([grey, 255 - grey, np.full_like(grey, 7)], -1)
    )


def packed_tiff(path, values, bits, compression=1):
    """Values "H W C" of any number of bits, packed, a row beginning with a new byte."""
    height_px, width_px, channels = values.shape
    rows = (values.reshape(height_px, -1, 1) >> np.arange(bits)[::-1] & 1).astype(U8).reshape(height_px, -1)
    strip = np.packbits(rows, axis=1).tobytes()
    strip = zlib.compress(strip) if compression == 8 else strip
    strip = b"".join(b"\0" + bytes([one]) for one in strip) if compression == 32773 else strip
    entries = [
        *((256, 4, 1, width_px), (257, 4, 1, height_px), (258, 3, channels, bits), (259, 3, 1, compression)),
        *((262, 3, 1, 2 if channels == 3 else 1), (273, 4, 1, 122 + 6), (277, 3, 1, channels)),
        *((278, 4, 1, height_px), (279, 4, 1, len(strip))),
    ]
    entries = [(code, kind, count, 122 if count == 3 else value) for code, kind, count, value in entries]
    head = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    bits_a_sample = struct.pack("<HHH", bits, bits, bits)
    path.write_bytes(struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + head + bytes(4) + bits_a_sample + strip)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize(("bits", "step"), [(2, 85), (3, 36), (4, 17), (6, 4), (10, 1), (12, 1), (14, 1)])
def test_odd_numbers_of_bits_are_read(tmp_path, bits, step, compression, channels):  # I15
    values = picture(channels, np.uint16, 9, 13) % 2**bits
    packed_tiff(tmp_path / "x.tif", values, bits, compression)
    np.testing.assert_array_equal(read_all(tmp_path / "x.tif"), values * step)
    if channels == 1:
        np.testing.assert_array_equal(read_mask(tmp_path / "x.tif"), values[..., 0])


@pytest.mark.parametrize("bits", [2, 4, 12])
def test_odd_numbers_of_bits_are_read_where_pillow_can(tmp_path, bits):  # I15
    values = picture(1, np.uint16, 9, 13) % 2**bits
    packed_tiff(tmp_path / "x.tif", values, bits, compression=32773)
    np.testing.assert_array_equal(read_mask(tmp_path / "x.tif"), values[..., 0])
    read_all(tmp_path / "x.tif")


def webp(path):
    tifffile.imwrite(path, iter([b"RIFF0000WEBP"]), shape=(24, 40, 3), dtype=U8, photometric="rgb", compression="zlib")
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].tags["Compression"].valueoffset
    data = bytearray(path.read_bytes())
    data[at : at + 2] = (50001).to_bytes(2, "little")
    path.write_bytes(data)


@pytest.mark.skipif(find_spec("imagecodecs") is not None, reason="imagecodecs is installed and decodes it")
@pytest.mark.parametrize(
    ("write", "message"),
    [
        (webp, "its compression WEBP with 3 channels of uint8"),
        (lambda p: packed_tiff(p, picture(3, np.uint16) % 1024, 10, 32773), "PACKBITS with 3 channels of uint16"),
    ],
)
def test_what_needs_another_decoder_is_not_called_damaged(tmp_path, capfd, write, message):  # I15
    write(tmp_path / "x.tif")
    with pytest.raises(DataError, match=rf"x\.tif: .*{message} needs another decoder\. Run `pip install imagecodecs`"):
        read_image(tmp_path / "x.tif")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits"])
def test_bits_are_read_by_rows_as_they_are_read_whole(tmp_path, compression):  # I15
    pillow(tmp_path / "x.tif", picture(1) > 99, compression=compression)
    np.testing.assert_array_equal(read_all(tmp_path / "x.tif"), (picture(1) > 99) * 255)


def test_one_header_for_several_pages_is_not_read_by_rows(tmp_path):
    stack = picture(3, np.uint16).transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "x.tif", stack, imagej=True, metadata={"axes": "CYX"}, contiguous=True)
    np.testing.assert_array_equal(read_all(tmp_path / "x.tif"), picture(3, np.uint16))


def test_other_programs_log_nothing_through_us(tmp_path, caplog):
    tiff(tmp_path / "x.tif", picture(1), extratags=[(42113, 2, 0, "-9999", True)])  # no value of 8 bits
    read_all(tmp_path / "x.tif")
    assert not caplog.records
    tifffile.TiffFile(tmp_path / "x.tif").close()
    assert "not castable" in caplog.text  # other users of tifffile are still told
