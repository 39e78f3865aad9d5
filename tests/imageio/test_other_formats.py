"""GIF, WebP, JPEG 2000 and NumPy arrays, as images and as masks."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image

from lmsc_unet.errors import DataError
from lmsc_unet.imageio import folder_contents, read_image, read_info, read_mask, read_stored_mask
from tests.imageio.pictures import picture, pillow

IDS = (np.mgrid[:24, :40].sum(axis=0) % 4).astype(np.uint8)


def _npy(path, array):
    np.save(path, array)
    return path


IMAGES = [  # I14
    ("grey.gif", lambda p: pillow(p, picture(1)), np.repeat(picture(1), 3, axis=2)),  # a palette counts as three
    ("colour.webp", lambda p: pillow(p, picture(3), lossless=True), picture(3)),
    ("alpha.webp", lambda p: pillow(p, picture(4), lossless=True, exact=True), picture(4)[..., :3]),
    ("grey.jp2", lambda p: pillow(p, picture(1)), picture(1)),
    ("colour.jp2", lambda p: pillow(p, picture(3)), picture(3)),
    ("deep.j2k", lambda p: pillow(p, picture(1, np.uint16)), picture(1, np.uint16)),
    ("grey.jfif", lambda p: pillow(p, picture(1) * 0 + 90, format="JPEG"), picture(1) * 0 + 90),
    ("webp.jpg", lambda p: pillow(p, picture(3), format="WEBP", lossless=True), picture(3)),  # told by the content
    ("plain.npy", lambda p: _npy(p, picture(1)[..., 0]), picture(1)),
    ("colour.npy", lambda p: _npy(p, picture(3)), picture(3)),
    ("five channels.npy", lambda p: _npy(p, picture(5, np.uint16)), picture(5, np.uint16)),
    ("big-endian.npy", lambda p: _npy(p, picture(1, np.uint16).astype(">u2")), picture(1, np.uint16)),
    ("by columns.npy", lambda p: _npy(p, np.asfortranarray(picture(3))), picture(3)),
    ("double.npy", lambda p: _npy(p, picture(2, np.float64)), picture(2, np.float64).astype(np.float32)),
    ("bool.npy", lambda p: _npy(p, picture(1) > 99), ((picture(1) > 99) * 255).astype(np.uint8)),
]


@pytest.mark.parametrize(("name", "write", "expected"), IMAGES, ids=[row[0] for row in IMAGES])
def test_images_of_other_kinds_are_read(tmp_path, name, write, expected):
    write(tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.dtype == expected.dtype
    np.testing.assert_array_equal(image, expected)
    info = read_info(tmp_path / name)
    assert (info.height_px, info.width_px, info.channels, info.dtype) == (*image.shape, image.dtype.name)


MASKS = [
    ("ids.webp", lambda p: pillow(p, np.dstack([IDS] * 3), lossless=True), IDS),
    ("ids.jp2", lambda p: pillow(p, IDS[..., None]), IDS),
    ("ids.npy", lambda p: _npy(p, IDS), IDS),
    ("wide.npy", lambda p: _npy(p, IDS.astype(np.int64) * 100_000), IDS.astype(np.int64) * 100_000),
    ("bool.npy", lambda p: _npy(p, IDS > 1), (IDS > 1).astype(np.uint8)),
]


@pytest.mark.parametrize(("name", "write", "expected"), MASKS, ids=[row[0] for row in MASKS])
def test_masks_of_other_kinds_give_the_integers_in_the_file(tmp_path, name, write, expected):
    write(tmp_path / name)
    np.testing.assert_array_equal(read_mask(tmp_path / name), expected)


def test_a_gif_of_two_values_keeps_its_shape(tmp_path):  # Carvana's masks
    pillow(tmp_path / "x.gif", (IDS > 1)[..., None] * np.uint8(255))
    np.testing.assert_array_equal(read_mask(tmp_path / "x.gif") > 0, IDS > 1)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("x.webp", {"lossless": True}, False),
        ("x.webp", {}, True),
        ("x.jp2", {}, False),
        ("x.jp2", {"irreversible": True}, True),
        ("x.gif", {}, False),
    ],
)
def test_lossy_masks_of_other_kinds_are_told(tmp_path, name, options, expected):
    pillow(tmp_path / name, IDS[..., None] * np.uint8(60), **options)
    assert read_stored_mask(tmp_path / name).is_lossy == expected


def _j2k_of_12_bits(path):
    """Values of 12 bits in a file that says so; Pillow writes 16 around their middle, and the header is changed."""
    stream = io.BytesIO()
    Image.fromarray(IDS.astype(np.uint16) + 2**15 - 2**11).save(stream, "JPEG2000", no_jp2=True)
    data = bytearray(stream.getvalue())
    data[42] = 11
    path.write_bytes(data)


def _deep_colour(path):
    stream = io.BytesIO()
    Image.fromarray(picture(3)).save(stream, "JPEG2000", no_jp2=True)
    data = bytearray(stream.getvalue())
    data[42] = data[45] = data[48] = 15
    path.write_bytes(data)


def _animation(path):
    first, second = (Image.fromarray(picture(3) // n) for n in (1, 2))
    first.save(path, save_all=True, append_images=[second])


REFUSED = [
    ("moving.gif", _animation, "it is an animation of 2 frames. One image per file is needed"),
    ("moving.webp", _animation, "it is an animation of 2 frames"),
    ("deep.j2k", _deep_colour, "it is JPEG 2000 of 3 channels with 16, 16, 16 bits. Grey of up to 16 bits"),
    ("objects.npy", lambda p: _npy(p, np.array({"masks": 1}, object)), "it holds Python objects, which are not read"),
    ("records.npy", lambda p: _npy(p, np.zeros((4, 4), "u1,u1")), "it holds records with named fields"),
    ("line.npy", lambda p: _npy(p, np.zeros(9)), r"the array has the shape \(9,\). Height x width is needed"),
    ("planes.npy", lambda p: _npy(p, np.zeros((3, 24, 40))), "looks like channels x height x width. Save it with the"),
    ("complex.npy", lambda p: _npy(p, np.zeros((4, 4), complex)), "the values are of type complex128"),
]


@pytest.mark.parametrize(("name", "write", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_would_be_changed_or_could_run_code_is_refused(tmp_path, name, write, message):
    write(tmp_path / name)
    with pytest.raises(DataError, match=message):
        read_image(tmp_path / name)


def test_no_code_of_an_npy_is_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    header = b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }"
    (tmp_path / "x.npy").write_bytes(header.ljust(127) + b"\n" + pickle.dumps([Evil()]))
    for read in (read_image, read_mask, read_info):
        with pytest.raises(DataError, match="Python objects"):
            read(tmp_path / "x.npy")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("bracket", [b"(", b"]", b"'"])  # three errors of NumPy
def test_a_damaged_header_of_an_npy_is_an_error_of_that_file(tmp_path, bracket):
    path = tmp_path / "a.npy"
    np.save(path, picture(3))
    content = path.read_bytes()
    end = content.index(b"}") + 4
    path.write_bytes(content[:end] + bracket + content[end + 1 :])
    assert list(folder_contents(tmp_path).pictures) == [path]
    with pytest.raises(DataError, match="truncated or damaged"):
        read_image(path)


def test_few_bits_of_jpeg_2000_stay_class_ids(tmp_path):
    """Pillow spreads 12 bits over 16, which would make other ids of them."""
    _j2k_of_12_bits(tmp_path / "x.j2k")
    np.testing.assert_array_equal(read_mask(tmp_path / "x.j2k"), IDS)
