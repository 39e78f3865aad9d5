"""Nothing is sent and nothing is written outside of what a command was told to write, whatever libraries do by default.

`lmsc_unet/__init__.py` calls `keep_quiet` before anything of the package can import one of them; processes that we
start inherit it. A value that the user has set stays.
"""

import atexit
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType

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
