"""Times many things in interleaved rounds, so that a slow phase of the machine affects all of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

WARM_UP = 2
REST_S = 0.005
"""Pause between two runs, so that the threads of one stop spinning before the next starts."""


@dataclass(frozen=True, kw_only=True)
class Times:
    """Milliseconds per run."""

    median_ms: float
    """Median."""
    p5_ms: float
    """5th percentile."""
    p95_ms: float
    """95th percentile."""


def time_by_turns(
    runs: Sequence[Callable[[], None]], rounds: int, advance: Callable[[], None] | None = None
) -> list[Times]:
    """Runs each function a few times to warm up, then all of them once per round, and takes percentiles of each."""
    for run in runs:
        for _ in range(WARM_UP):
            run()
    taken_ms = np.zeros((rounds, len(runs)))
    for number in range(rounds):
        for place, run in enumerate(runs):
            time.sleep(REST_S)
            started_s = time.perf_counter()
            run()
            taken_ms[number, place] = 1000 * (time.perf_counter() - started_s)
        if advance is not None:
            advance()
    low, middle, high = np.percentile(taken_ms, (5, 50, 95), axis=0)
    return [
        Times(median_ms=float(m), p5_ms=float(a), p95_ms=float(b)) for a, m, b in zip(low, middle, high, strict=True)
    ]
