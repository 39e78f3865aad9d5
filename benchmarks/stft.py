"""How fast samples become rows of power, beside a bare `numpy.fft.fft` over the same blocks.

    OMP_NUM_THREADS=1 python benchmarks/stft.py

Both run on one thread, in turns, round by round; the medians over the rounds are compared. The bare transform
gets complex64 frames that are ready and keeps only the spectra; ours starts from the samples of a chunk, windows,
transforms, averages powers and orders the columns.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np

from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import power_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--samples", type=int, default=1 << 20, help="samples of a chunk")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    print(json.dumps({"machine": platform.processor() or platform.machine(), "numpy": np.__version__}))
    for stft in (Stft(), Stft(frames_per_row=4), Stft(frames_per_row=8), Stft(frames_per_row=64), Stft(hop=128)):
        print(json.dumps(measure(stft, arguments.samples, arguments.rounds)))


def measure(stft: Stft, num_samples: int, rounds: int) -> dict[str, float]:
    """Million samples a second of both, and ours as a share of the bare transform's."""
    rng = np.random.default_rng(0)
    samples = rng.standard_normal(2 * num_samples, dtype=np.float32).view(np.complex64)
    frames = np.lib.stride_tricks.sliding_window_view(samples, stft.nfft)[:: stft.hop].copy()
    ours_s, bare_s = [], []
    for _ in range(rounds + 1):
        ours_s.append(seconds(lambda: list(power_rows([samples], stft))))
        bare_s.append(seconds(lambda: np.fft.fft(frames)))
    ours, bare = statistics.median(ours_s[1:]), statistics.median(bare_s[1:])
    return {
        "hop": stft.hop,
        "frames_per_row": stft.frames_per_row,
        "ours_msps": round(num_samples / ours / 1e6, 1),
        "bare_fft_msps": round(num_samples / bare / 1e6, 1),
        "ratio": round(bare / ours, 2),
    }


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
