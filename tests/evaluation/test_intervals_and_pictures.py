"""Bootstrap intervals are as wide as theory says, and the picture shows each kind of error."""

import numpy as np
import pytest

from lmsc_unet.evaluation.intervals import Bootstrap, draw_times, intervals
from lmsc_unet.evaluation.output import CONFUSED, FALSE, MISSED, RIGHT, colour_errors, rank
from lmsc_unet.evaluation.segmentation import ImageComparison
from lmsc_unet.metrics.counts import IGNORE, Counts


def test_each_draw_takes_as_many_images_as_there_are():
    times = draw_times(7, Bootstrap(num_draws=50))
    assert times.shape == (50, 7)
    assert (times.sum(axis=1) == 7).all()


def test_the_interval_of_a_mean_is_as_wide_as_its_standard_error_says():
    rng = np.random.default_rng(0)
    right = rng.integers(0, 101, 400)  # of 100 true pixels in each image, all else background
    tp, fn = np.stack([100 - right, right], axis=1), np.stack([0 * right, 100 - right], axis=1)
    images = Counts(tp=tp, fn=fn, fp=fn[:, ::-1], tn=tp[:, ::-1])
    low, high = intervals(images, Bootstrap())["per_image"]["recall"]
    error = np.std(right / 100, ddof=1) / 20
    assert (high - low) == pytest.approx(2 * 1.96 * error, rel=0.08)
    assert (high + low) / 2 == pytest.approx(np.mean(right / 100), abs=0.2 * error)


@pytest.mark.parametrize(
    ("scores", "worst", "best"),
    [
        ([0.5, 0.1, 0.9, 0.3], [1, 3], [2, 0]),
        ([0.5, np.nan, 0.9], [0], [2]),  # what has no score is neither
        ([0.5], [0], []),  # none is both
        ([np.nan], [], []),
    ],
)
def test_rank(scores, worst, best):
    assert rank(np.array(scores), 2) == (worst, best)


def test_each_kind_of_error_has_its_colour_and_what_counts_nowhere_is_dark():
    truth = np.array([[0, 1, 1, 0, 2, IGNORE]], dtype=np.uint8)
    prediction = np.array([[0, 1, 0, 1, 1, 1]], dtype=np.uint8)
    image = np.zeros((1, 6, 3), dtype=np.uint8)
    drawn = colour_errors(ImageComparison(image=image, truth=truth, prediction=prediction, regions=prediction))[0]
    shown = [
        (0, 0, 0),
        *(tuple(int(0.6 * c) for c in colour) for colour in (RIGHT, MISSED, FALSE, CONFUSED)),
        (0, 0, 0),
    ]
    np.testing.assert_allclose(drawn, shown, atol=1)
