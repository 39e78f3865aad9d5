"""The short-time Fourier transform: samples to rows of power, and pixels to seconds and hertz.

A spectrogram is "T F": time increases with the row, frequency with the column. Edge coordinates run from 0 to the
number of rows or columns; pixel `k` lies between the edges `k` and `k + 1`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from lmsc_unet.signals.recording.datatypes import Samples
from lmsc_unet.signals.settings import Stft

_WINDOWS = {"hann": (0.5, 0.5), "blackman": (0.42, 0.5, 0.08), "rectangular": (1.0,)}
_BLOCK_SAMPLES = 1 << 15  # fits the second-level cache


def window_weights(stft: Stft, num_samples: int | None = None) -> NDArray[np.float32]:
    """The window over `nfft` samples or fewer, scaled so that noise of power 1 gives cells with mean 1."""
    size = num_samples or stft.nfft
    phase = 2 * np.pi * (np.arange(size) + 0.5 * (size < stft.nfft)) / size
    shape = sum((-1) ** k * a * np.cos(k * phase) for k, a in enumerate(_WINDOWS[stft.window]))
    return np.asarray(shape / np.sqrt(np.sum(np.square(shape))), np.float32)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The position of a spectrogram's pixels: converts edges in pixels to seconds and hertz, and back."""

    stft: Stft
    """The transform that made the rows."""
    sample_rate_hz: float
    """Samples per second."""
    center_hz: float = 0.0
    """The frequency at 0 Hz of the samples."""
    is_complex: bool = True
    """Whether samples are complex; real ones have columns only from 0 Hz upwards."""

    @property
    def num_columns(self) -> int:
        """Columns per row."""
        return self.stft.nfft if self.is_complex else self.stft.nfft // 2

    @property
    def bin_hz(self) -> float:
        """Width of a column."""
        return self.sample_rate_hz / self.stft.nfft

    @property
    def _zero_px(self) -> float:
        """The edge coordinate of the samples' 0 Hz: the middle of its column."""
        return (self.num_columns / 2 if self.is_complex else 0.0) + 0.5

    def hz(self, column_px: float) -> float:
        """Frequency at a column's edge."""
        return self.center_hz + (column_px - self._zero_px) * self.bin_hz

    def column_px(self, hz: float) -> float:
        """Edge coordinate of a frequency; its floor is the pixel that contains it."""
        return (hz - self.center_hz) / self.bin_hz + self._zero_px

    def sample(self, row_px: float) -> float:
        """Sample at a row's edge; between overlapping frames, the middle of the overlap."""
        return row_px * self.stft.row_samples + (self.stft.nfft - self.stft.hop) / 2

    def row_px(self, sample: float) -> float:
        """Edge coordinate of a sample, counted from the start of the rows."""
        return (sample - (self.stft.nfft - self.stft.hop) / 2) / self.stft.row_samples

    def seconds(self, row_px: float) -> float:
        """Time at a row's edge, from the first sample."""
        return self.sample(row_px) / self.sample_rate_hz

    def row_px_of_seconds(self, seconds: float) -> float:
        """Edge coordinate of a time."""
        return self.row_px(seconds * self.sample_rate_hz)


def power_rows(chunks: Iterable[Samples], stft: Stft) -> Iterator[NDArray[np.float32]]:
    """Computes rows of power from chunks of any length; chunk borders do not affect the result.

    Yields:
        "T F" linear power. Noise of power 1 gives a mean of 1; 0 Hz is column F/2, +fs/4 column 3F/4.
    """
    needed = stft.row_samples - stft.hop + stft.nfft
    left: Samples | None = None
    before: Samples | None = None
    transform = _Transform(stft)
    for chunk in chunks:
        left = chunk if left is None or not left.size else np.concatenate([left, chunk])
        count = (left.size - needed) // stft.row_samples + 1 if left.size >= needed else 0
        if count:
            yield _rows(left, transform, count)
            used = count * stft.row_samples
            before, left = left[used - stft.row_samples : used], left[used:]
    if left is not None and before is not None and left.size >= stft.nfft:
        yield _rows(_filled_up(left, before, stft), transform, 1)
    elif left is not None and before is None and left.size:
        yield _last_row(left, stft)


def _filled_up(left: Samples, before: Samples, stft: Stft) -> Samples:
    """The samples of the last row, completed with frames of the row before.

    A row with fewer frames would have a larger variance than the thresholds assume.
    """
    num_frames = (left.size - stft.nfft) // stft.hop + 1
    return np.concatenate([before[num_frames * stft.hop :], left])


def _rows(samples: Samples, transform: "_Transform", count: int) -> NDArray[np.float32]:
    """The first `count` rows, computed in blocks that fit the cache."""
    stft = transform.stft
    num_columns = stft.nfft if np.iscomplexobj(samples) else stft.nfft // 2
    rows = np.empty((count, num_columns), np.float32)
    step = max(1, _BLOCK_SAMPLES // (stft.frames_per_row * stft.nfft))
    for first in range(0, count, step):
        block = rows[first : first + step]
        transform(samples[first * stft.row_samples :], stft.frames_per_row, block)
    return rows


def _last_row(samples: Samples, stft: Stft) -> NDArray[np.float32]:
    """The frames of a partial row; less than one frame gets its own window and is zero-padded."""
    num_frames = max(1, (samples.size - stft.nfft) // stft.hop + 1)
    row = np.empty((1, stft.nfft if np.iscomplexobj(samples) else stft.nfft // 2), np.float32)
    if samples.size < stft.nfft:
        missing = np.zeros(stft.nfft - samples.size, samples.dtype)
        samples = np.concatenate([samples * window_weights(stft, samples.size), missing])
        stft = replace(stft, window="rectangular")
        _Transform(stft)(samples, num_frames, row)
        return row * np.float32(stft.nfft)
    _Transform(stft)(samples, num_frames, row)
    return row


class _Transform:
    """Windows, transforms and averages a block of rows; reuses its buffers."""

    def __init__(self, stft: Stft) -> None:
        self.stft = stft
        self.weights = window_weights(stft) * np.float32(stft.nfft)  # the forward norm divides by it
        self.frames: NDArray[np.generic] | None = None
        self.spectra: NDArray[Any] | None = None

    def __call__(self, samples: Samples, frames_per_row: int, rows: NDArray[np.float32]) -> None:
        """Fills `rows` "T F" with the mean power of `frames_per_row` frames each."""
        with np.errstate(over="ignore", invalid="ignore"):  # callers report values that are not finite
            self._fill(samples, frames_per_row, rows)

    def _fill(self, samples: Samples, frames_per_row: int, rows: NDArray[np.float32]) -> None:
        spectra = self._spectra(samples, len(rows) * frames_per_row).reshape(len(rows), frames_per_row, -1)
        power = np.einsum("tfn,tfn->tn", spectra, spectra)
        power *= np.float32(1 / frames_per_row)
        half = self.stft.nfft // 2
        if np.iscomplexobj(samples):
            np.add(power[:, : 2 * half : 2], power[:, 1 : 2 * half : 2], out=rows[:, half:])
            np.add(power[:, 2 * half :: 2], power[:, 2 * half + 1 :: 2], out=rows[:, :half])
        else:
            np.add(power[:, : 2 * half : 2], power[:, 1 : 2 * half : 2], out=rows)

    def _spectra(self, samples: Samples, num_frames: int) -> NDArray[np.float32]:
        """The transforms of the first frames, real and imaginary parts interleaved; real samples from 0 Hz upwards."""
        nfft, size = self.stft.nfft, samples.itemsize
        frames = as_strided(samples, (num_frames, nfft), (self.stft.hop * size, size), writeable=False)
        is_complex = np.iscomplexobj(samples)
        if self.frames is None or self.spectra is None or self.frames.shape != frames.shape:
            self.frames = np.empty(frames.shape, samples.dtype)
            self.spectra = np.empty((num_frames, nfft if is_complex else nfft // 2 + 1), np.complex64)
        np.multiply(frames, self.weights, out=self.frames)
        transform = np.fft.fft if is_complex else np.fft.rfft
        transform(self.frames, norm="forward", out=self.spectra)  # with any other norm NumPy uses double precision
        return self.spectra.view(np.float32)
