import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.signals.detection.components import find_runs, without_specks
from lmsc_unet.signals.morphology import closed, over_windows, window_means

MASKS = st.builds(
    lambda height, width, share, seed: (np.random.default_rng(seed).random((height, width)) < share).astype(np.uint8),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([0.0, 0.05, 0.3, 0.5, 0.7, 1.0]),
    st.integers(0, 1000),
)
SPIRAL = ["#######", "......#", "#####.#", "#...#.#", "#.###.#", "#.....#", "#######"]
COMB = ["#.#.#.#", "#.#.#.#", "#.#.#.#", "#######"]  # its teeth meet in the last row
RINGS = ["#####", "#...#", "#.#.#", "#...#", "#####"]
CORNERS = ["#..#", ".##.", "....", "##.."]  # corners touch; the end of a row does not touch the start of the next


def drawn(lines):
    return np.array([[cell == "#" for cell in line] for line in lines], np.uint8)


@pytest.mark.parametrize(
    ("lines", "areas"), [(SPIRAL, [31]), (COMB, [19]), (RINGS, [16, 1]), (CORNERS, [4, 2]), (["..", ".."], [])]
)
def test_components_are_what_touches(lines, areas):
    runs = find_runs(drawn(lines))
    assert runs.limits()[1:, 4].tolist() == areas
    np.testing.assert_array_equal(runs.paint(runs.labels) > 0, drawn(lines) > 0)


@given(mask=MASKS)
def test_components_are_those_of_opencv(mask):
    cv2 = pytest.importorskip("cv2", reason="OpenCV is the oracle; it comes with lmsc-unet[train]")
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    runs = find_runs(mask)
    ours = runs.paint(runs.labels.astype(np.int32))
    pairs = {*zip(labels.ravel().tolist(), ours.ravel().tolist(), strict=True)}
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})
    assert runs.count == count - 1
    for label in range(1, count):
        other = ours[labels == label][0]
        np.testing.assert_array_equal(runs.limits()[other], stats[label])


@given(mask=MASKS, min_cells=st.integers(1, 20))
def test_specks_are_left_out_and_all_else_stays(mask, min_cells):
    kept = without_specks(3 * mask, min_cells)
    areas = find_runs(mask).limits()[1:, 4]
    assert sorted(find_runs(kept).limits()[1:, 4]) == sorted(areas[areas >= min_cells])
    assert set(np.unique(kept)) <= {0, 3}
    assert not (kept > 3 * mask).any()


@given(mask=MASKS, seed=st.integers(0, 1000))
def test_cells_are_found_in_their_runs(mask, seed):
    cells = np.random.default_rng(seed).random(mask.shape) < 0.2
    runs = find_runs(mask)
    numbered = runs.paint(np.arange(1, len(runs.starts) + 1))
    hit = numbered[cells]
    assert (runs.at(cells) + 1).tolist() == hit[hit > 0].tolist()


def test_a_long_chain_is_one_component():
    """A line that winds through 200 rows: its ends learn of each other."""
    mask = np.ones((401, 9), np.uint8)
    mask[1::4, :-1] = mask[3::4, 1:] = 0
    assert find_runs(mask).count == 1


@given(
    shape=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    size=st.sampled_from([(5, 5), (1, 3), (9, 1), (3, 5)]),
    seed=st.integers(0, 1000),
)
def test_means_and_maxima_over_windows_are_those_of_opencv(shape, size, seed):
    cv2 = pytest.importorskip("cv2", reason="OpenCV is the oracle; it comes with lmsc-unet[train]")
    power = np.random.default_rng(seed).standard_exponential(shape, dtype=np.float32)
    expected = cv2.blur(power, size[::-1], borderType=cv2.BORDER_REFLECT)
    np.testing.assert_allclose(window_means(power, *size), expected, rtol=1e-6)
    expected = cv2.dilate(power, np.ones(size, np.uint8))
    np.testing.assert_array_equal(over_windows(np.maximum, power, *size), expected)


@given(mask=MASKS, size=st.sampled_from([(5, 3), (1, 3), (3, 1), (7, 7)]))
def test_masks_are_closed_as_opencv_closes_them(mask, size):
    cv2 = pytest.importorskip("cv2", reason="OpenCV is the oracle; it comes with lmsc-unet[train]")
    expected = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones(size, np.uint8))
    np.testing.assert_array_equal(closed(mask, *size), expected)


@given(mask=MASKS, rows=st.integers(1, 6), columns=st.integers(1, 6))
def test_closing_keeps_what_was_there_and_does_nothing_twice(mask, rows, columns):
    once = closed(mask, rows, columns)
    assert (once >= mask).all()
    np.testing.assert_array_equal(closed(once, rows, columns), once)


def test_a_plane_larger_than_a_block_is_smoothed_without_a_seam():
    plane = np.linspace(1, 2, 1500, dtype=np.float32)[:, np.newaxis].repeat(300, axis=1)
    np.testing.assert_allclose(window_means(plane, 5, 5)[2:-2], plane[2:-2], rtol=1e-6)
