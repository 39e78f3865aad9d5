"""Tiles cover a side, lie on the grid, and have together exactly one vote at each pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.sliding_window import Tiling, starts


@pytest.mark.parametrize(
    ("length", "tile", "overlap", "multiple", "expected"),
    [
        (64, 64, 0, 1, (0,)),  # one tile fits exactly
        (40, 64, 8, 1, (0,)),  # the side is shorter than a tile
        (100, 64, 16, 1, (0, 36)),  # the last tile ends flush
        (128, 64, 0, 1, (0, 64)),  # no overlap asked, none given
        (136, 64, 16, 8, (0, 32, 72)),  # spread evenly, on the grid
        (1024, 512, 96, 8, (0, 256, 512)),
    ],
)
def test_starts(length, tile, overlap, multiple, expected):
    assert starts(length, tile, overlap, multiple) == expected


TILINGS = st.builds(
    lambda multiple, margin, ramp, extra: Tiling(
        tile_px=-(-(2 * margin + ramp) // multiple) * multiple + extra * multiple,
        multiple_px=multiple,
        margin_px=margin,
        ramp_px=ramp,
    ),
    st.sampled_from([1, 4, 8]),
    st.integers(0, 40),
    st.integers(1, 20),
    st.integers(1, 30),
)


@given(TILINGS, st.integers(1, 3000))
def test_tiles_lie_on_the_grid_cover_the_side_and_overlap_enough(tiling, length):
    side = tiling.side(length)
    assert side.padded_px % tiling.multiple_px == 0
    assert length <= side.padded_px < length + tiling.multiple_px
    assert all(start % tiling.multiple_px == 0 for start in side.starts_px)
    assert side.starts_px[0] == 0
    assert side.starts_px[-1] + side.tile_px == side.padded_px
    assert side.tile_px <= tiling.tile_px
    steps = np.diff(side.starts_px)
    assert ((steps > 0) & (side.tile_px - steps >= tiling.overlap_px)).all()


@given(TILINGS, st.integers(1, 3000))
def test_weights_add_up_to_one_and_are_nothing_in_the_margin_of_inner_borders(tiling, length):
    side = tiling.side(length)
    summed = np.zeros(side.padded_px)
    for start, weight in zip(side.starts_px, side.weights, strict=True):
        assert (weight >= 0).all()
        summed[start : start + side.tile_px] += weight
    np.testing.assert_allclose(summed, 1, atol=1e-6)
    assert (side.weights[1:, : tiling.margin_px] == 0).all()
    assert (side.weights[:-1, side.tile_px - tiling.margin_px :] == 0).all()


@pytest.mark.parametrize(
    ("length", "tile", "expected"),
    [
        (20000, 768, 1.19),  # 29 tiles of 752 px
        (1000, 768, 1.15),  # two of 536 px, not two of 768 px
        (700, 768, 1.01),  # one tile, padded to the grid
    ],
)
def test_tiles_are_no_larger_than_their_number_needs(length, tile, expected):
    side = Tiling(tile_px=tile, multiple_px=8, margin_px=30).side(length)
    assert (len(side.starts_px) * side.tile_px / length) ** 2 == pytest.approx(expected, abs=0.01)


def test_two_neighbours_fade_linearly_over_the_overlap_without_the_margins():
    side = Tiling(tile_px=16, multiple_px=1, margin_px=2, ramp_px=4).side(24)  # overlap 8: 2 + 4 + 2
    assert side.starts_px == (0, 8)
    np.testing.assert_allclose(side.weights[0], [1] * 10 + [0.875, 0.625, 0.375, 0.125] + [0, 0])
    np.testing.assert_allclose(side.weights[1], side.weights[0][::-1])


@pytest.mark.parametrize(
    ("tile", "message"),
    [
        (100, "tile_px is 100; the network takes multiples of 8. Try 96."),
        (0, "Try 8."),
        (88, "overlap by 88 px .* margin of 40 px .* Use at least 96."),
    ],
)
def test_a_tile_off_the_grid_or_within_the_margins_is_refused(tile, message):
    with pytest.raises(ConfigError, match=message):
        Tiling(tile_px=tile, multiple_px=8, margin_px=40)
