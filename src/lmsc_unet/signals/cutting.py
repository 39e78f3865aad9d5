"""Cuts one signal out of a recording: shifted to 0 Hz, low-pass filtered and decimated."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.recording.datatypes import Samples

_RATE_PER_BANDWIDTH = 1.5
_PASSED, _STOPPED = 0.35, 0.5
"""Edges of the filter as shares of the new rate: the signal lies below the first, aliases above the second."""
_ATTENUATION_DB = 80.0
_MARGIN = 0.05
_FEWEST = 256
_MOST_DECIMATION = 4096
_BLOCK_SAMPLES = 1 << 13


@dataclass(frozen=True, kw_only=True)
class SampleRange:
    """Samples that can be read; they count from the recording's first."""

    first_sample: int
    """The first that is there."""
    stop_sample: int
    """One past the last."""
    read: Callable[[int, int], Samples]
    """The samples from a place on, so many; all must be there."""


@dataclass(frozen=True, kw_only=True)
class CutPlan:
    """What is cut out, and how it is decimated."""

    first_sample: int
    """The source's sample that becomes the first."""
    num_samples: int
    """Samples of the result."""
    decimation: int
    """Samples of the source per sample of the result."""
    shift_hz: float
    """The frequency that becomes 0 Hz, above the source's 0 Hz."""
    source_rate_hz: float
    """Samples per second of the source."""

    @property
    def sample_rate_hz(self) -> float:
        """Samples per second of the result."""
        return self.source_rate_hz / self.decimation


def plan_cut(box: SignalBox, samples: SampleRange, *, sample_rate_hz: float, center_hz: float) -> CutPlan:
    """Plans to cut a signal out with a margin of 5 % of its length at each end, as far as there are samples.

    The new rate is one and a half times the bandwidth or more; short signals keep at least 256 samples.
    """
    start, stop = max(box.start_sample, samples.first_sample), min(box.stop_sample, samples.stop_sample)
    margin = int(_MARGIN * (stop - start)) + 1
    first, last = max(samples.first_sample, start - margin), min(samples.stop_sample, stop + margin)
    fitting = int(sample_rate_hz / max(_RATE_PER_BANDWIDTH * box.bandwidth_hz, 1e-9 * sample_rate_hz))
    decimation = max(1, min(fitting, (stop - start) // _FEWEST, _MOST_DECIMATION))
    return CutPlan(
        first_sample=first,
        num_samples=max(1, -(-(last - first) // decimation)),
        decimation=decimation,
        shift_hz=(box.low_hz + box.high_hz) / 2 - center_hz,
        source_rate_hz=sample_rate_hz,
    )


def cut_blocks(plan: CutPlan, samples: SampleRange) -> Iterator[NDArray[np.complex64]]:
    """The signal in blocks of complex samples; memory use does not depend on its length.

    Beyond the range, samples count as zeros.
    """
    taps = low_pass(plan.decimation)
    weights = np.zeros((2 * len(taps), 2), np.float32)  # of I and Q in turn, so that one product of reals filters both
    weights[0::2, 0] = weights[1::2, 1] = taps
    per_block = max(1, max(_BLOCK_SAMPLES, 2 * len(taps)) // plan.decimation)
    length = (per_block - 1) * plan.decimation + len(taps)
    turns = _turns(plan, length)
    for done in range(0, plan.num_samples, per_block):
        count = min(per_block, plan.num_samples - done)
        first = plan.first_sample + done * plan.decimation - len(taps) // 2
        shifted = _padded(samples, first, length) * turns
        shifted *= _turn_at(plan, first)
        windows = sliding_window_view(shifted, len(taps))[: count * plan.decimation : plan.decimation]
        parts = np.ascontiguousarray(windows).view(np.float32) @ weights
        yield parts.view(np.complex64)[:, 0]


def low_pass(decimation: int) -> NDArray[np.float32]:
    """The taps of a linear-phase filter for a decimation, an odd number: a sinc in Kaiser's window, 80 dB."""
    if decimation == 1:
        return np.ones(1, np.float32)
    width = (_STOPPED - _PASSED) / decimation
    reach = int(np.ceil((_ATTENUATION_DB - 7.95) / (2 * 14.36 * width)))
    cutoff = (_PASSED + _STOPPED) / decimation  # in units of half the source's rate
    places = np.arange(-reach, reach + 1)
    taps = np.sinc(cutoff * places) * np.kaiser(2 * reach + 1, 0.1102 * (_ATTENUATION_DB - 8.7))
    return np.asarray(taps / taps.sum(), np.float32)


def _padded(samples: SampleRange, first: int, length: int) -> NDArray[np.complex64]:
    """Samples as complex numbers; real ones twice, as half of their power is at the negative frequencies."""
    low, high = max(first, samples.first_sample), min(first + length, samples.stop_sample)
    padded: NDArray[Any] = np.zeros(length, np.complex64)
    if high > low:
        found = samples.read(low, high - low)
        padded[low - first : high - first] = found if np.iscomplexobj(found) else 2 * found
    return padded


def _turns(plan: CutPlan, length: int) -> NDArray[np.complex64]:
    """What shifts so many samples, from a phase of 0 on."""
    phase = 2 * np.pi * (plan.shift_hz / plan.source_rate_hz * np.arange(length) % 1)
    return np.asarray(np.exp(-1j * phase), np.complex64)


def _turn_at(plan: CutPlan, sample: int) -> np.complex64:
    """The phase at one sample, exactly: late in a recording it is that of billions of turns."""
    phase = 2 * np.pi * float(Fraction(plan.shift_hz / plan.source_rate_hz) * sample % 1)
    return np.complex64(np.exp(-1j * phase))
