"""The 14 modulations of the RF signal dataset, each as one period of a cyclic signal.

A prototype has cycles but no sample rate; `baseband.baseband` maps its DFT bins to the band.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Random = np.random.Generator

_POWER_SHARE = 0.997  # share of a smooth spectrum's power inside its nominal band


@dataclass(frozen=True, kw_only=True)
class Prototype:
    """A cyclic signal, given by its DFT bins."""

    lines: NDArray[np.complex64]
    """Its transform, in the order of `numpy.fft`."""
    low: int
    """The lowest bin of its band; negative ones are below 0 Hz."""
    high: int
    """One past the highest bin of its band."""


Maker = Callable[[Random, int], Prototype]
"""Makes a signal whose band has about the given number of bins: bandwidth times length, at least 16."""


def psk(order: int) -> NDArray[np.complex128]:
    """The constellation of phase-shift keying, at power 1."""
    return np.asarray(np.exp(2j * np.pi * (np.arange(order) + 0.5 * (order == 4)) / order))


def qam(order: int) -> NDArray[np.complex128]:
    """The constellation of square quadrature amplitude modulation, at power 1."""
    side = round(order**0.5)
    levels = np.arange(side) * 2.0 - (side - 1)
    points = (levels[:, None] + 1j * levels[None, :]).ravel()
    return np.asarray(points / np.sqrt(np.mean(np.abs(points) ** 2)))


def root_raised_cosine(frequency: NDArray[np.floating[Any]], rolloff: float) -> NDArray[np.float64]:
    """The amplitude at a frequency in units of the symbol rate: 1 inside, 0 from (1 + rolloff) / 2 on."""
    from_edge = (np.abs(frequency) - (1 - rolloff) / 2) / rolloff
    return np.asarray(np.cos(np.pi / 2 * np.clip(from_edge, 0, 1)))


def _linear(points: NDArray[np.complex128]) -> Maker:
    """Symbols through a root raised cosine with random roll-off; the band is its full width."""

    def make(rng: Random, num_lines: int) -> Prototype:
        rolloff = rng.uniform(0.15, 0.5)
        num_symbols = fast_length(int(num_lines / (1 + rolloff)) + 1)
        symbols = points[rng.integers(len(points), size=num_symbols)]
        high = int((1 + rolloff) / 2 * num_symbols)
        return Prototype(lines=shape_pulses(symbols, rolloff), low=-high, high=high + 1)

    return make


def shape_pulses(symbols: NDArray[np.complex128], rolloff: float) -> NDArray[np.complex64]:
    """The spectrum of symbols as root-raised-cosine pulses, two samples per symbol; symbol k is at sample 2k."""
    spectrum = np.tile(np.fft.fft(symbols), 2)
    frequency = np.fft.fftfreq(2 * len(symbols)) * 2
    return np.asarray(spectrum * root_raised_cosine(frequency, rolloff), np.complex64)


def _ofdm(rng: Random, num_lines: int) -> Prototype:
    """Subcarriers of random QPSK or QAM with a cyclic prefix; four fifths are used, without the one at 0 Hz."""
    size = int(rng.choice([64, 128, 256]))
    prefix = size // int(rng.choice([4, 8, 16]))
    points = [psk(4), qam(16), qam(64)][int(rng.integers(3))]
    used = np.arange(1, int(0.4 * size) + 1)
    num_symbols = fast_length(int(num_lines / 0.8 / (size + prefix)) + 1)
    spectra = np.zeros((num_symbols, size), np.complex64)
    for carriers in (used, -used):
        spectra[:, carriers] = points[rng.integers(len(points), size=(num_symbols, len(used)))]
    bodies = np.fft.ifft(spectra)
    return occupied(np.concatenate([bodies[:, -prefix:], bodies], axis=1).ravel())


def frequency_keyed(levels: int, indices: tuple[float, ...], smoothing: float) -> Maker:
    """Frequency-shift keying with continuous phase and a Gaussian filter (bandwidth in symbol rates)."""

    def make(rng: Random, num_lines: int) -> Prototype:
        index = float(rng.choice(indices))
        width = (levels - 1) * index + 0.4  # in symbol rates, slightly less than the result
        per_symbol = int(np.ceil((levels - 1) * index + 2))
        num_symbols = fast_length(int(num_lines / width) + 1)
        symbols = 2.0 * rng.integers(levels, size=num_symbols) - (levels - 1)
        frequency = np.repeat(symbols, per_symbol) * index / 2 / per_symbol
        return occupied(from_frequency(gaussian(frequency, smoothing / per_symbol)))

    return make


def gaussian(values: NDArray[np.float64], bandwidth: float) -> NDArray[np.float64]:
    """A cyclic Gaussian low-pass filter, -3 dB at `bandwidth` cycles per sample."""
    response = np.exp(-np.log(2) / 2 * (np.fft.rfftfreq(len(values)) / bandwidth) ** 2)
    return np.fft.irfft(np.fft.rfft(values) * response, len(values))


def from_frequency(frequency: NDArray[np.float64]) -> NDArray[np.complex64]:
    """A constant envelope; the phase advances by whole circles per cycle, so that the ends match."""
    turns = np.cumsum(frequency)
    turns += (np.round(turns[-1]) - turns[-1]) * np.arange(1, len(turns) + 1) / len(turns)
    angle = (2 * np.pi * (turns % 1.0)).astype(np.float32)
    return np.asarray(np.cos(angle) + 1j * np.sin(angle), np.complex64)


def message_lines(rng: Random, num_lines: int) -> NDArray[np.complex64]:
    """Bins 0 to `num_lines` of a noise message without its lowest 5 %; power 1 as a sideband."""
    lines = rng.standard_normal(num_lines + 1) + 1j * rng.standard_normal(num_lines + 1)
    lines[: 1 + num_lines // 20] = 0
    return np.asarray(lines / np.linalg.norm(lines), np.complex64)


def _am_dsb(rng: Random, num_lines: int) -> Prototype:
    """A carrier with both sidebands, modulated 30 to 90 % at three standard deviations of the message."""
    half = num_lines // 2 + 1
    message = message_lines(rng, half) * (rng.uniform(0.3, 0.9) / 3 / np.sqrt(2))
    lines = np.zeros(2 * half + 1, np.complex64)
    lines[: half + 1] = message
    lines[half + 1 :] = np.conj(message[:0:-1])
    lines[0] = 1
    return Prototype(lines=lines, low=-half, high=half + 1)


def _am_ssb(rng: Random, num_lines: int) -> Prototype:
    """One sideband, upper or lower, without the carrier."""
    message = message_lines(rng, num_lines)
    if rng.random() < 0.5:
        return Prototype(lines=message, low=0, high=num_lines + 1)
    return Prototype(lines=np.roll(message[::-1], 1), low=-num_lines, high=1)


def _fm(rng: Random, num_lines: int) -> Prototype:
    """Frequency modulation by a noise message, with an RMS deviation of 0.5 to 2 times the message's band."""
    return frequency_modulated(rng, num_lines, rng.uniform(0.5, 2.0))


def frequency_modulated(
    rng: Random, num_lines: int, ratio: float, loudness: Callable[[int], Any] = lambda _: 1.0
) -> Prototype:
    """Frequency modulation by a noise message.

    Args:
        rng: the source of randomness.
        num_lines: the number of bins of its band.
        ratio: the RMS deviation in units of the message's band.
        loudness: the factor of the deviation at each of a number of samples.
    """
    band = 0.25 / (1 + 2.6 * ratio)
    size = fast_length(int(num_lines / (band * (1 + 4 * ratio))) + 64)
    lines = np.zeros(size // 2 + 1, np.complex128)
    message = message_lines(rng, max(4, int(band * size)))
    lines[: len(message)] = message
    frequency = np.fft.irfft(lines, size)
    return occupied(from_frequency(frequency / frequency.std() * ratio * band * loudness(size)))


def occupied(samples: NDArray[np.complex64]) -> Prototype:
    """A signal without sharp band edges: excludes equal power below and above its band."""
    lines = np.fft.fft(samples).astype(np.complex64)
    summed = np.cumsum(np.abs(np.fft.fftshift(lines)) ** 2, dtype=np.float64)
    low, high = np.searchsorted(summed / summed[-1], [(1 - _POWER_SHARE) / 2, (1 + _POWER_SHARE) / 2])
    return Prototype(lines=lines, low=int(low) - len(lines) // 2, high=int(high) + 1 - len(lines) // 2)


def fast_length(least: int) -> int:
    """The smallest number from `least` on without prime factors above 5, for fast transforms."""
    best = 1 << max(0, least - 1).bit_length()
    five = 1
    while five < best:
        odd = five
        while odd < best:
            twos = -(-least // odd)
            best = min(best, odd << max(0, twos - 1).bit_length())
            odd *= 3
        five *= 5
    return best


MODULATIONS: Mapping[str, Maker] = MappingProxyType(
    {
        "PSK2": _linear(psk(2)),
        "PSK4": _linear(psk(4)),
        "PSK8": _linear(psk(8)),
        "QAM16": _linear(qam(16)),
        "QAM64": _linear(qam(64)),
        "QAM256": _linear(qam(256)),
        "OFDM": _ofdm,
        "FSK2": frequency_keyed(2, (0.5, 0.7, 1.0), 1.0),
        "FSK4": frequency_keyed(4, (0.35, 0.5, 1.0), 1.0),
        "GMSK": frequency_keyed(2, (0.5,), 0.3),
        "OOK": _linear(np.array([0, np.sqrt(2)], np.complex128)),
        "AM_DSB": _am_dsb,
        "AM_SSB": _am_ssb,
        "FM": _fm,
    }
)
"""Every modulation of the RF signal dataset by its name there."""
