"""What a receiver adds, and what must not be taken for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.signals.detection.background import find_background, noise_quantile, row_levels, sliding_median
from lmsc_unet.signals.morphology import highest_around

FRAMES = 8


def noise_rows(num_rows=512, num_columns=256, seed=0):
    return np.random.default_rng(seed).gamma(FRAMES, 1 / FRAMES, (num_rows, num_columns)).astype(np.float32)


def background(power):
    return find_background(10 * np.log10(power), FRAMES, has_zero_column=False)


def test_white_noise_has_no_background():
    found = background(noise_rows())
    assert found.lines == ()
    np.testing.assert_allclose(found.level, 1, atol=0.03)


@pytest.mark.parametrize(
    ("columns", "rows", "power", "is_line"),
    [
        (slice(100, 102), slice(None), 10, True),  # a receiver's spur
        (slice(100, 102), slice(0, 400), 10, False),  # it ends: a signal
        (slice(100, 110), slice(None), 10, False),  # too wide
        (slice(100, 102), slice(None), 1000, False),  # strong enough to be somebody's carrier
    ],
)
def test_a_steady_line_is_background(columns, rows, power, is_line):
    seen = noise_rows()
    seen[rows, columns] += power
    assert bool(background(seen).lines) is is_line


def test_weak_signals_are_believed_where_the_noise_is_even():
    even, uneven = noise_rows(), noise_rows()
    uneven *= np.repeat(np.random.default_rng(1).uniform(0.7, 1.4, (32, 16)), 16, axis=0).repeat(16, axis=1)
    assert background(even).min_snr_db < -3
    assert background(uneven).min_snr_db == 3


def test_signals_over_half_the_plane_do_not_make_the_noise_uneven():
    seen = noise_rows()
    seen[:, 64:192] += 30 * noise_rows(num_columns=128, seed=1)
    assert background(seen).min_snr_db < 0


def test_of_few_rows_nothing_is_known_and_weak_signals_are_not_believed():
    assert background(noise_rows(num_rows=20)).min_snr_db == 3


def test_a_keyed_carrier_is_no_background():
    seen = noise_rows()
    seen[:, 100:102] += 30 * (np.arange(512) // 4 % 2)[:, np.newaxis]
    assert background(seen).lines == ()


def test_the_roll_off_of_a_band_is_taken_off():
    slope = np.minimum(1, np.linspace(0.3, 3, 256)).astype(np.float32)
    flat = background(noise_rows() * slope).flatten(10 * np.log10(noise_rows(seed=1) * slope))
    assert abs(float(np.mean(10 ** (flat[:, 10:40] / 10))) - 1) < 0.05


@pytest.mark.parametrize("step", [0.1, 0.3])
def test_rows_follow_a_gain_step_down(step):
    seen = noise_rows()
    seen[200:300] *= step
    level = row_levels(seen, FRAMES)
    assert level[:195] == pytest.approx(1, abs=0.01)
    assert level[205:295] == pytest.approx(step, rel=0.1)


def test_a_wide_signal_does_not_raise_the_noise_but_a_strong_ones_skirt_does():
    wide, skirt = noise_rows(), noise_rows()
    wide[200:300] *= 30
    skirt[200:300] *= 5
    skirt[200:300, 100:103] = 10_000
    assert row_levels(wide, FRAMES)[205:295] == pytest.approx(1, abs=0.3)
    assert row_levels(skirt, FRAMES)[205:295] == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize("num_frames", [1, 4, 8])
@pytest.mark.parametrize(("share", "deviate"), [(0.3, -0.5244), (0.7, 0.5244)])
def test_the_quantiles_of_averaged_noise(num_frames, share, deviate):
    gamma = pytest.importorskip("scipy.stats", reason="the oracle of quantiles").gamma
    assert noise_quantile(num_frames, deviate) == pytest.approx(gamma.ppf(share, num_frames) / num_frames, rel=0.01)


def test_a_sliding_median_mirrors_the_ends():
    np.testing.assert_array_equal(sliding_median(np.array([9.0, 1, 2, 3, 4]), 3), [1, 2, 2, 3, 3])


@given(values=st.lists(st.integers(0, 99), min_size=1, max_size=30), reach=st.integers(1, 40))
def test_the_highest_around_is_the_slow_one(values, reach):
    line = np.array(values)
    slow = [line[max(0, place - reach) : place + reach + 1].max() for place in range(len(line))]
    np.testing.assert_array_equal(highest_around(line, reach, axis=0), slow)
    np.testing.assert_array_equal(highest_around(np.stack([line, line]), reach, axis=1)[1], slow)
