import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from lmsc_unet.errors import DataError
from lmsc_unet.imageio import read_mask
from tests.imageio.pictures import deep_png, pillow, tiff

IDS = (np.mgrid[:24, :40].sum(axis=0) % 4).astype(np.uint8)


def _palette(path, bits=8):
    """Colours whose grey values are not the indices, as annotation programs write them."""
    made = Image.frombytes("P", (40, 24), IDS.tobytes())
    made.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0])
    made.save(path, **({"bits": bits} if path.suffix == ".png" else {}))
    return path


def _small_grey(path, bits):
    """A grey PNG of 2 or 4 bits, which Pillow would spread over 0..255."""
    per_byte = 8 // bits
    rows = IDS.reshape(24, 40 // per_byte, per_byte)
    packed = sum(rows[..., i].astype(int) << (8 - bits * (i + 1)) for i in range(per_byte)).astype(np.uint8)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in packed))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 40, 24, bits, 0, 0, 0, 0)), (b"IDAT", body), (b"IEND", b"")]
    parts = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def _two_colours(path, *colours, **options):
    """`IDS > 1` drawn in the second colour, as a palette of just two."""
    made = Image.frombytes("P", (40, 24), (IDS > 1).astype(np.uint8).tobytes())
    made.putpalette([value for colour in colours for value in colour])
    made.save(path, **options)


def _exif(path, array):
    exif = Image.Exif()
    exif[274] = 6
    return pillow(path, array, exif=exif)


BLACK, WHITE, BITS = (0, 0, 0), (255, 255, 255), (IDS > 1).astype(np.uint8)
SHAPE_BY_COLOUR = np.dstack([BITS * 200, BITS * 200, BITS * 200, BITS * 180])  # alpha says what the colour says
DEEP = IDS.astype(np.uint16) * 9000
MASKS = [
    ("ids.png", lambda p: pillow(p, IDS[..., None]), IDS),
    ("ids.bmp", lambda p: pillow(p, IDS[..., None]), IDS),
    ("ids.tif", lambda p: tiff(p, IDS), IDS),
    ("palette.png", _palette, IDS),  # the indices, not the greys of their colours
    ("palette of 2 bits.png", lambda p: _palette(p, 2), IDS),
    ("palette of 4 bits.png", lambda p: _palette(p, 4), IDS),
    ("palette.bmp", _palette, IDS),
    ("palette.tif", _palette, IDS),
    ("grey of 2 bits.png", lambda p: _small_grey(p, 2), IDS),
    ("grey of 4 bits.png", lambda p: _small_grey(p, 4), IDS),
    ("bits.png", lambda p: pillow(p, (IDS > 1)[..., None]), (IDS > 1).astype(np.uint8)),
    ("bits.tif", lambda p: pillow(p, (IDS > 1)[..., None], compression="group4"), (IDS > 1).astype(np.uint8)),
    ("instances.png", lambda p: pillow(p, DEEP[..., None]), DEEP),
    ("instances.tif", lambda p: tiff(p, DEEP), DEEP),
    ("instances packbits.tif", lambda p: pillow(p, DEEP[..., None], compression="packbits"), DEEP),
    ("wide.tif", lambda p: tiff(p, IDS.astype(np.int32) * 100_000), IDS.astype(np.int32) * 100_000),
    ("negative.tif", lambda p: tiff(p, IDS.astype(np.int16) - 1), IDS.astype(np.int16) - 1),
    ("whole floats.tif", lambda p: tiff(p, IDS.astype(np.float32)), IDS.astype(np.int32)),
    ("grey as colour.png", lambda p: pillow(p, np.repeat(IDS[..., None], 3, axis=2)), IDS),
    ("grey as colour and alpha.png", lambda p: pillow(p, np.dstack([IDS, IDS, IDS, IDS * 0 + 7])), IDS),
    ("deep grey as colour.png", lambda p: deep_png(p, np.dstack([DEEP] * 3)), DEEP),
    ("tag for white.tif", lambda p: tiff(p, IDS, photometric="miniswhite"), IDS),  # I2: as ImageJ's inverting LUT
    ("boolean.tif", lambda p: tifffile.imwrite(p, IDS > 1), BITS),  # I1: tifffile tags bits as white-is-zero
    ("white first.png", lambda p: _two_colours(p, WHITE, BLACK, bits=1), (1 - BITS) * 255),  # I3: greys as they show
    ("white first.bmp", lambda p: _two_colours(p, WHITE, BLACK), (1 - BITS) * 255),
    ("one grey twice.png", lambda p: _two_colours(p, BLACK, BLACK), BITS),  # shows nothing: the indices count
    ("alpha as the colours.png", lambda p: pillow(p, SHAPE_BY_COLOUR), BITS * np.uint8(200)),  # I6
    ("turned.png", lambda p: _exif(p, IDS[..., None]), np.rot90(IDS, -1)),
]


@pytest.mark.parametrize(("name", "write", "expected"), MASKS, ids=[row[0] for row in MASKS])
def test_a_mask_gives_the_integers_in_the_file(tmp_path, name, write, expected):
    write(tmp_path / name)
    mask = read_mask(tmp_path / name)
    assert mask.dtype == expected.dtype
    np.testing.assert_array_equal(mask, expected)


IN_ALPHA = "the mask's shape is in its alpha channel, not in its values. Flatten it"
REFUSED = [
    ("overlay.png", lambda p: pillow(p, np.dstack([IDS, IDS, IDS * 2])), "the mask has 3 differing channels"),
    ("soft.tif", lambda p: tiff(p, IDS / np.float32(3)), "values of type float32 that are no integers"),
    ("nan.tif", lambda p: tiff(p, np.where(IDS, np.float32(1), np.float32(np.nan))), "the mask holds NaN"),
    ("black, shape in alpha.png", lambda p: pillow(p, np.dstack([IDS * 0] * 3 + [BITS * 255])), IN_ALPHA),  # I6
    ("white, shape in alpha.png", lambda p: pillow(p, np.dstack([IDS * 0 + 255] * 3 + [BITS * 255])), IN_ALPHA),
    ("grey, shape in alpha.png", lambda p: pillow(p, np.dstack([IDS * 0 + 255, BITS * 255]), mode="LA"), IN_ALPHA),
]


@pytest.mark.parametrize(("name", "write", "message"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_cannot_be_class_ids_is_refused(tmp_path, name, write, message):
    write(tmp_path / name)
    with pytest.raises(DataError, match=message) as caught:
        read_mask(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
