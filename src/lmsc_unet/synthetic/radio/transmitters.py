"""What small transmitters send besides the 14 modulations: keyed pulses, wide shifts, chirps and speech."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.synthetic.radio.modulations import (
    Maker,
    Prototype,
    Random,
    fast_length,
    frequency_keyed,
    frequency_modulated,
    from_frequency,
    gaussian,
    occupied,
)

_PER_PULSE = 24  # samples of the shortest pulse
_TRIAL_PULSES = 256
_CODES: tuple[tuple[str, str], ...] = (
    ("1000", "10"),  # pulse distance
    ("10000", "100"),
    ("100", "110"),  # pulse width
    ("1000", "1110"),
    ("10", "01"),  # Manchester
    ("1", "0"),  # one level per bit
)
"""The levels of a 0 and of a 1 in the codes of remote controls and sensors."""


def _keyed(rng: Random, num_lines: int) -> Prototype:
    """A carrier switched on and off by a code, with edges from hard to soft."""
    code = _CODES[int(rng.integers(len(_CODES)))]
    rise = rng.uniform(0.03, 0.6)
    trial = occupied(_pulses(rng, code, _TRIAL_PULSES, rise))
    width = (trial.high - trial.low) / _TRIAL_PULSES
    return occupied(_pulses(rng, code, max(8, round(1.1 * num_lines / width)), rise))


def _pulses(rng: Random, code: tuple[str, str], num_pulses: int, rise: float) -> NDArray[np.complex64]:
    """At least a number of the shortest pulses, whose edges rise within a share of them."""
    bits = rng.integers(2, size=max(2, -(-num_pulses // min(map(len, code)))))
    levels = np.array([float(level) for bit in bits for level in code[bit]])[:num_pulses]
    if not levels.any():
        levels[0] = 1
    envelope = np.repeat(levels, _PER_PULSE)
    padded = np.resize(envelope, fast_length(len(envelope)))
    return np.asarray(gaussian(padded, 0.35 / (rise * _PER_PULSE)), np.complex64)


def _chirps(rng: Random, num_lines: int) -> Prototype:
    """Chirp spread spectrum: a preamble of rising chirps, two falling ones, then chirps shifted by their symbol."""
    most = max(4, int(np.log2(max(16, num_lines / 12))))
    chips = 1 << int(rng.integers(4, min(11, most) + 1))
    num_chirps = max(4, -(-num_lines // chips))
    shifts = rng.integers(chips, size=num_chirps)
    shifts[: min(8, num_chirps // 2)] = 0
    rising = (np.arange(2 * chips) / (2 * chips) + shifts[:, None] / chips) % 1.0 - 0.5
    rising[8:10] *= -1
    return occupied(from_frequency(rising.ravel() / 2))


def _speech(rng: Random, num_lines: int) -> Prototype:
    """Narrow FM with pauses: the carrier alone between syllables."""

    def loudness(size: int) -> NDArray[np.float64]:
        syllables = np.maximum(0.05, rng.uniform(-0.6, 1, size=max(4, min(40, size // 64))))
        return np.interp(np.linspace(0, 1, size), np.linspace(0, 1, len(syllables)), syllables)

    return frequency_modulated(rng, num_lines, rng.uniform(0.4, 1.5), loudness)


TRANSMITTERS: Mapping[str, Maker] = MappingProxyType(
    {
        "KEYED": _keyed,
        "FSK2_WIDE": frequency_keyed(2, (2.0, 3.0, 5.0, 8.0), 2.0),
        "CHIRP": _chirps,
        "NFM": _speech,
    }
)
"""Every kind by its name: keyed telegrams, keying by shifts of many symbol rates, chirp spread spectrum, narrow FM."""
