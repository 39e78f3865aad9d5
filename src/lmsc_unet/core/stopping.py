"""Ctrl-C and SIGTERM at any moment: no traceback, no half-written file, and the exit code that shells expect.

Python raises KeyboardInterrupt anywhere. In an import a C extension turns it into ImportError, in a finalizer it is
lost, in a library's file writing it leaves half a file. So a stop waits for the end of these, but not long while a
command loads. It is raised once, so the cleanup is not interrupted itself. The third signal ends the process.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lmsc_unet.core.startup import SIGNALS, end_at_once, handle, is_command
from lmsc_unet.errors import INTERRUPTED, TERMINATED

_CAN_WAIT = hasattr(signal, "setitimer")
_AGAIN_S = 0.02
_PATIENCE_S = 2.0
_SAME_S = 0.5  # a terminal and the parent process may both forward one Ctrl-C
_AT_ONCE = 3


class Terminated(KeyboardInterrupt):
    """SIGTERM: like Ctrl-C, with its own exit code."""


def exit_code(stop: BaseException) -> int:
    """The exit code of a stopped command."""
    return TERMINATED if isinstance(stop, Terminated) else INTERRUPTED


class _Stops:
    """The state of the signals received so far."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.line = ""
        self.number = 0
        self.num_asked = 0
        self.asked_s = 0.0
        self.num_postponing = 0
        self.is_raised = False

    def handle_signal(self, number: int, frame: FrameType | None) -> None:
        """The handler of both signals."""
        self._count(number)
        self.stop(number, frame)

    def stop(self, _number: int, frame: FrameType | None) -> None:
        """Raises the stop where that is safe, otherwise a little later."""
        if self.num_postponing or self.is_raised:
            return
        if _CAN_WAIT and _is_delicate(frame):
            if time.monotonic() - self.asked_s < _PATIENCE_S:
                signal.signal(signal.SIGALRM, self.stop)
                signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
                return
            if is_command():  # nothing has begun yet that needs a clean end
                end_at_once(self.number, frame, self.line)
        self.raise_it()

    def raise_it(self, *message: str) -> None:
        self.is_raised = True
        raise (Terminated if self.number == signal.SIGTERM else KeyboardInterrupt)(*message)

    def _count(self, number: int) -> None:
        now = time.monotonic()
        if self.num_asked and now - self.asked_s < _SAME_S:
            return
        self.num_asked += 1
        self.number, self.asked_s = self.number or number, now
        if self.num_asked >= _AT_ONCE:
            end_at_once(number, None)


_stops = _Stops()


def install_handlers(line: str = "stopped.") -> None:
    """Installs handlers: both signals raise KeyboardInterrupt or Terminated where that is safe.

    Args:
        line: Printed if the process is ended during an import that takes too long.
    """
    if threading.current_thread() is threading.main_thread():
        _stops.reset()
        _stops.line = line
        handle(_stops.handle_signal)


def ignore() -> None:
    """Ignores both signals: all work is done or cleaned up, and the process is about to end."""
    _stops.is_raised = True
    handle(signal.SIG_IGN)


def is_asked() -> bool:
    """Whether a stop is pending inside `postponed`."""
    return _stops.num_asked > 0


@contextmanager
def postponed() -> Iterator[None]:
    """Raises a stop within the block at its end; the block may ask `is_asked`."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread receives signals
        yield
        return
    _stops.num_postponing += 1
    try:
        yield
    finally:
        _stops.num_postponing -= 1
    if _stops.num_asked and not _stops.num_postponing and not _stops.is_raised:
        _stops.raise_it()


def stop_now(*message: str) -> None:
    """Raises the pending stop, also inside `postponed`; the message says what is kept."""
    _stops.raise_it(*message)


@contextmanager
def waiting() -> Iterator[None]:
    """Inside `postponed`, around waiting for input: a stop ends the wait at once and remains pending."""
    depth = _stops.num_postponing
    try:
        _stops.num_postponing = 0
        yield
    except KeyboardInterrupt:
        _stops.num_postponing, _stops.is_raised = depth, False
    finally:
        _stops.num_postponing = depth


@contextmanager
def shielded_children() -> Iterator[None]:
    """Processes started within the block ignore signals sent to the whole group; this process ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def obey_parent_only(*_: object) -> None:
    """Ignores signals sent to the whole group; reacts to SIGTERM from the parent process only."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):  # it reports the sender of a signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)


@contextmanager
def restored() -> Iterator[None]:
    """Restores the earlier handlers after the block."""
    before = {number: signal.getsignal(number) for number in (*SIGNALS, *([signal.SIGALRM] if _CAN_WAIT else []))}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            _stops.reset()
            if _CAN_WAIT:
                signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)


def _is_delicate(frame: FrameType | None) -> bool:
    """Whether an exception at this point would be lost or turned into another one."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib") or code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
