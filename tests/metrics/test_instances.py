"""Scores of instances against their definitions, written out pair by pair."""

from itertools import pairwise
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmsc_unet.errors import SizeError
from lmsc_unet.metrics.instances import (
    THRESHOLDS,
    count_instances,
    instance_scores,
    stack_instances,
    total_instances,
)

LABELS = arrays(np.int32, (6, 7), elements=st.sampled_from([0, 0, 1, 2, 5, 900_000_000]))
NAMES = ("pq", "dq", "sq", "aji", "f1_50", "f1_60", "f1_70", "f1_80", "f1_90")


def scores_of(prediction, truth, is_ignored=None) -> dict[str, float]:
    counts = count_instances(np.asarray(prediction), np.asarray(truth), is_ignored)
    return {name: float(share) for name, share in instance_scores(counts).items()}


def objects(labels: np.ndarray) -> list[set]:
    return [set(zip(*np.nonzero(labels == label), strict=True)) for label in np.unique(labels) if label > 0]


def iou(one: set, other: set) -> float:
    return len(one & other) / len(one | other)


def by_definition(prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Kirillov et al. 2019 (PQ), Kumar et al. 2017 (AJI), and F1 by sets of pixels."""
    said, there = objects(prediction), objects(truth)
    number = len(said) + len(there)
    found = [iou(one, other) for one in said for other in there if iou(one, other) > 0.5]
    scores = {
        "pq": 2 * sum(found) / number if number else np.nan,
        "dq": 2 * len(found) / number if number else np.nan,
        "sq": sum(found) / len(found) if found else np.nan,
    }
    used, shared, union = set(), 0, 0
    for one in there:
        best = max(range(len(said)), key=lambda index: iou(one, said[index]), default=None)
        if best is None or not one & said[best]:
            union += len(one)
            continue
        shared, union = shared + len(one & said[best]), union + len(one | said[best])
        used.add(best)
    union += sum(len(one) for index, one in enumerate(said) if index not in used)
    scores["aji"] = shared / union if union else np.nan
    for threshold in THRESHOLDS:
        matched = sum(iou(one, other) > threshold for one in said for other in there)
        scores[f"f1_{round(100 * threshold)}"] = 2 * matched / number if number else np.nan
    return scores


@settings(max_examples=200, deadline=None)
@given(LABELS, LABELS)
def test_scores_are_those_of_the_definitions(prediction, truth):
    ours = scores_of(prediction, truth)
    expected = by_definition(prediction, truth)
    assert tuple(ours) == NAMES
    np.testing.assert_allclose([ours[name] for name in NAMES], [expected[name] for name in NAMES], rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(LABELS, LABELS)
def test_pq_dq_and_sq_are_torchmetrics(prediction, truth):
    torch = pytest.importorskip("torch", reason="the oracle is torchmetrics")
    from torchmetrics.detection import PanopticQuality

    pairs = [torch.from_numpy(np.stack([labels > 0, labels], -1).astype(np.int64)) for labels in (prediction, truth)]
    metric = PanopticQuality(things={1}, stuffs={0}, return_sq_and_rq=True, return_per_class=True)
    theirs = np.nan_to_num(metric(*(pair[None] for pair in pairs)).numpy()[0])  # the order of classes is things first
    ours = scores_of(prediction, truth)
    np.testing.assert_allclose(np.nan_to_num([ours["pq"], ours["sq"], ours["dq"]]), theirs, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(LABELS, LABELS)
def test_renumbering_the_objects_in_order_changes_nothing(prediction, truth):
    other = np.array([-4, 3, 9, 2**40, 2**40 + 1])[np.searchsorted([0, 1, 2, 5, 900_000_000], prediction)]
    assert scores_of(other, truth) == pytest.approx(scores_of(prediction, truth), nan_ok=True)


@pytest.mark.parametrize(
    ("prediction", "truth", "expected"),
    [
        ([[0, 0]], [[0, 0]], {"pq": np.nan, "dq": np.nan, "sq": np.nan, "aji": np.nan}),
        ([[1, 0]], [[0, 0]], {"pq": 0, "dq": 0, "sq": np.nan, "aji": 0}),  # empty truth
        ([[0, 0]], [[1, 0]], {"pq": 0, "dq": 0, "sq": np.nan, "aji": 0}),  # empty prediction
        ([[3, 0]], [[1, 0]], {"pq": 1, "dq": 1, "sq": 1, "aji": 1}),
        ([[1, 0]], [[1, 1]], {"pq": 0, "dq": 0, "sq": np.nan, "aji": 0.5}),  # an IoU of 0.5 is no match
    ],
)
def test_nothing_there_and_nothing_found(prediction, truth, expected):
    ours = scores_of(prediction, truth)
    assert {name: ours[name] for name in expected} == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("ignored", "num_predicted", "pq"),
    [
        ([0, 0, 0, 0, 0, 0, 0, 0], 2, 2 / 3),
        ([0, 0, 0, 0, 0, 0, 1, 1], 1, 1.0),  # wholly ignored
        ([0, 0, 0, 0, 0, 1, 1, 1], 1, 1.0),
        ([0, 0, 0, 0, 0, 0, 0, 1], 2, 2 / 3),  # half of it counts
        ([1, 1, 1, 0, 0, 0, 0, 0], 2, 2 / 3),  # mostly ignored, but it matches
    ],
)
def test_what_lies_on_ignored_pixels_is_neither_right_nor_wrong(ignored, num_predicted, pq):
    prediction, truth = np.array([[1, 1, 1, 1, 0, 0, 2, 2]]), np.array([[9, 9, 9, 9, 0, 0, 0, 0]])
    counts = count_instances(prediction, truth, np.array([ignored]) == 1)
    assert (counts.num_true, counts.num_predicted) == (1, num_predicted)
    assert float(instance_scores(counts)["pq"]) == pytest.approx(pq)


def test_counts_add_over_images_and_scores_come_last():
    rng = np.random.default_rng(0)
    images = [count_instances(*rng.integers(0, 3, (2, 8, 8))) for _ in range(3)]
    stacked = stack_instances(images)
    assert instance_scores(stacked)["f1_50"].shape == (3,)
    together = total_instances(stacked)
    assert together.num_true == sum(one.num_true for one in images)
    twice = stacked.weighted(np.array([[1, 1, 1], [0, 2, 0]]))
    assert instance_scores(twice)["aji"] == pytest.approx(
        [float(instance_scores(together)["aji"]), float(instance_scores(images[1])["aji"])]
    )


def test_label_images_of_different_size_are_refused():
    with pytest.raises(SizeError, match="equally large"):
        count_instances(np.zeros((2, 2), int), np.zeros((2, 3), int))


def test_a_thousand_objects_in_a_million_pixels_take_a_moment():
    """A grid of squares, shifted by three pixels."""
    edges = np.arange(0, 1001, 31)
    truth = np.zeros((1000, 1000), np.uint16)
    for row, (top, bottom) in enumerate(pairwise(edges)):
        for column, (left, right) in enumerate(pairwise(edges)):
            truth[top : bottom - 4, left : right - 4] = 1 + row * 32 + column
    start = process_time()
    ours = scores_of(np.roll(truth, 3, axis=1), truth)
    assert process_time() - start < 1
    assert ours["sq"] == pytest.approx(24 / 30, abs=0.001)
