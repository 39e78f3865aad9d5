"""Measures in a fresh process the time from its start to the first mask, and its memory.

Run as `python -m lmsc_unet.benchmark.cold FILE BACKEND THREADS SIZE_PX`; prints the peak memory in MiB.
"""

import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lmsc_unet.errors import ModelError

if TYPE_CHECKING:  # the process imports what a prediction needs, and no PyTorch
    from lmsc_unet.benchmark.plan import Variant


@dataclass(frozen=True, kw_only=True)
class Cold:
    """The cost of a first mask."""

    start_s: float
    """Time from the start of the process to the first mask."""
    peak_rss_mib: float
    """Peak memory of the process."""


def measure_cold(variant: "Variant", file: Path, threads: int, size_px: int, repeats: int = 3) -> Cold:
    """Starts processes one after another; returns the median start time and the highest peak.

    Raises:
        ModelError: the process fails.
    """
    command = [sys.executable, "-m", __name__, str(file), variant.backend, str(threads), str(size_px)]
    starts_s, peaks_mib = [], []
    for _ in range(repeats):
        started_s = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        starts_s.append(time.perf_counter() - started_s)
        if done.returncode:
            raise ModelError(
                f"{file}: a fresh process cannot run it on {variant.backend}: {done.stderr.strip()[-300:]}"
            )
        peaks_mib.append(float(done.stdout))
    return Cold(start_s=sorted(starts_s)[repeats // 2], peak_rss_mib=max(peaks_mib))


def first_mask(file: Path, backend: str, threads: int, size_px: int) -> float:
    """Makes one mask like `lmsc predict`; returns the peak memory in MiB."""
    import numpy as np

    from lmsc_unet.inference.predictor import Predictor
    from lmsc_unet.inference.runtime import Runtime

    runtime = Runtime(backend=backend, threads=threads)
    predictor = Predictor.load(file, runtime=runtime)
    image = np.random.default_rng(0).integers(0, 256, (size_px, size_px, predictor.spec.input_channels), dtype=np.uint8)
    predictor.predict(image)
    return peak_rss_mib()


def peak_rss_mib() -> float:
    """Peak memory of this process.

    On Linux getrusage includes the parent's peak, so /proc is read.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**10


if __name__ == "__main__":
    print(first_mask(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
