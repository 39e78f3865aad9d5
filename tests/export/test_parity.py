"""Two networks are compared in logits, classes and scores, and what is lost is noticed, however rare it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from lmsc_unet.datasets.sample import Sample
from lmsc_unet.evaluation.parity import Difference, Parity, compare_logits, failures, rounding
from lmsc_unet.metrics.counts import count_pixels, stack
from lmsc_unet.quantization.calibration import draw_crops
from tests.inference.networks import spec

BINARY = spec()
THREE = spec(num_logits=3, class_names=("a", "b", "c"))


def logits(*values: float) -> Any:
    return np.array(values, np.float32).reshape(1, 1, 1, -1)


@pytest.mark.parametrize(
    ("before", "after", "flipped", "clearly"),
    [
        (logits(-1, 2), logits(-1, 2), 0, 0),
        (logits(-1, 2), logits(1, 2), 1, 1),
        (logits(-1e-6, 2), logits(1e-6, 2), 1, 0),  # a tie
        (logits(0, 2), logits(-1e-7, 2), 1, 0),  # the threshold itself is foreground
    ],
)
def test_pixels_that_change_their_class_are_counted_and_ties_known(
    before: Any, after: Any, flipped: int, clearly: int
) -> None:
    found = compare_logits(before, after, BINARY)
    assert (found.num_flipped, found.num_flipped_clearly) == (flipped, clearly)


@pytest.mark.parametrize("scaling", ["percentile", "per-channel", "balanced", "range"])
def test_pixels_of_which_nothing_is_known_calibrate_nothing(tmp_path: Path, scaling: str) -> None:  # I8
    whole = np.random.default_rng(0).normal(100, 20, (64, 64, 3)).astype(np.float32)
    holed = np.concatenate([whole, np.full((16, 64, 3), -9999, np.float32)])
    for name, image in (("whole", whole), ("holed", holed)):
        tags = [(42113, 2, 0, "-9999", True)]
        tifffile.imwrite(tmp_path / f"{name}.tif", image, photometric="rgb", extratags=tags, metadata=None)
    wanted = spec(scaling=scaling, size_px=128)
    expected, found = (
        draw_crops([Sample(name=name, image=tmp_path / f"{name}.tif")], wanted, 1)[0] for name in ("whole", "holed")
    )
    np.testing.assert_allclose(found[:, :, :64], expected, atol=1e-4)
    assert np.isfinite(found).all()


def test_the_threshold_is_the_specs_own() -> None:
    at_ninety = replace(BINARY, threshold=0.9)  # a logit of 2.197
    assert compare_logits(logits(2.0), logits(2.5), at_ninety).num_flipped == 1
    assert compare_logits(logits(-1.0), logits(1.0), at_ninety).num_flipped == 0


def test_many_classes_are_compared_by_the_largest() -> None:
    before = np.array([[3, 1, 0], [0, 1, 1 + 1e-6]], np.float32).T.reshape(1, 3, 1, 2)
    after = np.array([[1, 3, 0], [0, 1 + 1e-6, 1]], np.float32).T.reshape(1, 3, 1, 2)
    found = compare_logits(before, after, THREE)
    assert (found.num_pixels, found.num_flipped, found.num_flipped_clearly) == (2, 2, 1)


def test_differences_add() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 1, 1, 4, 6)).astype(np.float32)
    halves = compare_logits(a[..., :2], b[..., :2], BINARY) + compare_logits(a[..., 2:], b[..., 2:], BINARY)
    whole = compare_logits(a, b, BINARY)
    assert halves.summed == pytest.approx(whole.summed)
    assert replace(halves, summed=whole.summed) == whole
    assert Difference() + whole == whole


def parity(before: Any, after: Any, truth: Any) -> Parity:
    def counted(found: Any) -> Any:
        return stack([count_pixels((found[0, 0] >= 0).astype(np.uint8), truth, 2)])

    return Parity(difference=compare_logits(before, after, BINARY), original=counted(before), exported=counted(after))


def scene(foreground: int) -> Any:
    """1000 pixels, of which the first few are foreground, and the truth that says so."""
    truth = (np.arange(1000) < foreground).astype(np.uint8)[np.newaxis]
    return np.where(truth > 0, 5, -5).astype(np.float32)[np.newaxis, np.newaxis], truth


@pytest.mark.parametrize(
    ("foreground", "change", "message"),
    [
        (300, 0.3, None),  # logits may move
        (300, -20.0, "30.00 % of the pixels change their class"),
        (5, -20.0, "the foregrounds agree to an IoU of 0.000 only"),  # 99.5 % of the pixels keep their class
        (5, -20.0, "the mean IoU falls by 100.00 points"),
        (0, 0.1, "neither network finds any foreground on these images, so they prove nothing"),
    ],
)
def test_an_int8_network_that_lost_its_foreground_is_refused(
    foreground: int, change: float, message: str | None
) -> None:
    before, truth = scene(foreground)
    found = failures(parity(before, before + np.float32(change), truth), "int8")
    assert not found if message is None else any(message in reason for reason in found)


def test_a_lost_foreground_is_noticed_where_the_truth_has_none() -> None:
    before, _ = scene(5)
    found = failures(parity(before, before - 20, np.zeros((1, 1000), np.uint8)), "int8")
    assert any("the foregrounds agree to an IoU of 0.000 only" in reason for reason in found)


@pytest.mark.parametrize(
    ("change", "message"), [(0.0, None), (9e-6, None), (3e-5, r"logits differ by up to 3e-05 (allowed: 2.5e-05)")]
)
def test_float32_may_differ_by_rounding_alone(change: float, message: str | None) -> None:
    before, truth = scene(300)
    found = failures(parity(before, before.astype(np.float64) + change, truth), "float32")
    assert found == [] if message is None else message in found


def test_rounding_grows_with_the_logits_as_float32_does() -> None:
    assert rounding(1.0) == rounding(2.0) == 1e-5
    assert rounding(50.0) == pytest.approx(2.5e-4)
