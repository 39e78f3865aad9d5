"""Impairments of transmitters, channel and receiver, with their strengths. Each is off at 0.

Transmitters add phase-noise skirts and spurs, the channel echoes, the receiver roll-off, IQ imbalance, a DC offset,
steps of its gain and rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.ranges import check_range
from lmsc_unet.errors import ConfigError
from lmsc_unet.synthetic.radio.baseband import mix
from lmsc_unet.synthetic.radio.modulations import Random, fast_length


@dataclass(frozen=True, kw_only=True)
class Impairments:
    """The largest strength of each impairment; a scene draws uniformly up to it."""

    near_db: float = 0.0
    """Extra power of all signals in every second scene, as near a transmitter."""
    skirts: float = 0.0
    """Amplitude of the noise around a signal, over up to four times its bandwidth."""
    spurs: float = 0.0
    """Amplitude of a signal's weak copies and lines at other frequencies; up to three."""
    multipath: float = 0.0
    """Amplitude of echoes relative to the direct path, under 1; up to three, within 4 / bandwidth."""
    rolloff_db: float = 0.0
    """Attenuation of the receiver's filter at the band's edges; it starts 5 to 15 % of the band inside."""
    dc_spike_db: float = 0.0
    """A line at 0 Hz, in dB above the noise of one of 256 columns; every second one changes its level in steps."""
    iq_imbalance: float = 0.0
    """Amplitude of a signal's mirror image about 0 Hz."""
    squelch: float = 0.0
    """Probability that the receiver is muted (samples of 0) between transmissions, apart from a short hold time."""
    gain_step_db: float = 0.0
    """How far the receiver's gain falls, and its noise with it, while a strong signal is on; in every second scene."""
    rounding: float = 0.0
    """The step of an 8-bit converter relative to the noise; at 2, noise toggles only its lowest bit."""

    def __post_init__(self) -> None:
        for name in ("skirts", "spurs", "multipath", "iq_imbalance"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 0 and under 1.")
        check_range(self, 0, 100, "near_db", "rolloff_db", "dc_spike_db", "gain_step_db")
        check_range(self, 0, 10, "rounding")
        if not 0 <= self.squelch <= 1:
            raise ConfigError(f"squelch is {self.squelch}; a probability is 0 to 1.")


NONE = Impairments()
CHEAP_RADIO = Impairments(
    near_db=30.0,
    skirts=0.06,
    spurs=0.04,
    multipath=0.3,
    rolloff_db=20.0,
    dc_spike_db=30.0,
    iq_imbalance=0.03,
    squelch=0.1,
    gain_step_db=12.0,
    rounding=2.0,
)
"""The impairments of cheap transmitters and receivers."""


_NOISE_PERIOD = 1 << 16  # skirts repeat after this; the signal that they multiply does not


def add_skirts(samples: NDArray[np.complex64], rng: Random, most: float, bandwidth: float) -> NDArray[np.complex64]:
    """Multiplies a signal by 1 + noise: phase noise and hard keying, falling by 6 dB per octave beside the band."""
    if most <= 0:
        return samples
    amplitude, corner = most * rng.random(), bandwidth * rng.uniform(0.5, 4)
    size = fast_length(min(len(samples), _NOISE_PERIOD))
    noise = rng.standard_normal(2 * size, dtype=np.float32).view(np.complex64)
    shape = 1 / (1 + 1j * np.fft.fftfreq(size) / min(corner, 0.25))
    around = np.asarray(np.fft.ifft(np.fft.fft(noise) * shape.astype(np.complex64)), np.complex64)
    around *= np.float32(amplitude) / np.sqrt(np.mean(np.abs(around) ** 2))
    return samples + samples * np.resize(around, len(samples))


def add_spurs(samples: NDArray[np.complex64], rng: Random, most: float) -> NDArray[np.complex64]:
    """Adds up to three weak copies of the signal, or lines with its envelope's duration, anywhere in the band."""
    if most <= 0:
        return samples
    together = samples.copy()
    for _ in range(int(rng.integers(0, 4))):
        kind = samples if rng.random() < 0.5 else np.ones_like(samples)
        together += mix(kind, rng.uniform(-0.5, 0.5)) * np.float32(most * rng.random())
    return together


def add_echoes(samples: NDArray[np.complex64], rng: Random, most: float, bandwidth: float) -> NDArray[np.complex64]:
    """Adds up to three weaker, delayed copies of the signal."""
    if most <= 0:
        return samples
    together = samples.copy()
    for _ in range(int(rng.integers(0, 4))):
        delay = int(min(rng.uniform(0, 4 / bandwidth), len(samples) // 8))
        gain = np.complex64(rng.uniform(0, most) * np.exp(2j * np.pi * rng.random()))
        together[delay:] += gain * samples[: len(samples) - delay]
    return together


_NUM_TAPS, _BLOCK = 512, 8192

Span = tuple[int, int]
"""A signal's first sample and one past its last; may extend beyond the scene."""


def receive(
    samples: NDArray[np.complex64], rng: Random, impairments: Impairments, sent: Sequence[Span] = ()
) -> NDArray[np.complex64]:
    """Applies the receiver's impairments to a scene with its noise (of power 1).

    Args:
        samples: the scene.
        rng: the source of the impairments' strengths.
        impairments: the largest strengths.
        sent: the transmission times, for the squelch.
    """
    if impairments.rolloff_db > 0:
        samples = _roll_off(samples, rng, impairments.rolloff_db)
    if impairments.iq_imbalance > 0:
        mirror = rng.uniform(0, impairments.iq_imbalance) * np.exp(2j * np.pi * rng.random())
        samples = np.asarray(samples + np.complex64(mirror) * np.conj(samples), np.complex64)
    if impairments.dc_spike_db > 0:
        samples = np.asarray(samples + _line(len(samples), rng, impairments.dc_spike_db), np.complex64)
    if impairments.gain_step_db > 0 and rng.random() < 0.5:
        samples = samples * _gain(samples, rng, impairments.gain_step_db)
    if impairments.rounding > 0:
        samples = _rounded(samples, rng.uniform(0, impairments.rounding))
    if sent and rng.random() < impairments.squelch:
        _mute(samples, rng, sent)
    return np.asarray(samples, np.complex64)


def _line(num_samples: int, rng: Random, most_db: float) -> NDArray[np.complex64]:
    """A line at 0 Hz, of one level or, every second time, of up to four levels in sequence."""
    line = np.empty(num_samples, np.complex64)
    num_steps = int(rng.integers(1, 4)) if rng.random() < 0.5 else 0
    turn = np.exp(2j * np.pi * rng.random())
    for part in np.split(line, np.sort(rng.integers(0, num_samples, num_steps))):
        part[:] = 10 ** (rng.uniform(-10, most_db) / 20) / 16 * turn
    return line


_GAIN_BLOCK = 128  # samples
_LOUD = 3.0  # times the usual power


def _gain(samples: NDArray[np.complex64], rng: Random, most_db: float) -> NDArray[np.float32]:
    """The gain of a receiver that turns itself down as soon as a signal is strong, and up again after a hold time."""
    num_blocks = -(-len(samples) // _GAIN_BLOCK)
    padded = np.resize(np.abs(samples) ** 2, num_blocks * _GAIN_BLOCK)
    power = padded.reshape(num_blocks, _GAIN_BLOCK).mean(axis=1)
    is_loud = power > _LOUD * np.percentile(power, 20)
    hold = int(rng.integers(1, max(2, num_blocks // 16)))
    since = np.arange(num_blocks) - np.maximum.accumulate(np.where(is_loud, np.arange(num_blocks), -num_blocks))
    low = 10 ** (-rng.uniform(0, most_db) / 20)
    gain = np.where(since <= hold, low, 1.0).astype(np.float32)
    return np.repeat(gain, _GAIN_BLOCK)[: len(samples)]


def _rounded(samples: NDArray[np.complex64], step: float) -> NDArray[np.complex64]:
    """Samples of an 8-bit converter, which has no level at 0; peaks are at most 1.4 times its range, and clipped."""
    parts = np.ascontiguousarray(samples).view(np.float32)
    size = np.float32(max(1e-3, step * np.sqrt(0.5), float(np.abs(parts).max()) / (1.4 * 128)))
    levels = np.clip(np.floor(parts / size), -128, 127) + np.float32(0.5)
    return np.asarray(levels * size, np.float32).view(np.complex64)


def _mute(samples: NDArray[np.complex64], rng: Random, sent: Sequence[Span]) -> None:
    """Mutes samples farther from every signal than a hold time of up to 2 % of the scene, in place."""
    before, after = (int(rng.uniform(0, 0.02) * len(samples)) for _ in range(2))
    is_heard = np.zeros(len(samples), np.bool_)
    for start, stop in sent:
        is_heard[max(0, start - before) : max(0, stop + after)] = True
    samples[~is_heard] = 0


def _roll_off(samples: NDArray[np.complex64], rng: Random, most_db: float) -> NDArray[np.complex64]:
    depth_db, inside = rng.uniform(0, most_db), rng.uniform(0.05, 0.15)
    frequency = np.abs(np.fft.fftfreq(_NUM_TAPS))
    outward = np.clip((frequency - 0.5 + inside) / inside, 0, 1)
    response = 10 ** (-depth_db / 20 * np.sin(np.pi / 2 * outward) ** 2)
    return filtered(samples, np.fft.fftshift(np.fft.ifft(response)).astype(np.complex64))


def filtered(samples: NDArray[np.complex64], taps: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Convolves samples with a filter; keeps the length and removes the delay of half the filter.

    Uses overlap-save blocks, which cost a third of one long transform.
    """
    overlap = len(taps) - 1
    step = _BLOCK - overlap
    num_blocks = -(-len(samples) // step)
    padded = np.zeros(num_blocks * step + overlap, np.complex64)
    before = overlap - len(taps) // 2
    padded[before : before + len(samples)] = samples
    blocks = np.lib.stride_tricks.sliding_window_view(padded, _BLOCK)[::step]
    response = np.fft.fft(taps, _BLOCK).astype(np.complex64)
    pieces = [np.fft.ifft(np.fft.fft(block) * response)[overlap:] for block in blocks]
    return np.asarray(np.concatenate(pieces)[: len(samples)], np.complex64)
