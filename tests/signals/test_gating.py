"""A mask counts only where there is power."""

import numpy as np

from lmsc_unet.signals.detection.gating import gated

FRAMES = 8


def search(power, confidence=None, sure=0.0):
    everything = np.ones(power.shape, np.uint8)
    return gated(everything, confidence, power.astype(np.float32), FRAMES, sure=sure)


def plane():
    return np.random.default_rng(0).gamma(FRAMES, 1 / FRAMES, (60, 256))


def test_a_mask_alone_finds_nothing_in_noise():  # D3
    assert not search(plane()).is_seed.any()


def test_a_signal_keeps_its_cells_and_the_noise_around_it_does_not():
    power = plane()
    power[20:40, 100:120] += 100
    found = search(power)
    assert found.mask[21:39, 101:119].all()
    assert found.mask[:, 125:].mean() < 0.1
    assert found.is_seed[20:40, 100:120].any()


def test_a_pause_of_one_row_is_a_gap():
    power = plane()
    power[20:40, 100:120] += 100
    power[30] = 1
    assert not search(power).mask[30, 95:125].any()


def test_the_skirt_of_a_strong_signal_does_not_belong_to_it_but_a_weak_signal_far_off_stays():
    power = plane()
    power[20:40, 100:104] += 1e4
    power[20:40, 104:108] += 30  # 25 dB down beside it
    power[20:40, 200:210] += 30  # the same far off: a signal until its times say otherwise
    mask = search(power).mask
    assert mask[22:38, 100:104].all()
    assert not mask[22:38, 105:108].any()
    assert mask[22:38, 201:209].all()


def test_a_region_starts_only_where_the_masker_is_sure():
    power = plane()
    power[20:40, 100:120] += 100
    confidence = np.full(power.shape, 0.8, np.float32)
    assert not search(power, confidence, sure=0.9).is_seed.any()
    assert search(power, confidence, sure=0.7).is_seed.any()
