"""What a receiver does to a scene: roll-off, DC spike, IQ imbalance. Each is off at 0."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ConfigError
from lmsc_unet.signal.scenes.native import Random


@dataclass(frozen=True, kw_only=True)
class Impairments:
    """The most that each impairment may be; a scene draws evenly from none to that."""

    multipath: float = 0.0
    """Amplitude of a signal's echoes against its direct path, under 1; up to three, within 4 / bandwidth."""
    rolloff_db: float = 0.0
    """How far the receiver's filter falls off at the band's edges; it begins 5 to 15 % of the band inside."""
    dc_spike_db: float = 0.0
    """A line at 0 Hz, in dB over the noise of one of 256 columns."""
    iq_imbalance: float = 0.0
    """Amplitude of a signal's mirror image about 0 Hz."""

    def __post_init__(self) -> None:
        for name in ("multipath", "iq_imbalance"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 0 and under 1.")
        for name in ("rolloff_db", "dc_spike_db"):
            if not 0 <= getattr(self, name) <= 100:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be 0 to 100 dB.")


NONE = Impairments()
CHEAP_RECEIVER = Impairments(multipath=0.3, rolloff_db=20.0, dc_spike_db=30.0, iq_imbalance=0.03)
"""What receivers of a few ten euros show."""


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


def receive(samples: NDArray[np.complex64], rng: Random, impairments: Impairments) -> NDArray[np.complex64]:
    """A scene with its noise (of power 1) as a receiver gives it."""
    if impairments.rolloff_db > 0:
        samples = _roll_off(samples, rng, impairments.rolloff_db)
    if impairments.iq_imbalance > 0:
        mirror = rng.uniform(0, impairments.iq_imbalance) * np.exp(2j * np.pi * rng.random())
        samples = np.asarray(samples + np.complex64(mirror) * np.conj(samples), np.complex64)
    if impairments.dc_spike_db > 0:
        level_db = rng.uniform(-10, impairments.dc_spike_db)
        samples = samples + np.complex64(10 ** (level_db / 20) / 16 * np.exp(2j * np.pi * rng.random()))
    return np.asarray(samples, np.complex64)


def _roll_off(samples: NDArray[np.complex64], rng: Random, most_db: float) -> NDArray[np.complex64]:
    depth_db, inside = rng.uniform(0, most_db), rng.uniform(0.05, 0.15)
    frequency = np.abs(np.fft.fftfreq(len(samples)).astype(np.float32))
    outward = np.clip((frequency - 0.5 + inside) / inside, 0, 1)
    response = np.float32(10) ** (-np.float32(depth_db / 20) * np.sin(np.pi / 2 * outward) ** 2)
    return np.asarray(np.fft.ifft(np.fft.fft(samples) * response), np.complex64)
