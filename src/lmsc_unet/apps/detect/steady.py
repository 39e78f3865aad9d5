"""Signals that last: told while they go on, as a carrier that never ends would never be told otherwise."""

from collections.abc import Callable, Iterable
from typing import Literal

from lmsc_unet.signals.boxes import SignalBox

State = Literal["began", "lasting", "ended"]
"""Of a signal in the lines of JSON: told for the first time while it goes on, again, or when it has ended."""


class SteadySignals:
    """Tells of each signal once it has lasted for some time, and again whenever that time has passed."""

    def __init__(self, every_samples: float, tell: Callable[[SignalBox, State], None]) -> None:
        self._every, self._tell = every_samples, tell
        self._told: list[SignalBox] = []

    def watch(self, running: Iterable[SignalBox]) -> None:
        """Takes the signals that have not ended, with what is known of them so far."""
        told = []
        for box in running:
            if box.num_samples < self._every:
                continue
            before = next((other for other in self._told if _is_same(box, other)), None)
            is_due = before is None or box.stop_sample - before.stop_sample >= self._every
            if is_due:
                self._tell(box, "began" if before is None else "lasting")
            told.append(box if is_due or before is None else before)
        self._told = told


def _is_same(box: SignalBox, other: SignalBox) -> bool:
    """Two running signals whose bands overlap are one: a signal's edges move while it goes on."""
    return box.low_hz <= other.high_hz and other.low_hz <= box.high_hz
