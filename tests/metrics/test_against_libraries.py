"""Our scores are torchmetrics' and MONAI's wherever these give one; where an answer is 0/0 they differ, and we say how.

What is 0/0 for us is NaN and left out of a mean. torchmetrics answers 0 in its classification scores and -1 in its
segmentation `mean_iou`; MONAI answers 1 with `ignore_empty=False`, and by default NaN, but then for every image without
truth, whatever was predicted in it.
"""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmsc_unet.metrics import averages, scores
from lmsc_unet.metrics.counts import IGNORE, count_pixels, stack, total

torch = pytest.importorskip("torch", reason="the libraries to compare with need torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what others' imports warn of is not ours to mend
    import monai.metrics
    import torchmetrics.functional.classification as classification
    import torchmetrics.functional.segmentation as segmentation

NUM_CLASSES = 3
SHAPE = (3, 5, 4)  # images, rows, columns
MASKS = arrays(np.uint8, SHAPE, elements=st.integers(0, NUM_CLASSES - 1))
SPARSE = arrays(np.uint8, SHAPE, elements=st.integers(0, NUM_CLASSES - 1), fill=st.just(0))
TRUTHS = arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, 2, IGNORE]))
FEW = settings(max_examples=40)


def count(predictions: np.ndarray, truths: np.ndarray, num_classes: int = NUM_CLASSES):
    return stack(count_pixels(p, t, num_classes) for p, t in zip(predictions, truths, strict=True))


def tensors(*masks: np.ndarray):
    return (torch.from_numpy(mask.astype(np.int64)) for mask in masks)


def one_hot(*masks: np.ndarray):
    return (torch.nn.functional.one_hot(mask, NUM_CLASSES).movedim(-1, 1) for mask in tensors(*masks))


def assert_same_where_defined(ours: np.ndarray, theirs: np.ndarray) -> None:
    is_defined = ~np.isnan(ours)
    np.testing.assert_allclose(ours[is_defined], theirs[is_defined], atol=1e-6)


@FEW
@given(MASKS, TRUTHS)
def test_class_scores_pooled_over_all_pixels_are_torchmetrics(predictions, truths):
    summed = total(count(predictions, truths))
    their_masks = list(tensors(predictions, truths))
    setting = {"num_classes": NUM_CLASSES, "average": "none", "ignore_index": IGNORE}
    for score, function in (
        (scores.iou, classification.multiclass_jaccard_index),
        (scores.f1, classification.multiclass_f1_score),
        (scores.precision, classification.multiclass_precision),
        (scores.recall, classification.multiclass_recall),
    ):
        answer = function(*their_masks, **setting).numpy()
        assert_same_where_defined(score(summed), answer)
        np.testing.assert_array_equal(answer[np.isnan(score(summed))], 0)


@FEW
@given(MASKS, TRUTHS)
def test_accuracy_is_torchmetrics_micro_accuracy(predictions, truths):
    theirs = classification.multiclass_accuracy(
        *tensors(predictions, truths), num_classes=NUM_CLASSES, average="micro", ignore_index=IGNORE
    )
    ours = averages.pooled(count(predictions, truths))["accuracy"]
    if not np.isnan(ours):
        assert ours == pytest.approx(float(theirs), abs=1e-6)


@FEW
@given(SPARSE, SPARSE)
def test_per_image_dice_and_iou_are_monais_with_nan_where_an_image_lacks_the_class_in_truth_and_prediction(
    predictions, truths
):
    ours, theirs = count(predictions, truths), list(one_hot(predictions, truths))
    # MONAI's ignore_empty=False answers 1 for the doubly empty and 0 for what is only predicted.
    for score, function in ((scores.dice, monai.metrics.compute_dice), (scores.iou, monai.metrics.compute_iou)):
        answer = function(*theirs, include_background=True, ignore_empty=False).numpy()
        assert_same_where_defined(score(ours), answer)
        np.testing.assert_array_equal(answer[np.isnan(score(ours))], 1)


@FEW
@given(SPARSE, SPARSE)
def test_monais_default_leaves_out_more_than_we_do_namely_false_alarms_in_images_without_truth(predictions, truths):
    """`ignore_empty=True` is NaN wherever the truth is empty; a false alarm there scores 0 with us, as it should."""
    answer = monai.metrics.compute_dice(*one_hot(predictions, truths), ignore_empty=True).numpy()
    ours = count(predictions, truths)
    is_truth_empty = ours.tp + ours.fn == 0
    np.testing.assert_array_equal(np.isnan(answer), is_truth_empty)
    false_alarm = is_truth_empty & (ours.fp > 0)
    np.testing.assert_array_equal(scores.dice(ours)[false_alarm], 0)


@FEW
@given(SPARSE, SPARSE)
def test_monais_f1_pools_as_ours_does(predictions, truths):
    metric = monai.metrics.ConfusionMatrixMetric(metric_name="f1 score", reduction="sum", compute_sample=False)
    metric(*one_hot(predictions, truths))
    matrix = metric.get_buffer().sum(dim=0)  # classes x (tp, fp, tn, fn)
    summed = total(count(predictions, truths))
    np.testing.assert_array_equal(matrix[:, 0], summed.tp)
    np.testing.assert_array_equal(matrix[:, 1], summed.fp)
    np.testing.assert_array_equal(matrix[:, 3], summed.fn)


@FEW
@given(SPARSE, SPARSE)
def test_torchmetrics_mean_iou_is_ours_and_says_minus_one_for_absent_classes(predictions, truths):
    answer = segmentation.mean_iou(
        *tensors(predictions, truths), num_classes=NUM_CLASSES, per_class=True, input_format="index"
    ).numpy()
    ours = scores.iou(count(predictions, truths))
    assert_same_where_defined(ours, answer)
    np.testing.assert_array_equal(answer[np.isnan(ours)], -1)


@pytest.mark.parametrize(
    ("predicted", "there", "expected"),
    [
        (0, 0, np.nan),  # neither truth nor prediction: no answer, so it is left out
        (1, 0, 0.0),  # empty truth, something predicted
        (0, 1, 0.0),  # something there, empty prediction
        (1, 1, 1.0),
    ],
)
def test_empty_truth_and_empty_prediction(predicted, there, expected):
    shape = (1, 4, 4)
    ours = count(np.full(shape, predicted, dtype=np.uint8), np.full(shape, there, dtype=np.uint8), num_classes=2)
    row = averages.paper(ours)
    np.testing.assert_equal([row["miou"], row["f1"], row["dc"]], [expected] * 3)
