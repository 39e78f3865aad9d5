"""Selects the loader of a model: a dict of strings, each imported when it is called.

So prediction does not depend on PyTorch, and an install without PyTorch still reads exported files.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from lmsc_unet.catalog import CATALOG
from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.inference.backends import default_backend
from lmsc_unet.inference.bundled import bundled_files, hint
from lmsc_unet.inference.export_cache import exported
from lmsc_unet.inference.outputs import Network
from lmsc_unet.inference.runtime import TORCH, Runtime
from lmsc_unet.inference.spec import ModelSpec

LOADERS: Mapping[str, str] = MappingProxyType(
    {
        ".ckpt": "lmsc_unet.training.load_model:load_model",
        ".onnx": "lmsc_unet.inference.backends:load_model_file",
        ".pte": "lmsc_unet.inference.backends:load_model_file",
        ".xml": "lmsc_unet.inference.backends:load_model_file",
    }
)
"""A model file's suffix -> "module:function" that returns `(Network, ModelSpec)` for a path and a `Runtime`."""
CHECKPOINT = ".ckpt"
RUN_CHECKPOINT = "best.ckpt"
"""The checkpoint in a run folder that is its model."""
RUN_CONFIG = "config.yaml"
"""The file that identifies a run folder, present from the start."""


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A network ready to run, and its origin."""

    network: Network
    """From preprocessed pixels to logits."""
    spec: ModelSpec
    """How the network's input is made and what its logits mean."""
    file: Path
    """The file that holds the weights; the checkpoint of a run folder."""


def load(model: str | Path, runtime: Runtime = Runtime()) -> LoadedModel:  # noqa: B008 - frozen
    """Loads a model file, the best checkpoint of a run folder, or a bundled model by its name.

    A checkpoint is exported at first use (see `export_cache`), unless the backend is `torch`.

    Raises:
        ModelError: there is no such model, its kind is unknown, or its reader is not installed.
        ConfigError: the backend is unknown, not installed, or does not run this kind of file.
    """
    file = find_file(model, runtime.backend)
    if file.suffix not in LOADERS:
        raise ModelError(
            f"{file}: a model is a run folder or a file that ends in {', '.join(LOADERS)}, not {file.suffix!r}."
        )
    if file.suffix != CHECKPOINT and runtime.backend == TORCH:
        raise ConfigError(f"{file}: PyTorch runs checkpoints; this file runs on ONNX Runtime. Leave --backend out.")
    run_file = (exported(file, runtime) or file) if file.suffix == CHECKPOINT else file
    module, function = LOADERS[run_file.suffix].split(":")
    try:
        network, spec = getattr(import_module(module), function)(run_file, runtime)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("lmsc_unet"):
            raise
        raise ModelError(
            f'{file}: reading it needs {error.name}, which is not installed. Try: pip install "lmsc-unet[train]"'
        ) from error
    return LoadedModel(network=network, spec=spec, file=file)


def find_file(model: str | Path, backend: str | None = None) -> Path:
    """The file that holds a model's weights, for a path or for a bundled model's name and a backend (None: default).

    A text without a separator is a bundled model's name, unless a file or a run has that name; other folders, such as
    folders of images, do not hide it. A `Path` is always a path.

    Raises:
        ModelError: there is none; the message suggests similar names and the runs in a folder of folds.
    """
    path = Path(model)
    named = bundled_files(backend or default_backend()).get(model) if model == path.name else None
    if named is not None and not _is_model(path):
        return named
    if os.path.isfile(path):  # noqa: PTH113 - Path.is_file() raises for names that are too long
        return path
    if os.path.isfile(path / RUN_CHECKPOINT):  # noqa: PTH113
        return path / RUN_CHECKPOINT
    raise ModelError(_nothing_at(path) if os.path.isdir(path) else _nothing_named(str(model)))  # noqa: PTH112


def _is_model(path: Path) -> bool:
    """Whether the path is a file or a run, finished or not."""
    return any(map(os.path.isfile, (path, path / RUN_CHECKPOINT, path / RUN_CONFIG)))


def _nothing_at(folder: Path) -> str:
    if (folder / RUN_CONFIG).is_file() and not any(folder.glob(f"*/{RUN_CONFIG}")):
        return (
            f"{folder}: this run holds no {RUN_CHECKPOINT}, which is written when its first epoch is finished. "
            "Go on with it by `lmsc train --resume`."
        )
    runs = sorted(str(checkpoint.parent) for checkpoint in folder.glob(f"*/{RUN_CHECKPOINT}"))
    remedy = f"Did you mean one of {', '.join(runs)}?" if runs else "Give a run folder of `lmsc train`."
    return f"{folder}: the folder holds no {RUN_CHECKPOINT}. {remedy}"


def _nothing_named(model: str) -> str:
    untrained = f"{model} is a network of `lmsc models`, not yet trained. " if model in CATALOG else ""
    return (
        f"There is no model at {model}. {untrained}Give a run folder of `lmsc train`, a checkpoint in it, a file of "
        f"`lmsc export`, or a bundled model's name. {hint(model)}"
    )
