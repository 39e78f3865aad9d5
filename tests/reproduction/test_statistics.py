"""Paired tests and their correction, by textbook numbers and by what must hold."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.metrics.counts import Counts
from lmsc_unet.reproduction.context import Outcome, Scored
from lmsc_unet.reproduction.plan import Clock, estimate_s
from lmsc_unet.reproduction.recipes import Experiment
from lmsc_unet.reproduction.statistics import (
    compare_all,
    compare_with_first,
    findings,
    holm,
    signed_rank_p,
    summarise,
    without_foreground,
)

from .test_running import job


def outcome(title: str, hits: list[list[int]]) -> Outcome:
    """An experiment whose folds' images have so many of 100 foreground pixels right, and nothing false."""
    scored = []
    for number, fold in enumerate(hits):
        tp = np.array([[100, one] for one in fold])
        fn = 100 - tp
        counts = Counts(tp=tp, fp=fn[:, ::-1].copy(), fn=fn, tn=tp[:, ::-1].copy())
        names = tuple(f"{number}-{image}" for image in range(len(fold)))
        scored.append(Scored(job=job(title, Path()), names=names, counts=counts, about={}))
    return Outcome(experiment=Experiment(title=title), jobs=(), scored=tuple(scored), gaps={})


@pytest.mark.parametrize(
    ("p_values", "corrected"),
    [
        ([], []),
        ([0.04], [0.04]),  # one pair needs no correction
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # Holm's own way: 4, 3, 2, 1 times, never falling
        ([0.5, 0.9], [1.0, 1.0]),  # at most 1
    ],
)
def test_holm(p_values: list[float], corrected: list[float]) -> None:
    assert holm(p_values) == pytest.approx(corrected)


@given(st.lists(st.floats(0, 1), max_size=20))
def test_a_correction_never_helps_and_keeps_the_order(p_values: list[float]) -> None:
    corrected = holm(p_values)
    assert all(raw <= p <= 1 for raw, p in zip(p_values, corrected, strict=True))
    assert [corrected[i] for i in np.argsort(p_values, kind="stable")] == sorted(corrected)


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([0.0, 0.0], 1.0),  # nothing differs
        ([1, 2, 3, 4, 5, 6], 2 / 2**6),  # all to one side: two of the 64 ways to draw the signs
        ([0, 1, 2, 3, 4, 5, 6], 2 / 2**6),  # an image without difference says nothing
    ],
)
def test_signed_ranks(differences: list[float], p: float) -> None:
    assert signed_rank_p(np.array(differences, dtype=float)) == pytest.approx(p)


def test_a_difference_on_every_image_is_real_and_none_is_not() -> None:
    low, high = [50 + n for n in range(12)], [60 + 2 * n for n in range(12)]
    pairs = compare_all([outcome("low", [low]), outcome("same", [low]), outcome("high", [high])])
    real = {(pair.first, pair.second): pair.is_real for pair in pairs}
    assert real == {("low", "same"): False, ("low", "high"): True, ("same", "high"): True}
    assert all(pair.low <= pair.difference <= pair.high for pair in pairs)


def test_with_the_first_alone_fewer_pairs_share_the_correction() -> None:
    outcomes = [outcome(str(start), [[start + n for n in range(7)]]) for start in (50, 51, 52)]
    assert [(pair.first, pair.second) for pair in compare_with_first(outcomes)] == [("50", "51"), ("50", "52")]
    assert compare_with_first(outcomes)[0].p_holm == pytest.approx(compare_all(outcomes)[0].p_holm * 2 / 3)


def on_an_empty_image(title: str, false: int) -> Outcome:
    """An experiment with one image that has no foreground, where so many pixels are marked all the same."""
    tp, fp = np.array([[100 - false, 0]]), np.array([[0, false]])
    counts = Counts(tp=tp, fp=fp, fn=fp[:, ::-1].copy(), tn=tp[:, ::-1].copy())
    scored = (Scored(job=job(title, Path()), names=("empty",), counts=counts, about={}),)
    return Outcome(experiment=Experiment(title=title), jobs=(), scored=scored, gaps={})


def test_images_without_foreground_are_counted_apart() -> None:
    assert without_foreground(on_an_empty_image("left empty", 0)) == {"images": 1, "marked": 0, "miou_others": None}
    assert without_foreground(on_an_empty_image("marked", 3)) == {"images": 1, "marked": 1, "miou_others": None}
    assert without_foreground(outcome("none is empty", [[50, 60]])) is None
    some = outcome("one is empty", [[50]])
    both = replace(some, scored=(*some.scored, *on_an_empty_image("", 1).scored))
    assert without_foreground(both) == {"images": 1, "marked": 1, "miou_others": 0.5}


def test_a_false_mark_on_an_empty_image_counts_against_who_made_it() -> None:
    (pair,) = compare_all([on_an_empty_image("left empty", 0), on_an_empty_image("marked", 1)])
    assert (pair.images, pair.difference) == (1, -1.0)


def test_only_images_that_both_have_are_compared() -> None:
    (pair,) = compare_all([outcome("both folds", [[50, 60], [70, 80]]), outcome("one fold", [[55, 66]])])
    assert pair.images == 2
    assert pair.difference == pytest.approx(0.055)


def test_a_score_is_the_mean_of_folds_with_their_deviation_and_an_interval_over_images() -> None:
    found = summarise(outcome("any", [[40, 60], [80]]))["paper"]["miou"]
    assert found["mean"] == pytest.approx(0.65)  # of 0.5 and 0.8
    assert found["std"] == pytest.approx(0.3 / 2**0.5)
    assert found["low"] == pytest.approx(0.4)
    assert found["high"] == pytest.approx(0.8)
    assert summarise(outcome("nothing", [])) == {}


def test_findings_say_what_is_real_and_how_much_of_the_paper_is_found() -> None:
    rows = [{"title": title, "paper": {"miou": miou}} for title, miou in (("a", 0.7), ("b", 0.69), ("c", 0.71))]
    differences = {("a", "b"): (0.01, False), ("a", "c"): (0.02, True), ("b", "c"): (0.01, False)}
    pairs = [
        {"first": first, "second": second, "difference": difference, "is_real": is_real}
        for (first, second), (difference, is_real) in differences.items()
    ]
    assert findings({"rows": rows, "pairs": pairs}) == [
        "Real differences (p below 0.05 after Holm's correction): 1 of 3: c less a +0.0200.",
        "Of the 3 differences of mIoU in the paper, 2 have the same sign here, and 1 of the 1 real ones.",
    ]
    assert findings({"rows": rows, "pairs": []}) == []


def test_the_time_that_is_left_follows_what_this_machine_took() -> None:
    jobs = [job(title, Path()) for title in ("a", "b", "c")]
    clock = Clock(jobs, num_processes=1)
    assert clock.left_s() == pytest.approx(3 * estimate_s(jobs[0]))
    clock.note(jobs[0], 2 * estimate_s(jobs[0]), is_done=True)
    assert clock.left_s() == pytest.approx(4 * estimate_s(jobs[0]))
    clock.note(jobs[1], 1.0, is_done=False)  # one that failed at once tells nothing
    assert clock.left_s({jobs[2]: estimate_s(jobs[2])}) == pytest.approx(estimate_s(jobs[0]))
