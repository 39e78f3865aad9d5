"""`lmsc doctor`: what is installed, what works, and how to fix the rest."""

import platform
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from rich.console import Console
from rich.markup import escape

DEVICE_WING = ("numpy", "pillow", "tifffile", "sigmf", "pyyaml", "onnxruntime", "cyclopts", "rich")
LAB_WING = ("torch", "lightning", "torchmetrics", "monai", "scikit-learn", "opencv-python-headless", "matplotlib")
OPTIONAL = ("onnx", "onnxscript", "openvino", "tensorboard")
MALICIOUS_LIGHTNING = ("2.6.2", "2.6.3")

Problem = tuple[str, str]


def doctor() -> int:
    """Print versions, devices and backends, and what is broken and how to fix it; exit code 1 if anything is broken."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"lmsc-unet {version('lmsc-unet')}, Python {platform.python_version()}, {platform.platform()}")
    for title, packages in (("runs models", DEVICE_WING), ("makes models", LAB_WING), ("optional", OPTIONAL)):
        console.print(f"{title}: " + ", ".join(f"{name} {installed(name) or '-'}" for name in packages))
    for line in devices():
        console.print(line)
    problems = [problem for check in CHECKS for problem in check()]
    for found, remedy in problems:
        console.print(f"[bold red]broken[/]: {escape(found)}\n  way out: {escape(remedy)}")
    if not problems:
        console.print("[bold green]nothing broken was found[/]")
    return 1 if problems else 0


def installed(package: str) -> str | None:
    """A package's version, or None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def devices() -> list[str]:
    """Devices for networks: CPU features and GPUs seen by PyTorch, ONNX Runtime's providers."""
    lines = []
    if _imports("torch") is None and find_spec("torch"):
        import torch

        capability = torch.backends.cpu.get_cpu_capability()
        is_fast = any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "bf16"))
        lines.append(
            f"CPU: {torch.get_num_threads()} threads, {capability}, bf16 {'native' if is_fast else 'emulated'}"
        )
        lines += [f"GPU {n}: {torch.cuda.get_device_name(n)}" for n in range(torch.cuda.device_count())] or [
            "GPU: none"
        ]
    if find_spec("onnxruntime") and _imports("onnxruntime") is None:
        providers = import_module("onnxruntime").get_available_providers()
        lines.append(f"ONNX Runtime: {', '.join(providers)}")
    return lines


def check_imports() -> list[Problem]:
    """Installed packages that cannot be imported."""
    problems = []
    for package, module in (("numpy", "numpy"), ("opencv-python-headless", "cv2"), ("torch", "torch")):
        error = _imports(module)
        if error:
            problems.append((f"{package} does not import ({error})", f"pip install --force-reinstall {package}"))
    return problems


def check_torchvision() -> list[Problem]:
    """A torchvision that does not fit the installed torch, which also breaks lightning and torchmetrics."""
    error = _imports("torchvision")
    if not error:
        return []
    found = f"torchvision does not import ({error}); by being there it breaks lightning and torchmetrics"
    return [(found, "pip uninstall torchvision   (lmsc-unet does not need it)")]


def check_lightning() -> list[Problem]:
    """Malicious releases of lightning; there were two."""
    found = installed("lightning")
    if found not in MALICIOUS_LIGHTNING:
        return []
    return [
        (f"lightning {found} was a malicious upload", 'pip install "lightning!=2.6.2,!=2.6.3"; change your secrets')
    ]


def check_opencv() -> list[Problem]:
    """Several OpenCV packages, which overwrite each other's files."""
    others = [name for name in ("opencv-python", "opencv-contrib-python") if installed(name)]
    if not others or not installed("opencv-python-headless"):
        return []
    remedy = f"pip uninstall {others[0]} && pip install --force-reinstall opencv-python-headless"
    return [(f"{others[0]} and opencv-python-headless are both installed and share their files", remedy)]


CHECKS: tuple[Callable[[], list[Problem]], ...] = (check_imports, check_torchvision, check_lightning, check_opencv)


def _imports(module: str) -> str | None:
    """Why an installed module cannot be imported; None if it can, or is not installed."""
    if find_spec(module) is None:
        return None
    try:
        import_module(module)
    except Exception as error:  # a broken binary package can raise anything
        return f"{type(error).__name__}: {error}".splitlines()[0][:120]
    return None
