"""Objects of a mask as a label image: shapes tell them apart, or contours do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmsc_unet.inference.instances import CONTOUR, MIN_OBJECT_PX, decode_instances, regions_of, renumbered
from lmsc_unet.inference.watershed import LEVELS, MOST_PX, distance_levels
from lmsc_unet.metrics.instances import count_instances, instance_scores

SMALL_MASKS = arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 40)))


def discs(shape: tuple[int, int], *circles: tuple[float, float, float]) -> np.ndarray:
    """A label image "H W" of discs (row, column, radius); where two meet, the deeper one has the pixel."""
    labels, depth = np.zeros(shape, int), np.zeros(shape)
    for number, (row, column, radius) in enumerate(circles, start=1):
        top, left = max(0, int(row - radius)), max(0, int(column - radius))
        window = np.s_[top : int(row + radius) + 2, left : int(column + radius) + 2]
        rows, columns = np.indices(labels[window].shape)
        found = radius - np.hypot(rows + top - row, columns + left - column)
        is_deeper = found > depth[window]
        labels[window][is_deeper], depth[window][is_deeper] = number, found[is_deeper]
    return labels


def contours(labels: np.ndarray, reach_px: int = 2) -> np.ndarray:
    """Pixels of an object with another value within reach."""
    padded = np.pad(labels, reach_px, mode="edge")
    moved = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach_px + 1,) * 2)
    return (labels > 0) & (moved != labels[..., None, None]).any(axis=(2, 3))


def regions_in(mask: np.ndarray, contour: np.ndarray | None = None) -> np.ndarray:
    return regions_of(mask.astype(np.uint8), None if contour is None else contour.astype(np.float32))


def quality(prediction: np.ndarray, truth: np.ndarray) -> float:
    return float(instance_scores(count_instances(prediction, truth))["pq"])


@settings(max_examples=100, deadline=None)
@given(SMALL_MASKS)
def test_distances_are_scipys_and_the_edge_is_no_background(mask):
    ndimage = pytest.importorskip("scipy.ndimage", reason="the oracle is SciPy")
    wide = np.pad(mask, MOST_PX + 1, constant_values=True)
    exact = ndimage.distance_transform_edt(wide) if not wide.all() else np.full(wide.shape, np.inf)
    exact = exact[MOST_PX + 1 : -MOST_PX - 1, MOST_PX + 1 : -MOST_PX - 1]
    np.testing.assert_allclose(distance_levels(mask) / LEVELS, np.minimum(exact, MOST_PX), atol=0.5 / LEVELS)


@pytest.mark.parametrize(
    ("remark", "circles", "num_objects"),
    [
        ("nothing", [(20, 20, 0)], 0),
        ("one disc", [(20, 20, 12)], 1),
        ("apart", [(20, 20, 12), (60, 60, 15)], 2),
        ("touching at a neck", [(30, 25, 14), (30, 49, 14)], 2),
        ("of different size", [(40, 25, 18), (40, 49, 9)], 2),
        ("a chain", [(30, 20, 12), (40, 38, 12), (30, 56, 12), (50, 70, 12)], 4),
        ("nearly one", [(30, 25, 14), (30, 33, 14)], 1),
        ("cut by the edge", [(0, 25, 14), (30, 0, 14)], 2),
        ("a speck", [(30, 30, 2)], 0),
        ("larger than distances go", [(200, 200, 180)], 1),
    ],
)
def test_what_touches_at_a_neck_is_separated_and_what_is_whole_stays_whole(remark, circles, num_objects):
    side = 400 if circles[0][2] > 100 else 90
    truth = discs((side, side), *circles)
    labels = decode_instances(regions_in(truth > 0))
    assert labels.max(initial=0) == num_objects
    if num_objects == len(circles):
        assert quality(labels, truth) > 0.95
        assert ((labels > 0) == (truth > 0)).all()


def test_contours_separate_what_shapes_do_not_and_objects_keep_their_pixels():
    truth = discs((80, 80), (30, 25, 14), (30, 35, 14))  # one blob by its shape
    assert decode_instances(regions_in(truth > 0)).max() == 1
    labels = decode_instances(regions_in(truth > 0, contours(truth)))
    assert labels.max() == 2
    assert quality(labels, truth) > 0.95
    assert ((labels > 0) == (truth > 0)).all()


def test_a_gap_in_a_contour_is_bridged_by_the_shapes():
    truth = discs((80, 80), (40, 25, 15), (40, 52, 15))
    contour = contours(truth)
    contour[37:43, 36:42] = False
    labels = decode_instances(regions_in(truth > 0, contour))
    assert quality(labels, truth) > 0.9


def test_an_object_that_is_all_contour_is_an_object():
    truth = discs((60, 60), (20, 20, 10), (45, 45, 4))
    regions = regions_in(truth > 0, contours(truth) | (truth == 2))
    np.testing.assert_array_equal(decode_instances(regions), truth)


def test_a_contour_counts_as_it_is_probable():
    mask = np.ones((2, 3), np.uint8)
    mask[0, 0] = 0
    contour = np.array([[1, 1, 0], [0.5, 0, 1]], np.float32)
    np.testing.assert_array_equal(regions_of(mask, contour), [[0, CONTOUR, 255], [166, 255, CONTOUR]])


@settings(max_examples=100, deadline=None)
@given(SMALL_MASKS, st.randoms())
def test_labels_are_numbered_from_the_top_without_gaps_and_lie_in_the_mask(mask, random):
    contour = np.random.default_rng(random.randrange(99)).random(mask.shape) < 0.3
    for labels in (decode_instances(regions_in(mask)), decode_instances(regions_in(mask, contour))):
        assert labels.dtype == np.int32
        assert not labels[~mask].any()
        numbers, firsts, areas_px = np.unique(labels[labels > 0], return_index=True, return_counts=True)
        assert numbers.tolist() == list(range(1, len(numbers) + 1))
        assert (np.diff(firsts) > 0).all()
        assert (areas_px >= MIN_OBJECT_PX).all()


def test_renumbering_counts_from_the_first_pixel_and_leaves_small_objects_out():
    labels = np.array([[0, 7, 7, 0], [3, 3, 3, 5], [7, 0, 0, 0]], np.int32)
    np.testing.assert_array_equal(renumbered(labels, 3), [[0, 1, 1, 0], [2, 2, 2, 0], [1, 0, 0, 0]])


@pytest.mark.parametrize("turn", range(4))
def test_the_result_hardly_depends_on_the_orientation(turn):
    rng = np.random.default_rng(1)
    circles = [(row, column, radius) for row, column, radius in rng.uniform((0, 0, 6), (200, 200, 14), (60, 3))]
    regions = regions_in(discs((200, 200), *circles) > 0)
    plain, turned = decode_instances(regions), np.rot90(decode_instances(np.rot90(regions, turn)), -turn)
    assert quality(turned, plain) > 0.97
