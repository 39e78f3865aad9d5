"""Label Studio's run-length code of brush masks (thi.ng's rle-pack): packets of bits, four values per pixel.

A code starts with the number of values (32 bits), the bits of a value less one (5) and four sizes of counts less one
(4 each). A packet is a flag (1 bit), which size its count has (2), the count less one, and one value that repeats if
the flag is set, else that many values.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError

_CHANNELS = 4  # red, green, blue, alpha; all of them are the mask
_COUNT_BITS = np.array([3, 4, 8, 16])
_VALUE_BITS = 8
_MOST_COUNT = 1 << 16
_HEAD_BITS = 32 + 5 + 4 * 4
_MOST_PACKET_BITS = 1 + 2 + 16 + _VALUE_BITS


def encode_brush(mask: NDArray[np.bool_]) -> list[int]:
    """The code of a mask "H W" as bytes; its pixels are 255."""
    counts, values = _runs(mask.ravel())
    sizes = np.searchsorted(1 << _COUNT_BITS, counts)
    num_bits = 1 + 2 + _COUNT_BITS[sizes] + _VALUE_BITS
    packets = ((0b100 | sizes) << _COUNT_BITS[sizes] | (counts - 1)) << _VALUE_BITS | values
    starts = _HEAD_BITS + np.concatenate([[0], np.cumsum(num_bits)])
    bits = np.zeros(int(starts[-1]), np.uint8)
    bits[:_HEAD_BITS] = _head(_CHANNELS * mask.size)
    for place in range(_MOST_PACKET_BITS):
        has = num_bits > place
        bits[starts[:-1][has] + place] = packets[has] >> (num_bits[has] - 1 - place) & 1
    code: list[int] = np.packbits(bits).tolist()
    return code


def _runs(flat: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The counts and values of runs, none longer than a packet may count."""
    edges = np.flatnonzero(np.diff(flat.view(np.int8))) + 1
    starts = np.concatenate([[0], edges]).astype(np.int64)
    counts = _CHANNELS * np.diff(np.concatenate([starts, [flat.size]]))
    values = 255 * flat[starts].astype(np.int64)
    num_packets = -(-counts // _MOST_COUNT)
    split = np.full(int(num_packets.sum()), _MOST_COUNT, np.int64)
    split[np.cumsum(num_packets) - 1] = counts - _MOST_COUNT * (num_packets - 1)
    return split, np.repeat(values, num_packets)


def _head(num_values: int) -> NDArray[np.uint8]:
    fields = [(num_values, 32), (_VALUE_BITS - 1, 5), *((int(bits) - 1, 4) for bits in _COUNT_BITS)]
    return np.array([value >> place & 1 for value, size in fields for place in reversed(range(size))], np.uint8)


def decode_brush(code: bytes, height_px: int, width_px: int) -> NDArray[np.bool_]:
    """The mask "H W" of a code: where its alpha is above 0.

    Raises:
        DataError: the code is damaged, or of another size.
    """
    reader = _BitReader(code)
    num_values, value_bits = reader.read(32), reader.read(5) + 1
    count_bits = [reader.read(4) + 1 for _ in range(4)]
    if num_values != _CHANNELS * height_px * width_px:
        raise DataError(
            f"The brush mask has {num_values} values, but its image of {width_px} x {height_px} px needs "
            f"{_CHANNELS * height_px * width_px}. Draw it again on this image."
        )
    values, at = np.zeros(num_values, np.uint8), 0
    while at < num_values:
        is_run = reader.read(1)
        stop = at + 1 + reader.read(count_bits[reader.read(2)])
        if stop > num_values:
            raise DataError("The brush mask has more values than it announces. Draw it again.")
        values[at:stop] = min(reader.read(value_bits), 255) if is_run else reader.read_many(value_bits, stop - at)
        at = stop
    return values.reshape(height_px, width_px, _CHANNELS)[..., -1] > 0


class _BitReader:
    """Numbers of any bits, the highest bit first."""

    def __init__(self, code: bytes) -> None:
        self._code, self._at = code, 0

    def read(self, num_bits: int) -> int:
        first, self._at = self._at, self._at + num_bits
        if self._at > 8 * len(self._code):
            raise DataError("The brush mask ends early. Draw it again.")
        last = -(-self._at // 8)
        whole = int.from_bytes(self._code[first // 8 : last], "big")
        return whole >> (8 * last - self._at) & ((1 << num_bits) - 1)

    def read_many(self, num_bits: int, count: int) -> NDArray[Any]:
        first, self._at = self._at, self._at + num_bits * count
        if self._at > 8 * len(self._code):
            raise DataError("The brush mask ends early. Draw it again.")
        part = np.frombuffer(self._code[first // 8 : -(-self._at // 8)], np.uint8)
        bits = np.unpackbits(part)[first % 8 :][: num_bits * count].reshape(count, num_bits)
        weights = 1 << np.arange(num_bits - 1, -1, -1, dtype=np.int64)
        return np.minimum(bits @ weights, 255)
