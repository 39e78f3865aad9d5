import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmsc_unet.signals.detection.edges import to_box
from lmsc_unet.signals.detection.pieces import to_piece
from lmsc_unet.signals.detection.regions import RegionFinder
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import Grid

MASKS = arrays(np.uint8, (24, 7), elements=st.integers(0, 1), fill=st.just(0))


def regions(mask, power, cuts=(), **settings):
    """The regions of a mask that is fed in pieces."""
    finder, found = RegionFinder(**settings), []
    for piece, levels in zip(np.split(mask, cuts), np.split(power, cuts), strict=True):
        if len(piece):
            found += list(finder.feed(piece, levels))
    return found + list(finder.finish())


def summary(found):
    """What regions are, in an order of their own."""
    return sorted(
        (one.first_row, one.stop_row, one.low_column, one.stop_column, one.num_cells, round(one.confidence, 6))
        for one in found
    )


def measures(found):
    """SNR and edges of regions, in the order of their summaries."""
    order = sorted(found, key=lambda one: (one.first_row, one.stop_row, one.low_column, one.stop_column, one.num_cells))
    edges = [to_piece(one).edges for one in order]
    return [number for one in edges for number in (one.snr_db, one.left_px, one.right_px, one.top_px, one.bottom_px)]


@given(mask=MASKS, cuts=st.lists(st.integers(0, 24), max_size=5), seed=st.integers(0, 99))
def test_where_a_mask_is_cut_does_not_show(mask, cuts, seed):  # B3, T3
    power = np.random.default_rng(seed).exponential(5, mask.shape).astype(np.float32)
    cut, whole = regions(mask, power, sorted(cuts)), regions(mask, power)
    assert summary(cut) == summary(whole)
    assert measures(cut) == pytest.approx(measures(whole), abs=1e-6)


@pytest.mark.parametrize("cuts", [[100], [256], [100, 256], range(1, 300)])
@pytest.mark.parametrize("is_upside_down", [False, True])
def test_arms_that_meet_in_another_block_are_counted_once(cuts, is_upside_down):  # B3: 6.2, 7.9 and 9.6 dB before
    mask = np.zeros((300, 64), np.uint8)
    mask[20:260, 10:16] = mask[40:260, 30:36] = mask[240:260, 10:36] = 1
    power = (np.random.default_rng(0).exponential(1, mask.shape) + 20 * mask).astype(np.float32)
    if is_upside_down:
        mask, power = mask[::-1], power[::-1]
    assert measures(regions(mask, power, cuts)) == pytest.approx(measures(regions(mask, power)), abs=1e-6)


@pytest.mark.parametrize("num_columns", [64, 4096])
def test_the_cuts_of_a_long_region_do_not_show(num_columns):  # B3
    mask = np.zeros((1500, num_columns), np.uint8)
    mask[5:1490, 3:9] = 1
    mask[700:800, 3:20] = 1
    power = np.random.default_rng(0).exponential(1, mask.shape).astype(np.float32) * (1 + 9 * mask)
    whole = measures(regions(mask, power))
    for cuts in ([750], range(100, 1500, 100), range(900, 1500)):
        assert measures(regions(mask, power, cuts)) == pytest.approx(whole, abs=1e-6)


@given(mask=MASKS)
def test_row_by_row_is_the_same_as_at_once(mask):
    power = np.ones(mask.shape, np.float32)
    assert summary(regions(mask, power, range(1, 24), min_cells=3)) == summary(regions(mask, power, min_cells=3))


@given(mask=MASKS)
def test_every_cell_is_in_exactly_one_region(mask):
    assert sum(one.num_cells for one in regions(mask, np.ones(mask.shape, np.float32), [5, 11])) == mask.sum()


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        (["#..", "#..", "#.."], 1),  # through the whole recording: one
        (["#.#", "#.#", "###"], 1),  # two arms that meet in a later block
        (["###", "#.#", "#.#"], 1),  # one that parts
        (["#..", ".#.", "..#"], 1),  # by its corners
        (["#..", "...", "#.."], 2),  # a gap
        (["#.#", "#.#", "#.#"], 2),  # a guard band
        (["...", "...", "..."], 0),
    ],
)
def test_regions_across_borders(drawing, expected):
    mask = np.array([[sign == "#" for sign in row] for row in drawing], np.uint8)
    assert len(regions(mask, np.ones(mask.shape, np.float32), [1, 2])) == expected


def test_a_region_is_given_as_soon_as_it_has_ended():
    finder = RegionFinder()
    mask, power = np.zeros((4, 8), np.uint8), np.ones((4, 8), np.float32)
    mask[1:3, 2:4] = 1
    mask[2:4, 6] = 1
    assert [one.low_column for one in finder.feed(mask, power)] == [2]
    assert [one.low_column for one in finder.feed(np.zeros_like(mask), power)] == [6]


def test_a_region_through_a_million_rows_stays_small():
    finder, mask = RegionFinder(), np.ones((1000, 4), np.uint8)
    power = np.full((1000, 4), 5, np.float32)
    for _ in range(1000):
        assert not list(finder.feed(mask, power))
    region = next(finder.finish())
    assert region.stop_row == region.num_cells // 4 == 1_000_000
    assert sum(len(rows) for rows in region.end_rows) <= 1024
    assert region.column_power.tolist() == pytest.approx([5e6] * 4)


def test_a_region_has_the_class_of_most_of_its_cells():
    mask = np.array([[3, 3, 7, 3]], np.uint8)
    assert next(iter(regions(mask, np.ones((1, 4), np.float32)))).class_id == 3


def signal_plane(first, stop, low, high, *, level):
    """Noise of 1 and a signal between fractional edges: a cell that it half fills has half its power."""

    def cover(size, start, end):
        edges = np.clip(np.arange(size + 1), start, end)
        return np.diff(edges)

    return (1 + level * np.outer(cover(64, first, stop), cover(48, low, high))).astype(np.float32)


@pytest.mark.parametrize("level", [10.0, 1000.0])
@pytest.mark.parametrize(
    "edges",
    [
        (10.0, 50.0, 8.0, 40.0),  # on pixel edges
        (10.5, 50.5, 8.5, 40.5),
        (10.2, 49.7, 8.3, 39.6),
    ],
)
def test_edges_are_found_finer_than_a_pixel_however_wide_the_mask(level, edges):
    first, stop, low, high = edges
    power = signal_plane(first, stop, low, high, level=level)
    mask = np.zeros(power.shape, np.uint8)
    mask[7:54, 5:44] = 1  # three rows and columns too wide on each side
    found = to_piece(regions(mask, power, [20, 40])[0]).edges
    assert (found.top_px, found.bottom_px) == pytest.approx((first, stop), abs=0.1)
    slack = 0.005 * (high - low) + 0.1  # 99 % of the power leaves out half a percent on each side
    assert (found.left_px, found.right_px) == pytest.approx((low, high), abs=slack)
    assert found.snr_db == pytest.approx(10 * np.log10(level), abs=0.3)


def test_a_box_ends_with_the_recording_and_the_band():
    mask, power = np.ones((4, 256), np.uint8), np.full((4, 256), 9, np.float32)
    grid = Grid(stft=Stft(), sample_rate_hz=1000.0, center_hz=5e6)
    edges = to_piece(regions(mask, power)[0]).edges
    box = to_box(edges, grid, first_sample=100, num_samples=900, label="x", confidence=1)
    assert (box.start_sample, box.stop_sample) == (100, 1000)
    assert 4_999_500 <= box.low_hz < box.high_hz <= 5_000_500
