"""The first that a process does: Ctrl-C and SIGTERM end `lmsc` in one line, and libraries send and write nothing.

Loading the rest takes a while, in which Python would answer a signal with a traceback; `stopping` takes over in `main`.
`lmsc_unet/__init__.py` calls `keep_quiet` before anything can import the libraries in question; processes that we start
inherit it. A value that the user has set stays.
"""

import atexit
import os
import signal
import sys
from collections.abc import Mapping
from types import FrameType, MappingProxyType

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


SWITCHES: Mapping[str, str] = MappingProxyType(
    {
        "ORT_DISABLE_TELEMETRY": "1",  # its import writes a device ID and a list of events to the home folder
        "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub tells the versions of what calls it
    }
)
OPENVINO_TELEMETRY = "openvino_telemetry"
"""What `import openvino` sends events by, and writes a client ID to the home folder by; OpenVINO works without it."""
MATPLOTLIB_FOLDER = "MPLCONFIGDIR"


def keep_quiet() -> None:
    """Turns off what libraries tell their makers; must come before they are imported."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    sys.modules.setdefault(OPENVINO_TELEMETRY, None)  # type: ignore[arg-type] # imports of it fail, as if not installed


def keep_caches_temporary() -> None:
    """Lets matplotlib keep its list of fonts in a temporary folder, which is removed at the end of the process."""
    if MATPLOTLIB_FOLDER in os.environ:
        return
    import shutil
    import tempfile
    import uuid

    folder = os.path.join(tempfile.gettempdir(), f"lmsc-matplotlib-{uuid.uuid4().hex}")  # noqa: PTH118
    os.environ[MATPLOTLIB_FOLDER] = folder  # matplotlib makes it when it is used
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
