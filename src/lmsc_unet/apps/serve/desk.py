"""Takes requests up to a limit, lets them wait in order, works on a few at once, and stops those nobody waits for."""

import asyncio
import shutil
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from lmsc_unet.apps.serve.problems import ProblemError, no_room

Answer = TypeVar("Answer")


class AbandonedError(Exception):
    """Nobody waits any more for the work that raises this."""


class Place:
    """A request that is held: its folder for files, and whether its answer is still awaited."""

    def __init__(self, leave: Callable[[], None]) -> None:
        """Makes the folder."""
        self.folder = Path(tempfile.mkdtemp(prefix="lmsc-serve-"))
        """The request's own folder; removed with everything in it."""
        self.started_s: float | None = None
        """When the work began, on the monotonic clock."""
        self._is_abandoned = False
        self._leave, self._lock = leave, threading.Lock()
        self._is_closed = False

    def abandon(self) -> None:
        """Lets the work end at its next step."""
        self._is_abandoned = True

    def check(self) -> None:
        """Called between steps of the work.

        Raises:
            AbandonedError: nobody waits for the answer.
        """
        if self._is_abandoned:
            raise AbandonedError

    def close(self) -> None:
        """Removes the folder and gives the place to another request; once."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        shutil.rmtree(self.folder, ignore_errors=True)
        self._leave()


class Desk:
    """Holds at most `workers` + `queue` requests."""

    def __init__(self, workers: int, queue: int) -> None:
        """Starts no thread until there is work."""
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="lmsc-serve")
        self._most, self._workers = workers + queue, workers
        self._lock, self._num_taken = threading.Lock(), 0
        self._mean_s = 1.0

    @property
    def num_taken(self) -> int:
        """Requests that are held: uploading, waiting or worked on."""
        return self._num_taken

    def take_place(self) -> Place:
        """A place for a request that has just arrived.

        Raises:
            ProblemError: all are taken (503), with the time after which one may be free.
        """
        with self._lock:
            is_full = self._num_taken >= self._most
            self._num_taken += not is_full
        if is_full:
            wait_s = max(1, round(self._mean_s * self._most / self._workers))
            raise ProblemError(
                503,
                f"All {self._most} places are taken. Send the request again in {wait_s} s.",
                {"Retry-After": str(wait_s), "Connection": "close"},
            )
        try:
            return Place(self._leave)
        except OSError as error:
            self._leave()
            raise no_room(str(error.strerror)) from error

    async def carry_out(
        self, place: Place, work: Callable[[], Answer], until_gone: Callable[[], Awaitable[None]], limit_s: float
    ) -> Answer:
        """Works on a request in its turn, and closes its place when that has ended, which may be after this.

        Args:
            place: The request's place.
            work: Makes the answer in a thread; calls `place.check` now and then.
            until_gone: Returns when the client has gone.
            limit_s: Seconds that the answer may take, waiting included.

        Raises:
            ProblemError: the answer takes too long (504); or the client has gone.
        """

        def timed() -> Answer:
            place.check()
            place.started_s = time.monotonic()
            try:
                return work()
            finally:
                self._mean_s += 0.2 * (time.monotonic() - place.started_s - self._mean_s)

        future: Future[Answer] = self._pool.submit(timed)
        future.add_done_callback(lambda _: place.close())
        answer = asyncio.wrap_future(future)
        gone = asyncio.ensure_future(until_gone())
        awaited: set[asyncio.Future[Any]] = {answer, gone}
        try:
            await asyncio.wait(awaited, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            if gone.done():
                raise ProblemError(400, "The client went before its answer.")
            doing = "was waiting for its turn" if place.started_s is None else "was not finished"
            raise ProblemError(
                504,
                f"The answer {doing} after {limit_s:g} s. Send a smaller file, or start with a larger --max-work-s.",
            )
        finally:
            place.abandon()
            answer.cancel()
            gone.cancel()

    def _leave(self) -> None:
        with self._lock:
            self._num_taken -= 1

    def close(self) -> None:
        """Ends the threads once all work is done."""
        self._pool.shutdown()
