"""How many frames a row averages, when nobody says it."""

import numpy as np
import pytest

from lmsc_unet.signals.detection.survey import frames_by_rate, frames_of, packet_rows
from lmsc_unet.signals.recording import open_recording
from lmsc_unet.signals.settings import Stft
from tests.signals.sigmf_files import metadata, noise, write_pair
from tests.signals.test_finding import send

LONG = 1 << 18


@pytest.mark.parametrize(
    ("rate_hz", "nfft", "frames"),
    [
        (250e3, 256, 1),  # rtl_433's rate: a row lasts 1 ms
        (1e6, 256, 4),
        (2.4e6, 256, 8),
        (20e6, 256, 8),  # never more, as fast packets would melt
        (1e6, 1024, 1),
        (1.0, 256, 8),  # normalised: says nothing about time
    ],
)
def test_a_row_lasts_about_a_millisecond(rate_hz, nfft, frames):
    assert frames_by_rate(rate_hz, Stft(nfft=nfft, hop=nfft)) == frames


def recording(tmp_path, samples, rate_hz=20e6):
    return open_recording(write_pair(tmp_path, metadata(rate_hz=rate_hz), samples))


@pytest.mark.parametrize(("num_samples", "frames"), [(LONG, 8), (1 << 16, 2), (5_000, 1), (100, 1)])
def test_a_short_recording_has_rows_enough(tmp_path, num_samples, frames):
    assert frames_of(recording(tmp_path, noise(num_samples)), Stft()) == frames


@pytest.mark.parametrize(("length", "frames"), [(550, 1), (1_200, 2), (20_000, 8)])
def test_short_packets_make_short_rows(tmp_path, length, frames):
    samples = noise(LONG)
    for start in range(5_000, LONG - 30_000, 2 * length):
        send(samples, start, start + length, -0.3, 0.3, 25, seed=start)
    assert frames_of(recording(tmp_path, samples), Stft()) == frames


def test_short_pulses_of_a_carrier_are_no_packets(tmp_path):
    samples = noise(LONG)
    keyed = np.arange(LONG) // 600 % 2
    samples += (10 * keyed * np.exp(2j * np.pi * 0.1 * np.arange(LONG))).astype(np.complex64)
    assert frames_of(recording(tmp_path, samples), Stft()) == 8


def test_packets_at_the_ends_of_a_stretch_are_not_measured():
    power = np.ones((40, 64), np.float32)
    for first, stop in ((0, 5), (10, 13), (20, 21), (36, 40)):
        power[first:stop] = 50
    assert packet_rows(power) == [3]
