"""LMSC-UNet: semantic segmentation on small hardware.

```python
from lmsc_unet import Predictor, TrainConfig, read_image, train

train(Path("data"), Path("runs/nuclei"), TrainConfig(epochs=50))
prediction = Predictor.load("runs/nuclei").predict(read_image(Path("slide.tif")))
```

Names are imported at first use: `import lmsc_unet` loads nothing, and running a model never loads PyTorch.
`train`, `build_model` and the networks need `pip install "lmsc-unet[train]"`.
"""

# ruff: noqa: E402 - the signal handlers must be installed before the slow imports
from lmsc_unet.core.startup import install_early_handlers

install_early_handlers()

from importlib import import_module
from types import MappingProxyType

from lmsc_unet._moved import find_moved
from lmsc_unet.core.startup import keep_quiet

TYPE_CHECKING = False  # importing typing would take most of this file's load time
if TYPE_CHECKING:
    from typing import Any

    from lmsc_unet.catalog import CATALOG, FastLMSCUNetConfig, LMSCUNetConfig, UNetConfig, model_config
    from lmsc_unet.errors import LmscError
    from lmsc_unet.evaluation.segmentation import Evaluation, evaluate
    from lmsc_unet.imageio import read_image, read_mask, write_png
    from lmsc_unet.inference.predictor import Prediction, Predictor
    from lmsc_unet.inference.spec import ModelSpec
    from lmsc_unet.models import FastLMSCUNet, LMSCUNet, UNet, build_model
    from lmsc_unet.training.config import TrainConfig
    from lmsc_unet.training.run import run as train

__all__ = [
    "CATALOG",
    "Evaluation",
    "FastLMSCUNet",
    "FastLMSCUNetConfig",
    "LMSCUNet",
    "LMSCUNetConfig",
    "LmscError",
    "ModelSpec",
    "Prediction",
    "Predictor",
    "TrainConfig",
    "UNet",
    "UNetConfig",
    "build_model",
    "evaluate",
    "model_config",
    "read_image",
    "read_mask",
    "train",
    "write_png",
]

_ORIGINS = MappingProxyType(
    {
        "CATALOG": "lmsc_unet.catalog:CATALOG",
        "Evaluation": "lmsc_unet.evaluation.segmentation:Evaluation",
        "FastLMSCUNet": "lmsc_unet.models:FastLMSCUNet",
        "FastLMSCUNetConfig": "lmsc_unet.catalog:FastLMSCUNetConfig",
        "LMSCUNet": "lmsc_unet.models:LMSCUNet",
        "LMSCUNetConfig": "lmsc_unet.catalog:LMSCUNetConfig",
        "LmscError": "lmsc_unet.errors:LmscError",
        "ModelSpec": "lmsc_unet.inference.spec:ModelSpec",
        "Prediction": "lmsc_unet.inference.predictor:Prediction",
        "Predictor": "lmsc_unet.inference.predictor:Predictor",
        "TrainConfig": "lmsc_unet.training.config:TrainConfig",
        "UNet": "lmsc_unet.models:UNet",
        "UNetConfig": "lmsc_unet.catalog:UNetConfig",
        "build_model": "lmsc_unet.models:build_model",
        "evaluate": "lmsc_unet.evaluation.segmentation:evaluate",
        "model_config": "lmsc_unet.catalog:model_config",
        "read_image": "lmsc_unet.imageio:read_image",
        "read_mask": "lmsc_unet.imageio:read_mask",
        "train": "lmsc_unet.training.run:run",
        "write_png": "lmsc_unet.imageio:write_png",
    }
)
"""Public name -> "module:name", imported at first use (PEP 562)."""

keep_quiet()
find_moved()


def __getattr__(name: str) -> "Any":
    if name == "__version__":
        from importlib.metadata import version

        return version("lmsc-unet")
    if name not in _ORIGINS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _ORIGINS[name].split(":")
    value = globals()[name] = getattr(import_module(module), attribute)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
