"""What a transmitter and the air do to a signal: noise around it, spurs, echoes."""

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.synthetic.radio.modulations import Random, fast_length
from lmsc_unet.synthetic.radio.resample_band import mix

_NOISE_PERIOD = 1 << 16  # noise around a signal repeats, as a signal that it multiplies does not


def add_skirts(samples: NDArray[np.complex64], rng: Random, most: float, bandwidth: float) -> NDArray[np.complex64]:
    """A signal times 1 + noise: what phase noise and hard keying send beside the band, falling by 6 dB an octave."""
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
    """A signal with up to three weak copies of itself, or lines of its envelope's length, anywhere in the band."""
    if most <= 0:
        return samples
    together = samples.copy()
    for _ in range(int(rng.integers(0, 4))):
        kind = samples if rng.random() < 0.5 else np.ones_like(samples)
        together += mix(kind, rng.uniform(-0.5, 0.5)) * np.float32(most * rng.random())
    return together


def add_echoes(samples: NDArray[np.complex64], rng: Random, most: float, bandwidth: float) -> NDArray[np.complex64]:
    """A signal with up to three weaker, later copies of itself."""
    if most <= 0:
        return samples
    together = samples.copy()
    for _ in range(int(rng.integers(0, 4))):
        delay = int(min(rng.uniform(0, 4 / bandwidth), len(samples) // 8))
        gain = np.complex64(rng.uniform(0, most) * np.exp(2j * np.pi * rng.random()))
        together[delay:] += gain * samples[: len(samples) - delay]
    return together
