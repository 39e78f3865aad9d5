"""Brush masks in Label Studio's code, against label-studio-converter where it is installed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lmsc_unet.apps.serve.label_studio.brush import decode_brush, encode_brush
from lmsc_unet.errors import DataError

RING = np.zeros((5, 7), np.bool_)
RING[1:4, 2:5] = True
RING[2, 3] = False
RING_CODE = [0, 0, 0, 140, 57, 27, 254, 35, 0, 183, 255, 124, 2, 63, 248, 192, 35, 255, 190, 1, 111, 255, 17, 128, 0]
"""By label_studio_converter.brush.mask2rle, version 0.0.59."""


def test_a_mask_has_the_code_of_label_studio() -> None:
    assert encode_brush(RING) == RING_CODE
    assert (decode_brush(bytes(RING_CODE), 5, 7) == RING).all()


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_a_code_holds_the_mask(mask) -> None:
    assert (decode_brush(bytes(encode_brush(mask)), *mask.shape) == mask).all()


def test_long_runs_are_split() -> None:
    mask = np.zeros((300, 400), np.bool_)
    mask[100:250] = True
    code = encode_brush(mask)
    assert len(code) < 60
    assert (decode_brush(bytes(code), 300, 400) == mask).all()


def test_values_one_by_one_are_read() -> None:
    """A packet without the flag, as Label Studio's own editor writes them for ragged edges."""
    bits = f"{8:032b}{7:05b}{2:04b}{3:04b}{7:04b}{15:04b}" + "0" + "00" + f"{7:03b}" + "00000000" * 7 + "11111111"
    code = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    assert decode_brush(code, 1, 2).tolist() == [[False, True]]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_mask_or_an_error(code: bytes) -> None:
    try:
        assert decode_brush(code, 4, 4).shape == (4, 4)
    except DataError as error:
        assert str(error).endswith(("Draw it again.", "Draw it again on this image."))  # noqa: PT017


@given(arrays(np.bool_, (9, 31)))
def test_label_studio_reads_our_code_and_we_read_its(mask) -> None:
    brush = pytest.importorskip("label_studio_converter.brush", reason="the oracle is not installed")
    assert ((brush.decode_rle(encode_brush(mask)).reshape(9, 31, 4)[..., 3] > 0) == mask).all()
    assert (decode_brush(bytes(brush.mask2rle(mask.astype(np.uint8) * 255)), 9, 31) == mask).all()
