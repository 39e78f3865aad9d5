"""What a receiver does to a scene: roll-off, IQ imbalance, a line at 0 Hz, squelch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.synthetic.radio.impairments import Impairments
from lmsc_unet.synthetic.radio.modulations import Random

_NUM_TAPS, _BLOCK = 512, 8192

Span = tuple[int, int]
"""A signal's first sample and the one behind its last; may reach over the scene's ends."""


def receive(
    samples: NDArray[np.complex64], rng: Random, impairments: Impairments, sent: Sequence[Span] = ()
) -> NDArray[np.complex64]:
    """A scene with its noise (of power 1) as a receiver gives it.

    Args:
        samples: the scene.
        rng: what the impairments' strengths are drawn from.
        impairments: the most that each may be.
        sent: when somebody sends, for the squelch.
    """
    if impairments.rolloff_db > 0:
        samples = _roll_off(samples, rng, impairments.rolloff_db)
    if impairments.iq_imbalance > 0:
        mirror = rng.uniform(0, impairments.iq_imbalance) * np.exp(2j * np.pi * rng.random())
        samples = np.asarray(samples + np.complex64(mirror) * np.conj(samples), np.complex64)
    if impairments.dc_spike_db > 0:
        samples = np.asarray(samples + _line(len(samples), rng, impairments.dc_spike_db), np.complex64)
    if sent and rng.random() < impairments.squelch:
        _mute(samples, rng, sent)
    return np.asarray(samples, np.complex64)


def _line(num_samples: int, rng: Random, most_db: float) -> NDArray[np.complex64]:
    """A line at 0 Hz, of one level or, every second time, of up to four one after another."""
    line = np.empty(num_samples, np.complex64)
    num_steps = int(rng.integers(1, 4)) if rng.random() < 0.5 else 0
    turn = np.exp(2j * np.pi * rng.random())
    for part in np.split(line, np.sort(rng.integers(0, num_samples, num_steps))):
        part[:] = 10 ** (rng.uniform(-10, most_db) / 20) / 16 * turn
    return line


def _mute(samples: NDArray[np.complex64], rng: Random, sent: Sequence[Span]) -> None:
    """Sets to 0 what lies further from every signal than a hold time of up to 2 % of the scene, in place."""
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
    """Samples convolved with a filter, as long as they were and without its delay of half its length.

    In blocks that overlap by the filter's length (overlap-save), which costs a third of one long transform.
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
