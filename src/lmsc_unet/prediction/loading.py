"""Which loader reads a model: a dict of plain strings, imported only when one of them is called.

So prediction knows nothing of PyTorch, and an install without it still reads what it can.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from lmsc_unet.errors import ModelError
from lmsc_unet.prediction.network import Network
from lmsc_unet.prediction.runtime import Runtime
from lmsc_unet.prediction.spec import ModelSpec

LOADERS: Mapping[str, str] = MappingProxyType(
    {".ckpt": "lmsc_unet.training.loading:load_model", ".onnx": "lmsc_unet.prediction.backends:load_model_file"}
)
"""A model file's suffix -> "module:function" that takes the path and a `Runtime`: its `(Network, ModelSpec)`."""
RUN_CHECKPOINT = "best.ckpt"
"""The file of a run folder that is its model."""


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A network that is ready to run, and where it came from."""

    network: Network
    """From prepared pixels to logits."""
    spec: ModelSpec
    """How the network wants its images, and what its logits mean."""
    file: Path
    """The file that holds the weights."""


def load(model: str | Path, runtime: Runtime = Runtime()) -> LoadedModel:  # noqa: B008 - frozen
    """Loads a model file, or the best checkpoint of a run folder.

    Raises:
        ModelError: there is no such model, it is of no known kind, or what reads it is not installed.
        ConfigError: the backend is unknown, not installed, or not one for this kind of file.
    """
    file = find_file(Path(model))
    if file.suffix not in LOADERS:
        raise ModelError(
            f"{file}: a model is a run folder or a file that ends in {', '.join(LOADERS)}, not {file.suffix!r}."
        )
    module, function = LOADERS[file.suffix].split(":")
    try:
        network, spec = getattr(import_module(module), function)(file, runtime)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("lmsc_unet"):
            raise
        raise ModelError(
            f'{file}: reading it needs {error.name}, which is not installed. Try: pip install "lmsc-unet[train]"'
        ) from error
    return LoadedModel(network=network, spec=spec, file=file)


def find_file(model: Path) -> Path:
    """The file that holds a model's weights.

    Raises:
        ModelError: there is none; a folder of folds is named with the runs in it.
    """
    if model.is_file():
        return model
    if not model.exists():
        raise ModelError(
            f"There is no model at {model}. Give a run folder of `lmsc train`, a checkpoint in it, or a file of "
            "`lmsc export`."
        )
    if (model / RUN_CHECKPOINT).is_file():
        return model / RUN_CHECKPOINT
    runs = sorted(str(checkpoint.parent) for checkpoint in model.glob(f"*/{RUN_CHECKPOINT}"))
    hint = f"Did you mean one of {', '.join(runs)}?" if runs else "Give a run folder of `lmsc train`."
    raise ModelError(f"{model}: the folder holds no {RUN_CHECKPOINT}. {hint}")
