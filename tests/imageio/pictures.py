"""A small picture in any type, and files of it as other programs write them."""

import struct
import zlib
from itertools import cycle
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

HEIGHT_PX, WIDTH_PX = 24, 40


def picture(channels=3, dtype=np.uint8, height_px=HEIGHT_PX, width_px=WIDTH_PX):
    """Differs in every pixel and channel, and is no mirror image of itself."""
    y, x, c = np.mgrid[:height_px, :width_px, :channels]
    values = y * 7 + x * 3 + c * 50 + (x * y) % 5
    if np.dtype(dtype).kind == "f":
        return (values / 300).astype(dtype)
    return (values % 256 * (np.iinfo(dtype).max // 255 if np.iinfo(dtype).max > 255 else 1)).astype(dtype)


def squeezed(array):
    return array[..., 0] if array.shape[2] == 1 else array


def pillow(path: Path, array, mode=None, **options) -> Path:
    made = Image.fromarray(squeezed(array))
    (made.convert(mode) if mode else made).save(path, **options)
    return path


def deep_png(path: Path, array, filters=(0, 1, 2, 3, 4), interlaced=False) -> Path:
    """16-bit PNG of one to four channels, as the specification has it; its rows take the filters in turn."""
    steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    parts = [array[y::down, x::across] for y, x, down, across in (steps if interlaced else [(0, 0, 1, 1)])]
    lines = b"".join(_filtered(part.astype(">u2"), filters) for part in parts)
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[array.shape[2]]
    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 16, colour, 0, 0, interlaced)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    written = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(written))
    return path


def _filtered(part, filters) -> bytes:
    size, lines, above = 2 * part.shape[2], b"", bytes(2 * part.shape[1] * part.shape[2])
    for kind, row in zip(cycle(filters), part, strict=False):
        line = row.tobytes()
        left, corner = bytes(size) + line, bytes(size) + above
        guess = [_guess(kind, *known) for known in zip(left, above, corner, strict=False)]
        lines += bytes([kind]) + bytes((value - g) % 256 for value, g in zip(line, guess, strict=True))
        above = line
    return lines


def _guess(kind: int, left: int, above: int, corner: int) -> int:
    nearest = min((left, above, corner), key=lambda one: abs(left + above - corner - one))
    return (0, left, above, (left + above) // 2, nearest)[kind]


def lzw_tiff(path: Path, array, **options) -> Path:
    """TIFF whose one strip is LZW as its simplest: single bytes, and the table is forgotten before it grows."""
    tiff(path, array, rowsperstrip=array.shape[0], **options)
    with tifffile.TiffFile(path) as file:
        tags = {code: file.pages[0].tags[code] for code in (259, 273, 279)}
        pixels = file.pages[0].asarray().tobytes()
    codes = [code for at in range(0, len(pixels), 250) for code in (256, *pixels[at : at + 250])] + [257]
    bits = "".join(f"{code:09b}" for code in codes)
    strip = int(bits + "0" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8, "big")
    data = bytearray(path.read_bytes())
    for code, value in ((259, 5), (273, len(data)), (279, len(strip))):
        at, size = tags[code].valueoffset, 2 if tags[code].dtype == 3 else 4
        data[at : at + size] = value.to_bytes(size, "little")
    path.write_bytes(data + strip)
    return path


def tiff(path: Path, array, **options) -> Path:
    options = {"photometric": "rgb" if array.shape[-1] in (3, 4) else "minisblack", **options}
    if array.ndim == 3 and array.shape[2] > 1:
        options = {"planarconfig": "contig", **options}
    tifffile.imwrite(path, squeezed(array) if array.ndim == 3 else array, **options)
    return path
