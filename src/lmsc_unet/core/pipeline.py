"""Reads, computes and writes at the same time: one thread reads ahead, one thread writes behind.

The slow parts (decoding, arithmetic, compression, files) release Python's global lock.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Full, Queue
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")
Done = TypeVar("Done")
Result = TypeVar("Result")

_END = object()
_WAIT_S = 0.05


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yields the same items; a thread produces each while the one before it is used."""
    iterator = iter(items)
    with ThreadPoolExecutor(1) as pool:
        following: Future[Any] = pool.submit(next, iterator, _END)
        while (item := following.result()) is not _END:
            following = pool.submit(next, iterator, _END)
            yield item


def at_once(work: Callable[[Item], Result], items: Iterable[Item], number: int) -> Iterator[Result]:
    """Yields `work(item)` in the items' order, computed by `number` threads."""
    with ThreadPoolExecutor(number) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > number:  # one more than there are threads, so that none is idle
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def overlapped(
    items: Iterable[Item],
    read: Callable[[Item], Loaded],
    work: Callable[[Loaded], Done],
    write: Callable[[Done], Result],
) -> Iterator[Result]:
    """Yields what `write` returns for each item, in order, once it is written.

    `read` and `write` have a thread each, `work` runs in the calling thread; at most three items are in progress. An
    error in any of them ends the pipeline; a write in progress is finished first and yielded, also after Ctrl-C.
    """
    behind: Future[Result] | None = None
    with ThreadPoolExecutor(1) as writer:
        try:
            for loaded in ahead(read(item) for item in items):
                done = work(loaded)
                if behind is not None:
                    yield behind.result()
                behind = writer.submit(write, done)
        except KeyboardInterrupt:
            if behind is not None:
                yield behind.result()
            raise
        if behind is not None:
            yield behind.result()


class Sink(Generic[Item]):
    """Writes blocks of rows in its own thread; holds at most `waiting` unwritten blocks."""

    def __init__(self, write: Callable[[Iterator[Item]], None], waiting: int = 2) -> None:
        self._queue: Queue[Any] = Queue(waiting)
        self._pool = ThreadPoolExecutor(1)
        self._written = self._pool.submit(write, self._blocks())

    def add(self, block: Item) -> None:
        """Hands over a block; blocks while the queue is full.

        Raises:
            OutputError: earlier blocks could not be written.
        """
        self._put(block)

    def close(self) -> None:
        """Waits until everything is written.

        Raises:
            OutputError: it could not be written.
        """
        self._put(_END)
        self._pool.shutdown()
        self._written.result()

    def abandon(self) -> None:
        """Stops writing and leaves nothing of the file."""
        if not self._written.done():
            self._put(_Abandoned())
        self._pool.shutdown()

    def _put(self, item: object) -> None:
        while True:
            if self._written.done():
                self._written.result()
                return
            with suppress(Full):
                self._queue.put(item, timeout=_WAIT_S)
                return

    def _blocks(self) -> Iterator[Item]:
        while (item := self._queue.get()) is not _END:
            if isinstance(item, _Abandoned):
                raise item
            yield item


class _Abandoned(Exception):  # noqa: N818 - not an error: the file is no longer wanted
    pass
