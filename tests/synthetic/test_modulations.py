"""Generated signals are what they are said to be: their band, their length, their constellation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.synthetic.radio.baseband import MAKERS, baseband, mix, ramp_ends
from lmsc_unet.synthetic.radio.modulations import (
    MODULATIONS,
    fast_length,
    psk,
    qam,
    root_raised_cosine,
    shape_pulses,
)

LINEAR = {"PSK2": psk(2), "PSK4": psk(4), "PSK8": psk(8), "QAM16": qam(16), "QAM64": qam(64), "QAM256": qam(256)}


def power_below(samples, edge):
    """The share of the power at frequencies under `edge`."""
    power = np.abs(np.fft.fftshift(np.fft.fft(samples * np.hanning(len(samples))))) ** 2
    frequency = np.fft.fftshift(np.fft.fftfreq(len(samples)))
    return power[frequency < edge].sum() / power.sum()


@pytest.mark.parametrize("num_samples", [1 << 14, 1 << 17])
@pytest.mark.parametrize("bandwidth", [0.01, 0.1, 0.5, 0.95])
@pytest.mark.parametrize("modulation", MAKERS)
def test_99_percent_of_the_power_lies_in_the_band_and_the_length(modulation, bandwidth, num_samples):
    samples = baseband(modulation, np.random.default_rng(3), num_samples=num_samples, bandwidth=bandwidth)
    ramp_ends(samples, int(2 / bandwidth), at_start=True, at_end=True)
    assert len(samples) == num_samples
    assert power_below(samples, bandwidth / 2) - power_below(samples, -bandwidth / 2) >= 0.99
    assert np.mean(np.abs(samples) ** 2) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("modulation", [name for name in MODULATIONS if name != "AM_DSB"])
def test_no_band_is_much_wider_than_its_signal(modulation):
    # AM_DSB is left out: nine tenths of its power are the carrier in the middle
    for seed in range(4):
        samples = baseband(modulation, np.random.default_rng(seed), num_samples=1 << 16, bandwidth=0.2)
        for side in (-1, 1):
            outer = power_below(side * np.conj(samples) if side < 0 else samples, -0.06)
            assert outer >= 0.001, "nothing in the outer fifth of the band"


@pytest.mark.parametrize("modulation", MODULATIONS)
def test_power_is_even_over_the_length(modulation):
    samples = baseband(modulation, np.random.default_rng(5), num_samples=1 << 16, bandwidth=0.2)
    parts = np.mean(np.abs(samples.reshape(8, -1)) ** 2, axis=1)
    assert parts.min() > 0.6
    assert parts.max() < 1.6


def test_a_keyed_carrier_is_on_or_off_and_a_shifted_one_always_on():
    for seed in range(6):
        keyed, shifted, chirp, speech = (
            np.abs(baseband(name, np.random.default_rng(seed), num_samples=1 << 15, bandwidth=0.5))
            for name in ("KEYED", "FSK2_WIDE", "CHIRP", "NFM")
        )
        assert np.percentile(keyed, 2) < 0.3 * keyed.max()
        assert np.percentile(keyed, 90) > 0.7 * np.percentile(keyed, 99.9)
        for constant in (shifted, chirp, speech):
            assert np.percentile(constant, 2) > 0.6


def test_chirps_sweep_their_band_again_and_again():
    samples = baseband("CHIRP", np.random.default_rng(2), num_samples=1 << 15, bandwidth=0.25)
    frequency = np.angle(samples[1:] * np.conj(samples[:-1])) / (2 * np.pi)
    slopes = np.diff(np.convolve(frequency, np.ones(9) / 9, "valid"))
    assert np.mean(slopes > 0) > 0.65
    assert np.histogram(frequency, 8, (-0.125, 0.125))[0].min() > 0.05 * len(frequency)


@pytest.mark.parametrize(("name", "points"), LINEAR.items())
def test_constellations_have_their_points_at_power_1(name, points):
    assert len(set(np.round(points, 9))) == int("".join(filter(str.isdigit, name)))
    assert np.mean(np.abs(points) ** 2) == pytest.approx(1)
    assert abs(points.mean()) < 1e-9


@pytest.mark.parametrize(("name", "points"), LINEAR.items())
def test_a_matched_filter_gives_the_symbols_back(name, points):
    rng = np.random.default_rng(1)
    symbols, rolloff = points[rng.integers(len(points), size=600)], 0.3
    lines = shape_pulses(symbols, rolloff) * root_raised_cosine(np.fft.fftfreq(1200) * 2, rolloff)
    received = 2 * np.fft.ifft(lines)[::2]
    np.testing.assert_allclose(received, symbols, atol=1e-5)


def test_a_transmitted_signal_shows_its_constellation():
    """From the samples of `baseband` alone: symbol rate by trial, matched filter, distance to the nearest point."""
    samples = baseband("PSK4", np.random.default_rng(11), num_samples=1 << 14, bandwidth=0.25)
    rolloff = np.random.default_rng(11).uniform(0.15, 0.5)
    spectrum, frequency = np.fft.fft(samples), np.fft.fftfreq(len(samples))
    best = min(
        error_vector(spectrum, frequency, rate, rolloff) for rate in 0.25 / (1 + rolloff) * np.linspace(0.99, 1.01, 81)
    )
    assert best < 0.15


def error_vector(spectrum, frequency, rate, rolloff):
    size = len(spectrum)
    at = np.arange(100, 700) / rate  # symbols away from the ends, where the cut is not felt
    filtered = np.fft.ifft(spectrum * root_raised_cosine(frequency / rate, rolloff))
    received = np.interp(at, np.arange(size), filtered.real) + 1j * np.interp(at, np.arange(size), filtered.imag)
    received /= np.sqrt(np.mean(np.abs(received) ** 2))
    nearest = psk(4)[np.argmin(np.abs(received[:, None] - psk(4)), axis=1)]
    return np.sqrt(np.mean(np.abs(received - nearest) ** 2))


@pytest.mark.parametrize("modulation", ["FSK2", "FSK4", "GMSK", "FM"])
def test_angle_modulations_have_a_nearly_constant_envelope(modulation):
    samples = baseband(modulation, np.random.default_rng(2), num_samples=1 << 15, bandwidth=0.2)
    assert np.std(np.abs(samples)) < 0.08


@pytest.mark.parametrize(("modulation", "levels"), [("FSK2", 2), ("FSK4", 4)])
def test_frequency_keying_dwells_on_its_levels(modulation, levels):
    samples = baseband(modulation, np.random.default_rng(4), num_samples=1 << 15, bandwidth=0.05)
    frequency = np.angle(samples[1:] * np.conj(samples[:-1])) / (2 * np.pi)
    counts, _ = np.histogram(frequency, bins=61, range=(-0.025, 0.025))
    smooth = np.convolve(counts, np.ones(3), "same")
    peaks = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:]) & (smooth[1:-1] > 0.25 * smooth.max())
    assert peaks.sum() == levels


def test_on_off_keying_is_on_and_off():
    samples = np.abs(baseband("OOK", np.random.default_rng(0), num_samples=1 << 15, bandwidth=0.05))
    assert np.mean(samples < 0.3) > 0.2
    assert np.mean(samples > 1.0) > 0.2


def test_am_has_a_carrier_and_ssb_one_side_only():
    am = baseband("AM_DSB", np.random.default_rng(0), num_samples=1 << 15, bandwidth=0.2)
    assert abs(am.mean()) ** 2 > 0.8
    assert np.abs(am.imag).max() < 1e-3
    native = [MODULATIONS["AM_SSB"](np.random.default_rng(seed), 100) for seed in range(8)]
    assert {(one.low < 0, one.high > 1) for one in native} == {(False, True), (True, False)}


def test_ofdm_peaks_as_noise_does():
    ofdm = baseband("OFDM", np.random.default_rng(0), num_samples=1 << 15, bandwidth=0.4)
    assert np.mean(np.abs(ofdm) ** 4) == pytest.approx(2, abs=0.15)  # the kurtosis of complex Gaussian noise


@given(frequency=st.floats(-0.5, 0.5), size=st.integers(1, 5000))
def test_mixing_turns_each_sample_on(frequency, size):
    turned = mix(np.ones(size, np.complex64), frequency)
    assert np.abs(turned - np.exp(2j * np.pi * frequency * np.arange(size))).max() < 2e-3


@given(st.integers(1, 10**7))
def test_fast_lengths_have_small_factors_and_are_not_far(least):
    length = fast_length(least)
    assert least <= length <= 1.34 * least
    for factor in (2, 3, 5):
        while length % factor == 0:
            length //= factor
    assert length == 1
