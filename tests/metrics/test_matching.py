import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.metrics.matching import (
    COCO_THRESHOLDS,
    DetectionCounts,
    Detections,
    average_precision,
    box_iou,
    count_matches,
    match_boxes,
    mean_average_precision,
)

UNIT = [0.0, 0.0, 10.0, 10.0]


def picture(true, found, confidences=None, true_classes=None, found_classes=None):
    return Detections(
        true_xyxy=np.array(true, float).reshape(-1, 4),
        found_xyxy=np.array(found, float).reshape(-1, 4),
        confidences=np.array(confidences if confidences is not None else [0.5] * len(found)),
        true_classes=None if true_classes is None else np.array(true_classes),
        found_classes=None if found_classes is None else np.array(found_classes),
    )


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (UNIT, 1.0),  # the same box
        ([5, 0, 15, 10], 1 / 3),  # half over its side
        ([2, 2, 8, 8], 0.36),  # inside
        ([10, 0, 20, 10], 0.0),  # they touch
        ([30, 30, 40, 40], 0.0),  # far away
        ([5, 5, 5, 5], 0.0),  # a box without area
    ],
)
def test_box_overlap(other, expected):
    assert box_iou(np.array([UNIT]), np.array([other], float))[0, 0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("true", "found", "confidences", "expected"),
    [
        ([UNIT], [UNIT], [0.9], (1, 0, 0)),
        ([UNIT], [], [], (0, 0, 1)),  # missed
        ([], [UNIT], [0.9], (0, 1, 0)),  # a false alarm in an empty picture
        ([], [], [], (0, 0, 0)),
        ([UNIT], [UNIT, UNIT], [0.9, 0.8], (1, 1, 0)),  # found twice: one of them is wrong
        ([UNIT, [0, 0, 10, 9]], [UNIT], [0.9], (1, 0, 1)),  # one box does not count for two
        ([UNIT], [[5, 0, 15, 10]], [0.9], (0, 1, 1)),  # overlaps by a third only
    ],
)
def test_each_box_is_matched_once(true, found, confidences, expected):
    counts = count_matches([picture(true, found, confidences)])
    assert (counts.tp, counts.fp, counts.fn) == expected


def test_the_more_confident_box_is_served_first_and_takes_its_best():
    shifted = [1.0, 0.0, 11.0, 10.0]
    matches = match_boxes(picture([UNIT, shifted], [UNIT, shifted, UNIT], [0.2, 0.9, 0.8]))
    assert matches.true_index.tolist() == [-1, 1, 0]


def test_counts_of_pictures_add_before_ratios_are_made():
    total = DetectionCounts(tp=1, fp=0, fn=0) + DetectionCounts(tp=1, fp=3, fn=1)
    assert (total.precision, total.recall, total.f1) == (2 / 5, 2 / 3, 4 / 8)
    assert np.isnan(DetectionCounts().precision)
    assert np.isnan(DetectionCounts().recall)


@pytest.mark.parametrize(
    ("found", "confidences", "expected"),
    [
        ([UNIT, [20, 20, 30, 30]], [0.9, 0.8], 1.0),
        ([UNIT], [0.9], 51 / 101),  # right up to a recall of one half, which is 51 of the 101 recalls
        ([[50, 50, 60, 60], UNIT, [20, 20, 30, 30]], [0.9, 0.8, 0.7], 2 / 3),  # the surest is wrong
        ([UNIT, [50, 50, 60, 60], [20, 20, 30, 30]], [0.9, 0.8, 0.7], (51 + 50 * 2 / 3) / 101),
        ([], [], 0.0),
    ],
)
def test_average_precision_by_hand(found, confidences, expected):
    truth = [UNIT, [20, 20, 30, 30]]
    assert average_precision([picture(truth, found, confidences)]) == pytest.approx(expected)


def test_mean_average_precision_averages_thresholds():
    found = [0.0, 0.0, 10.0, 7.2]  # an overlap of 0.72: right at 0.50, 0.55, 0.60, 0.65 and 0.70
    assert mean_average_precision([picture([UNIT], [found], [0.9])]) == pytest.approx(0.5)
    assert len(COCO_THRESHOLDS) == 10


def test_mean_average_precision_averages_the_classes_that_are_there():
    one = picture([UNIT, [20, 20, 30, 30]], [UNIT, [20, 20, 30, 30]], [0.9, 0.8], [1, 2], [1, 3])
    assert mean_average_precision([one], min_ious=[0.5]) == pytest.approx(0.5)  # class 1 found, class 2 not
    assert np.isnan(mean_average_precision([picture([], [UNIT])]))


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 9), st.integers(1, 9)), max_size=8))
def test_what_is_found_exactly_scores_one(corners):
    boxes = [[x, y, x + w, y + h] for x, y, w, h in set(corners)]
    counts = count_matches([picture(boxes, boxes)], min_iou=0.95)
    assert (counts.tp, counts.fp, counts.fn) == (len(boxes), 0, 0)
