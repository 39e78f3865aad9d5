"""Counts add, scores are their functions, and each average is the one it is named for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmsc_unet.errors import DataError, SizeError
from lmsc_unet.metrics import averages, scores
from lmsc_unet.metrics.counts import IGNORE, Counts, count_pixels, no_counts, stack, total

SHAPE = (4, 5)
NUM_CLASSES = 3
PREDICTIONS = arrays(np.uint8, SHAPE, elements=st.integers(0, NUM_CLASSES - 1))
TRUTHS = arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, 2, IGNORE]))


def as_arrays(counts: Counts) -> np.ndarray:
    return np.stack([counts.tp, counts.fp, counts.fn, counts.tn])


def mask(*ids: int) -> np.ndarray:
    return np.array([ids], dtype=np.uint8)


@given(prediction=PREDICTIONS, truth=TRUTHS)
def test_counts_are_what_a_loop_over_pixels_gives(prediction, truth):
    counts = count_pixels(prediction, truth, NUM_CLASSES)
    valid = truth != IGNORE
    for k in range(NUM_CLASSES):
        assert counts.tp[k] == np.sum((prediction == k) & (truth == k) & valid)
        assert counts.fp[k] == np.sum((prediction == k) & (truth != k) & valid)
        assert counts.fn[k] == np.sum((prediction != k) & (truth == k) & valid)
        assert counts.tn[k] == np.sum((prediction != k) & (truth != k) & valid)


@given(prediction=PREDICTIONS, truth=TRUTHS, cut=st.integers(0, SHAPE[0]))
def test_counts_of_the_pieces_add_up_to_the_counts_of_the_whole(prediction, truth, cut):
    whole = count_pixels(prediction, truth, NUM_CLASSES)
    pieces = [count_pixels(prediction[part], truth[part], NUM_CLASSES) for part in (slice(0, cut), slice(cut, None))]
    np.testing.assert_array_equal(as_arrays(pieces[0] + pieces[1]), as_arrays(whole))
    np.testing.assert_array_equal(as_arrays(total(stack(pieces))), as_arrays(whole))
    np.testing.assert_array_equal(as_arrays(whole + no_counts(NUM_CLASSES)), as_arrays(whole))


@given(truth=TRUTHS, predictions=st.tuples(PREDICTIONS, PREDICTIONS))
def test_ignored_pixels_count_nowhere(truth, predictions):
    one, other = predictions
    other = np.where(truth == IGNORE, other, one)
    np.testing.assert_array_equal(
        as_arrays(count_pixels(one, truth, NUM_CLASSES)), as_arrays(count_pixels(other, truth, NUM_CLASSES))
    )


@given(prediction=PREDICTIONS, truth=TRUTHS)
def test_f1_is_dice_and_both_follow_from_iou(prediction, truth):
    counts = count_pixels(prediction, truth, NUM_CLASSES)
    np.testing.assert_array_equal(scores.f1(counts), scores.dice(counts))
    np.testing.assert_allclose(scores.dice(counts), 2 * scores.iou(counts) / (1 + scores.iou(counts)))


def test_counts_do_not_overflow_where_int32_would():
    many = Counts(**{name: np.array([2**40, 2**41]) for name in ("tp", "fp", "fn", "tn")})
    assert total(stack([many, many])).tp[0] == 2**41
    assert scores.iou(many)[0] == pytest.approx(1 / 3)


def test_masks_of_different_size_are_refused():
    with pytest.raises(SizeError, match=r"\(1, 2\), the truth \(1, 3\)"):
        count_pixels(mask(0, 1), mask(0, 1, 1), 2)


@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        (mask(0, 1), mask(0, 7), "The truth holds the class ids 0 to 7, but there are 2 classes"),
        (mask(0, 7), mask(0, 1), "The prediction holds the class ids 0 to 7"),
    ],
)
def test_a_class_id_out_of_range_is_refused(prediction, truth, message):
    with pytest.raises(DataError, match=message):
        count_pixels(prediction, truth, 2)


@pytest.mark.parametrize(
    ("prediction", "truth", "expected"),
    [
        # iou, dice, precision, recall of class 1
        (mask(1, 1, 0, 0), mask(1, 0, 1, 0), (1 / 3, 1 / 2, 1 / 2, 1 / 2)),
        (mask(0, 0, 0, 0), mask(1, 0, 0, 0), (0, 0, np.nan, 0)),  # nothing predicted: precision is 0/0
        (mask(1, 0, 0, 0), mask(0, 0, 0, 0), (0, 0, 0, np.nan)),  # nothing there: recall is 0/0
        (mask(0, 0, 0, 0), mask(0, 0, 0, 0), (np.nan,) * 4),  # neither: never 1, never 0
        (mask(1, 1, 1, 1), mask(1, 1, 1, 1), (1, 1, 1, 1)),
        (mask(1, 1), mask(IGNORE, IGNORE), (np.nan,) * 4),  # nothing counts
    ],
)
def test_scores_of_class_one(prediction, truth, expected):
    counts = count_pixels(prediction, truth, 2)
    found = [score(counts)[1] for score in (scores.iou, scores.dice, scores.precision, scores.recall)]
    np.testing.assert_allclose(found, expected)


def three_images() -> Counts:
    """One good, one poor and larger, one with neither truth nor prediction."""
    pairs = [
        (mask(1, 1, 0, 0), mask(1, 1, 0, 0)),  # IoU 1, Dice 1, accuracy 1
        (mask(1, 0, 0, 0, 0, 0, 0, 0), mask(1, 1, 1, 1, 0, 0, 0, 0)),  # IoU 1/4, Dice 2/5, accuracy 5/8
        (mask(0, 0, 0, 0), mask(0, 0, 0, 0)),  # 0/0, 0/0, accuracy 1
    ]
    return stack(count_pixels(prediction, truth, 2) for prediction, truth in pairs)


def test_the_papers_row_pools_accuracy_and_f1_and_averages_iou_and_dice_over_images():
    assert averages.paper(three_images()) == pytest.approx(
        {
            "acc": 13 / 16,  # of all pixels
            "miou": (1 + 1 / 4) / 2,  # the third image is left out
            "f1": 2 * 3 / (2 * 3 + 0 + 3),  # of all pixels
            "dc": (1 + 2 / 5) / 2,
        }
    )


def test_an_image_with_neither_truth_nor_prediction_is_left_out_and_counted():
    missing = averages.left_out(three_images())
    assert (missing["iou"], missing["dice"], missing["accuracy"]) == (1, 1, 0)
    assert averages.class_left_out(three_images(), ("background", "nucleus"))["nucleus"]["iou"] == 1


def test_pooled_and_per_image_agree_on_a_single_image_and_differ_on_several():
    images = three_images()
    alone = stack([images[1]])
    assert averages.pooled(alone) == pytest.approx(averages.per_image(alone))
    assert averages.pooled(images)["iou"] == pytest.approx(1 / 2)
    assert averages.per_image(images)["iou"] == pytest.approx(5 / 8)


def test_the_foreground_of_several_classes_is_the_mean_of_those_that_are_there():
    images = stack([count_pixels(mask(0, 1, 1, 0), mask(0, 1, 0, 0), 4)])  # classes 2 and 3 are nowhere
    assert averages.per_image(images)["iou"] == pytest.approx(1 / 2)
    assert averages.per_image(images)["iou_all_classes"] == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_a_score_that_no_image_has_is_nan():
    empty = stack([count_pixels(mask(0, 0), mask(0, 0), 2)])
    assert np.isnan(averages.paper(empty)["miou"])
    assert averages.paper(empty)["acc"] == 1


def test_the_class_table_names_each_class_and_average():
    table = averages.class_table(three_images(), ("background", "nucleus"))
    assert table["nucleus"]["pooled"]["recall"] == pytest.approx(3 / 6)
    assert table["nucleus"]["per_image"]["recall"] == pytest.approx((1 + 1 / 4) / 2)
    assert table["background"]["pooled"]["iou"] == pytest.approx(10 / 13)
