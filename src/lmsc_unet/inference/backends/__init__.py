"""The runtimes for files of `lmsc export`: ONNX Runtime, and OpenVINO if installed.

Each backend is one module with a function `open_session`; the table names them as text, so that a runtime is
imported at first use. To add one, add a line and its module.
"""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ConfigError, ModelError, SizeError
from lmsc_unet.inference import metadata
from lmsc_unet.inference.metadata import Description
from lmsc_unet.inference.outputs import Network, as_logits, hard_labels_to_logits
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.inference.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A runtime for model files."""

    opener: str
    """"module:function" that returns a `Network` for (path, description, device, runtime)."""
    device: str
    """The runtime's own name of the device: ONNX Runtime's execution provider, OpenVINO's device."""
    package: str
    """The module that must be installed."""
    install: str
    """The command that installs it."""


_ONNX_RUNTIME = "lmsc_unet.inference.backends.onnx_runtime:open_session"
_OPEN_VINO = "lmsc_unet.inference.backends.open_vino:open_session"
_GPU = "pip install onnxruntime-gpu"

BACKENDS: Mapping[str, Backend] = MappingProxyType(
    {
        "onnxruntime": Backend(
            opener=_ONNX_RUNTIME,
            device="CPUExecutionProvider",
            package="onnxruntime",
            install="pip install onnxruntime",
        ),
        "openvino": Backend(
            opener=_OPEN_VINO, device="CPU", package="openvino", install='pip install "lmsc-unet[openvino]"'
        ),
        "cuda": Backend(opener=_ONNX_RUNTIME, device="CUDAExecutionProvider", package="onnxruntime", install=_GPU),
        "tensorrt": Backend(
            opener=_ONNX_RUNTIME, device="TensorrtExecutionProvider", package="onnxruntime", install=_GPU
        ),
        "executorch": Backend(
            opener="lmsc_unet.export.pte:open_session",
            device="XNNPACK",
            package="executorch",
            install='pip install "lmsc-unet[executorch]"',
        ),
    }
)
"""The values of `--backend`."""
X86 = ("x86_64", "amd64")


@dataclass(frozen=True, kw_only=True)
class FileKind:
    """A kind of exported file."""

    reader: str
    """"module:function" that returns the `Description` of a path."""
    backends: tuple[str, ...]
    """The backends that run it, the default first."""


KINDS: Mapping[str, FileKind] = MappingProxyType(
    {
        ".onnx": FileKind(
            reader="lmsc_unet.inference.metadata:read_description",
            backends=("onnxruntime", "openvino", "cuda", "tensorrt"),
        ),
        ".pte": FileKind(reader="lmsc_unet.export.pte:read_pte", backends=("executorch",)),
        ".xml": FileKind(reader="lmsc_unet.inference.backends.open_vino:read_description", backends=("openvino",)),
    }
)
"""A file's suffix -> its reader and runtimes."""


def load_model_file(path: Path, runtime: Runtime) -> tuple[Network, ModelSpec]:
    """Loads a file of `lmsc export` for the chosen backend, or the best installed.

    Raises:
        ModelError: the file is damaged, of another kind or newer, or the backend cannot run it.
        ConfigError: the backend is unknown, not installed, or does not run this kind of file.
    """
    description = read_description(path, runtime)
    return open_network(path, description, runtime), hard_labels_to_logits(description.spec)


def read_description(path: Path, runtime: Runtime = Runtime()) -> Description:  # noqa: B008 - frozen
    """Reads the metadata of a file of `lmsc export`, of any kind.

    Raises:
        ModelError: the file is damaged, of another kind or newer.
        ConfigError: the reader of this kind of file is not installed.
    """
    choose_backend(path, runtime)
    read: Callable[[Path], Description] = _function(KINDS[path.suffix].reader)
    return read(path)


def open_network(path: Path, description: Description, runtime: Runtime) -> Network:
    """Opens a model file as a callable that checks its input and returns logits.

    Raises:
        ModelError: the backend cannot run the file.
        ConfigError: the backend is unknown, not installed, or does not run this kind of file.
    """
    backend = choose_backend(path, runtime)
    opener: Callable[..., Network] = _function(backend.opener)
    network = opener(path, description, backend.device, runtime)
    return checked(as_logits(network, description.spec), description.spec)


def choose_backend(path: Path, runtime: Runtime) -> Backend:
    """The chosen backend, or the best installed, if it runs this kind of file.

    Raises:
        ConfigError: the backend is unknown, not installed, or does not run this kind of file.
    """
    able = KINDS[path.suffix].backends
    name = runtime.backend or usual_backend(path)
    backend = find_backend(name)
    if name not in able:
        raise ConfigError(f"{path}: the backend {name} does not run this file; {' or '.join(able)} does.")
    return backend


def usual_backend(path: Path) -> str:
    """The default backend of a model file: ONNX Runtime for INT8 ONNX files, which are made for it.

    Raises:
        ModelError: the file is damaged, of another kind or newer.
    """
    if path.suffix == ".onnx" and metadata.peek(path).precision != "int8":
        return default_backend()
    return KINDS[path.suffix].backends[0] if path.suffix in KINDS else default_backend()


def _function(target: str) -> Callable[..., Any]:
    module, function = target.split(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def default_backend() -> str:
    """OpenVINO on an x86 processor if installed, as its INT8 files are the fastest; else ONNX Runtime."""
    return "openvino" if platform.machine().lower() in X86 and find_spec("openvino") else "onnxruntime"


def find_backend(name: str) -> Backend:
    """Looks up an installed backend.

    Raises:
        ConfigError: its name is unknown, or its package is not installed; the message gives the install command.
    """
    if name not in BACKENDS:
        raise ConfigError(f"There is no backend {name!r}; the backends are {', '.join(BACKENDS)}.")
    backend = BACKENDS[name]
    if find_spec(backend.package) is None:
        raise ConfigError(f"The backend {name} needs {backend.package}, which is not installed. Try: {backend.install}")
    return backend


def checked(network: Network, spec: ModelSpec) -> Network:
    """Wraps a network to reject inputs that would fail inside it or change its results.

    Sides that are off the grid would fail at a Concat far from the cause.
    """

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        if pixels.ndim != 4 or pixels.shape[1] != spec.input_channels:
            raise ModelError(
                f"{spec.name} takes pixels of shape B {spec.input_channels} H W, as it was trained on; "
                f"these have the shape {pixels.shape}."
            )
        multiple_px = spec.side_multiple_px
        if pixels.shape[2] % multiple_px or pixels.shape[3] % multiple_px:
            raise SizeError(
                f"{spec.name} takes sides that are multiples of {multiple_px} px; these pixels are "
                f"{pixels.shape[2]} x {pixels.shape[3]} px (height x width). Pad them."
            )
        return network(np.ascontiguousarray(pixels, dtype=np.float32))

    return run
