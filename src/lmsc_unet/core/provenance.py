"""The origin of a number: commit, versions, machine, command and date."""

import os
import platform
import shlex
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

OPENCV = tuple(f"opencv-{kind}python{place}" for kind in ("", "contrib-") for place in ("-headless", ""))
"""Packages that contain OpenCV; each of them provides cv2."""
RUNTIMES = ("torch", "onnxruntime", "openvino")
PACKAGES = ("lmsc-unet", "torch", "lightning", "monai", "numpy", *OPENCV)


def provenance() -> dict[str, Any]:
    """What is needed to reproduce a number; recorded when a run starts, as the source tree may change meanwhile."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "commit": commit(),
        "versions": {"python": platform.python_version(), **versions(PACKAGES)},
        "machine": machine(),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of the packages that are installed; a source tree on the path alone has none."""
    found = {}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def machine() -> dict[str, Any]:
    """The processor, and PyTorch's threads and GPU if PyTorch is loaded."""
    torch = sys.modules.get("torch")
    has_gpu = torch is not None and torch.cuda.is_available()
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads() if torch is not None else None,
        "gpu": torch.cuda.get_device_name() if torch is not None and has_gpu else None,
        "system": platform.platform(),
    }


def commit() -> str | None:
    """The commit of the source tree, with + for uncommitted changes; None for an installed package."""
    import subprocess  # imported here: results folders need only the versions

    source = Path(__file__).parents[1]
    try:
        revision = _git(source, "rev-parse", "--short=10", "HEAD")
        return revision + ("+" if _git(source, "status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    import subprocess

    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def runtime_versions() -> dict[str, str]:
    """The versions of every package that a prediction uses; of runtimes only the loaded ones."""
    import numpy as np
    import PIL

    found = {
        "python": platform.python_version(),
        "lmsc-unet": version("lmsc-unet"),
        "numpy": np.__version__,
        "pillow": PIL.__version__,
    }
    loaded = {name: sys.modules[name] for name in RUNTIMES if name in sys.modules}
    return found | {name: str(module.__version__) for name, module in loaded.items()}
