"""Any modulation as samples of a given bandwidth and length."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.synthetic.radio.modulations import MODULATIONS, Maker, Prototype, Random, fast_length
from lmsc_unet.synthetic.radio.transmitters import TRANSMITTERS

MAKERS: Mapping[str, Maker] = MappingProxyType({**MODULATIONS, **TRANSMITTERS})
"""Every modulation by its name."""
_MIN_LINES = 16


def baseband(modulation: str, rng: Random, *, num_samples: int, bandwidth: float) -> NDArray[np.complex64]:
    """A signal around 0 Hz with mean power 1.

    Args:
        modulation: its name in `MAKERS`.
        rng: the source of randomness.
        num_samples: its length.
        bandwidth: its width as a share of the sample rate, above 0 and up to 1.
    """
    num_lines = max(_MIN_LINES, int(1.02 * num_samples * bandwidth) + 1)
    samples = fit(MAKERS[modulation](rng, num_lines), num_samples=num_samples, bandwidth=bandwidth)
    power = float(np.mean(np.square(samples.view(np.float32)), dtype=np.float64)) * 2
    return np.asarray(samples * np.float32(1 / np.sqrt(power)), np.complex64)


def fit(native: Prototype, *, num_samples: int, bandwidth: float) -> NDArray[np.complex64]:
    """Resamples a prototype's band to a bandwidth around 0 Hz, and cuts it to a length."""
    period = fast_length(max(num_samples, round((native.high - native.low) / bandwidth)))
    num_lines = min(len(native.lines), max(1, int(bandwidth * period)))
    lines = np.arange(num_lines) - num_lines // 2
    middle = (native.high + native.low) // 2
    spectrum = np.zeros(period, np.complex64)
    spectrum[lines] = native.lines[(lines + middle) % len(native.lines)]
    return np.asarray(np.fft.ifft(spectrum)[:num_samples], np.complex64)


def mix(samples: NDArray[np.complex64], frequency: float) -> NDArray[np.complex64]:
    """Shifts a signal up by a frequency in cycles per sample."""
    step = 1024
    fine = np.exp(2j * np.pi * frequency * np.arange(step))
    coarse = np.exp(2j * np.pi * ((frequency * step * np.arange(-(-len(samples) // step))) % 1.0))
    turns = np.multiply.outer(coarse.astype(np.complex64), fine.astype(np.complex64)).ravel()
    return np.asarray(samples * turns[: len(samples)])


def ramp_ends(samples: NDArray[np.complex64], num_ramp: int, *, at_start: bool, at_end: bool) -> None:
    """Ramps a signal's real ends up and down over a few samples inside its length, in place."""
    num_ramp = min(num_ramp, len(samples) // 4)
    slope = np.sin(np.pi / 2 * (np.arange(num_ramp) + 0.5) / max(1, num_ramp)).astype(np.float32) ** 2
    if at_start:
        samples[:num_ramp] *= slope
    if at_end and num_ramp:
        samples[-num_ramp:] *= slope[::-1]
