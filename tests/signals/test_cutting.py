"""Signals that are cut out: at 0 Hz, decimated, without what lay beside them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmsc_unet.signals import cutting
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.cutting import CutPlan, SampleRange, cut_blocks, low_pass, plan_cut
from tests.signals.sigmf_files import noise

RATE_HZ = 1e6


def tone(hz, num_samples=50_000):
    return np.exp(2j * np.pi * hz / RATE_HZ * np.arange(num_samples)).astype(np.complex64)


def all_of(samples):
    return SampleRange(
        first_sample=0, stop_sample=len(samples), read=lambda first, count: samples[first : first + count]
    )


def cut(samples, box):
    plan = plan_cut(box, all_of(samples), sample_rate_hz=RATE_HZ, center_hz=0.0)
    return plan, np.concatenate(list(cut_blocks(plan, all_of(samples))))


def level_db(samples):
    """The mean power inside, away from the ends of the filter."""
    inside = samples[len(samples) // 4 : -len(samples) // 4]
    return 10 * np.log10(np.mean(np.abs(inside) ** 2))


BOX = SignalBox(start_sample=10_000, stop_sample=40_000, low_hz=90e3, high_hz=110e3)


def test_a_tone_is_at_its_distance_from_the_middle_and_as_loud_as_before():
    plan, found = cut(tone(104e3), BOX)
    assert plan.sample_rate_hz == pytest.approx(RATE_HZ / 33)  # 1.5 times 20 kHz and a little more
    middle = found[100:-100]
    turns = np.angle(np.sum(middle[1:] * np.conj(middle[:-1]))) / (2 * np.pi)
    assert turns * plan.sample_rate_hz == pytest.approx(4e3, abs=1)
    assert level_db(found) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("hz", [0, 120e3, 140e3, -100e3, 400e3, 100e3 - RATE_HZ / 33, 100e3 + 2 * RATE_HZ / 33])
def test_what_lies_beside_the_signal_and_would_be_folded_into_it_is_gone(hz):
    _, found = cut(tone(hz), BOX)
    assert level_db(found) < -75


def test_the_edges_of_the_band_pass():
    for hz in (90e3, 110e3):
        assert level_db(cut(tone(hz), BOX)[1]) == pytest.approx(0, abs=0.1)


def test_a_real_signal_becomes_complex_and_keeps_its_amplitude():
    samples = np.cos(2 * np.pi * 0.1 * np.arange(50_000)).astype(np.float32)
    assert level_db(cut(samples, BOX)[1]) == pytest.approx(0, abs=0.05)


@settings(max_examples=30)
@given(
    first=st.integers(-50, 4_900),
    decimation=st.integers(1, 40),
    num_samples=st.integers(1, 60),
    block=st.integers(1, 500),
    shift_hz=st.floats(-5e5, 5e5),
)
def test_blocks_joined_are_the_whole_signal_filtered_and_decimated(first, decimation, num_samples, block, shift_hz):
    samples = noise(5_000)
    plan = CutPlan(
        first_sample=first,
        num_samples=num_samples,
        decimation=decimation,
        shift_hz=shift_hz,
        source_rate_hz=RATE_HZ,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "_BLOCK_SAMPLES", block)
        found = np.concatenate(list(cut_blocks(plan, all_of(samples))))
    shifted = np.pad(samples * np.exp(-2j * np.pi * shift_hz / RATE_HZ * np.arange(5_000)), 3_000)
    filtered = np.convolve(shifted, low_pass(decimation), "same")
    places = 3_000 + first + decimation * np.arange(num_samples)
    np.testing.assert_allclose(found, filtered[places], atol=2e-3)


def test_the_phase_is_right_hours_into_a_recording():
    first = 10**11
    kept = SampleRange(
        first_sample=first, stop_sample=first + 1_000, read=lambda _first, count: np.ones(count, np.complex64)
    )
    plan = CutPlan(first_sample=first, num_samples=1_000, decimation=1, shift_hz=123_456.78, source_rate_hz=RATE_HZ)
    (found,) = cut_blocks(plan, kept)
    turns = np.diff(np.unwrap(np.angle(found))) / (2 * np.pi)
    np.testing.assert_allclose(turns, -0.12345678, atol=1e-5)


@pytest.mark.parametrize(
    ("start", "stop", "bandwidth_hz", "first", "decimation"),
    [
        (0, 50_000, 1.0, 0, 195),  # no bandwidth to speak of: 256 samples are left
        (100, 400, 10e3, 84, 1),  # short
        (10_000, 40_000, 1e6, 8_499, 1),  # the whole band
        (49_999, 50_000, 1e3, 49_998, 1),
    ],
)
def test_plans_keep_what_is_there(start, stop, bandwidth_hz, first, decimation):
    box = SignalBox(start_sample=start, stop_sample=stop, low_hz=0.0, high_hz=bandwidth_hz)
    plan = plan_cut(box, all_of(noise(50_000)), sample_rate_hz=RATE_HZ, center_hz=0.0)
    assert (plan.first_sample, plan.decimation) == (first, decimation)
    assert plan.num_samples * decimation >= stop - start
