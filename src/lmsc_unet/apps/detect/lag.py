"""How far the search of a pipe is behind its receiver."""

import time
from collections.abc import Callable

TOLD_S = 2.0
"""The lag that is told first; then at each doubling."""
_WAIT_S = 0.01


class LagMeter:
    """Counts the seconds of samples that must be waiting: those that came while earlier ones were searched.

    Whoever has to wait for samples has caught up with all of them.
    """

    def __init__(
        self, rate_hz: float, tell: Callable[[float], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.lag_s = self.longest_s = 0.0
        self._rate_hz, self._tell, self._clock = rate_hz, tell, clock
        self._next_told_s = TOLD_S
        self._asked_s = self._got_s = clock()

    def ask(self) -> None:
        """The next samples are waited for: the search of the ones before is done."""
        self._asked_s = self._clock()
        self.lag_s += self._asked_s - self._got_s

    def get(self, num_samples: int) -> None:
        """They have come."""
        self._got_s = self._clock()
        has_waited = self._got_s - self._asked_s > _WAIT_S
        self.lag_s = 0.0 if has_waited else max(0.0, self.lag_s - num_samples / self._rate_hz)
        self.longest_s = max(self.longest_s, self.lag_s)
        if self.lag_s >= self._next_told_s:
            self._tell(self.lag_s)
            self._next_told_s = 2 * self.lag_s


def describe_lag(lag_s: float) -> str:
    """The lag and what to do, for a message."""
    return (
        f"the search is {lag_s:.0f} s behind the clock: a receiver loses some of them, and later times are wrong. "
        "Average more --frames-per-row, or take --model energy"
    )
