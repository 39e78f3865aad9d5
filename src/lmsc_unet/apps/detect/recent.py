"""The last samples of a pipe, so that signals can be cut out of it when they have ended."""

from collections import deque
from collections.abc import Iterator

import numpy as np

from lmsc_unet.signals.cutting import SampleRange
from lmsc_unet.signals.recording.datatypes import Samples

_MOST_RECENT = 1 << 23
"""Samples that are kept: 64 MB."""


class RecentSamples:
    """The last samples of a pipe."""

    def __init__(self) -> None:
        self._chunks: deque[Samples] = deque()
        self._first_sample = self._stop_sample = 0

    def add(self, chunk: Samples) -> None:
        """Adds the next samples and drops the oldest."""
        self._chunks.append(chunk)
        self._stop_sample += chunk.size
        while self._stop_sample - self._first_sample - self._chunks[0].size >= _MOST_RECENT:
            self._first_sample += self._chunks.popleft().size

    def follow(self, chunks: Iterator[Samples]) -> Iterator[Samples]:
        """The same chunks, each kept."""
        for chunk in chunks:
            self.add(chunk)
            yield chunk

    def range(self) -> SampleRange:
        """The samples that are kept now."""
        return SampleRange(first_sample=self._first_sample, stop_sample=self._stop_sample, read=self._read)

    def _read(self, first: int, count: int) -> Samples:
        found, place = [], self._first_sample
        for chunk in self._chunks:
            part = chunk[max(0, first - place) : max(0, first + count - place)]
            if part.size:
                found.append(part)
            place += chunk.size
        return np.concatenate(found)
