"""The first step of a process: Ctrl-C and SIGTERM end `lmsc` in one line, and telemetry of libraries is off.

Imports take a while, in which Python would answer a signal with a traceback; in `main`, `stopping` takes over.
`lmsc_unet/__init__.py` calls `keep_quiet` before the libraries are imported; child processes inherit the settings. A
value set by the user is kept.
"""

import atexit
import os
import signal
import sys
from collections.abc import Mapping
from types import FrameType, MappingProxyType

from lmsc_unet.errors import INTERRUPTED, TERMINATED

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def install_early_handlers() -> None:
    """Installs handlers for both signals if this process is the `lmsc` command; leaves other programs alone."""
    if is_command():
        handle(end_at_once)


def is_command() -> bool:
    """Whether this process is `lmsc` or `python -m lmsc_unet.cli` itself, not a child of it."""
    name = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""  # noqa: PTH119 - pathlib loads slowly
    is_ours = name in ("lmsc", "lmsc.exe") or (name == "-m" and "lmsc_unet.cli" in sys.orig_argv)
    return is_ours and "--multiprocessing-fork" not in sys.orig_argv


def handle(handler: object) -> None:
    """Sets the handler of both signals, except of one that the parent process switched off."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as in the background, or under nohup
            signal.signal(number, handler)  # type: ignore[arg-type]


def end_at_once(number: int, _frame: FrameType | None, line: str = "stopped at once.") -> None:
    """Ends the process immediately."""
    try:
        os.write(2, f"lmsc: {line}\n".encode())
    finally:
        os._exit(TERMINATED if number == signal.SIGTERM else INTERRUPTED)


SWITCHES: Mapping[str, str] = MappingProxyType(
    {
        "ORT_DISABLE_TELEMETRY": "1",  # importing it writes a device ID and an event list to the home folder
        "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub reports the versions of its callers
    }
)
OPENVINO_TELEMETRY = "openvino_telemetry"
"""The module with which OpenVINO sends events and writes a client ID; OpenVINO works without it."""
MATPLOTLIB_FOLDER = "MPLCONFIGDIR"


def keep_quiet() -> None:
    """Turns off telemetry; must be called before the libraries are imported."""
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    sys.modules.setdefault(OPENVINO_TELEMETRY, None)  # type: ignore[arg-type] # importing it fails, as if not installed


def keep_caches_temporary() -> None:
    """Keeps matplotlib's font list in a temporary folder, which is removed when the process ends."""
    if MATPLOTLIB_FOLDER in os.environ:
        return
    import shutil
    import tempfile
    import uuid

    folder = os.path.join(tempfile.gettempdir(), f"lmsc-matplotlib-{uuid.uuid4().hex}")  # noqa: PTH118
    os.environ[MATPLOTLIB_FOLDER] = folder  # matplotlib creates it when needed
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
