"""The first thing that the process `lmsc` does: Ctrl-C and SIGTERM end it in one line, before anything is begun.

Loading the rest takes a while, in which Python would answer them with a traceback. `stopping` takes over in `main`.
"""

import os
import signal
import sys
from types import FrameType

from lmsc_unet.errors import INTERRUPTED, TERMINATED

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def heed_at_once() -> None:
    """Takes both signals over, where this process is `lmsc` and no program that uses the package."""
    if is_command():
        handle(end_at_once)


def is_command() -> bool:
    """Whether this process is `lmsc`, or `python -m lmsc_unet.cli`, and none that it has started."""
    name = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""  # noqa: PTH119 - pathlib takes a while
    is_ours = name in ("lmsc", "lmsc.exe") or (name == "-m" and "lmsc_unet.cli" in sys.orig_argv)
    return is_ours and "--multiprocessing-fork" not in sys.orig_argv


def handle(handler: object) -> None:
    """Gives both signals a handler, but for one that whoever started the process has switched off."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as in the background, or under nohup
            signal.signal(number, handler)  # type: ignore[arg-type]


def end_at_once(number: int, _frame: FrameType | None, line: str = "stopped at once.") -> None:
    """Ends the process where it is."""
    try:
        os.write(2, f"lmsc: {line}\n".encode())
    finally:
        os._exit(TERMINATED if number == signal.SIGTERM else INTERRUPTED)
