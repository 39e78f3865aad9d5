"""The file of each variant: a checkpoint for PyTorch, an ONNX file for the runtimes."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from lmsc_unet.benchmark.plan import Variant
from lmsc_unet.catalog import CATALOG, margin_px, side_multiple_px
from lmsc_unet.config import to_mapping
from lmsc_unet.errors import ConfigError
from lmsc_unet.export.graph import to_graph
from lmsc_unet.export.quantising import Quantiser
from lmsc_unet.export.saving import write_model
from lmsc_unet.models import build_model
from lmsc_unet.prediction.loading import find_file
from lmsc_unet.prediction.modelfile import Description, read_description
from lmsc_unet.prediction.spec import ModelSpec
from lmsc_unet.training.checkpoint import FORMAT, write_checkpoint
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.loading import load_module

CALIBRATION_CROPS = 4


@dataclass(frozen=True, kw_only=True)
class Files:
    """Makes files in a folder, each once. INT8 made here is calibrated on noise: good for its speed alone."""

    folder: Path
    """Where they go."""
    size_px: int
    """Side of the images that INT8 is calibrated on."""

    def find(self, variant: Variant) -> Path:
        """The file of a variant; made if need be.

        Raises:
            ConfigError: an exported file is asked for in PyTorch or another precision than its own.
            ModelError: the model cannot be loaded.
        """
        if variant.model.endswith(".onnx"):
            return _as_it_is(variant)
        checkpoint = self._checkpoint(variant.model)
        if variant.backend == "torch":
            return checkpoint
        return self._onnx(checkpoint, "int8" if variant.precision == "int8" else "fp32")

    def _checkpoint(self, model: str) -> Path:
        """A run's own checkpoint, or one of a model of the catalog that was never trained."""
        if model not in CATALOG:
            return find_file(Path(model))
        path = self.folder / f"{model}.ckpt"
        if not path.exists():
            config = CATALOG[model]
            spec = ModelSpec(name=model, side_multiple_px=side_multiple_px(config), margin_px=margin_px(config))
            torch.manual_seed(0)
            state = {f"network.{name}": values for name, values in build_model(config).state_dict().items()}
            about = {"format": FORMAT, "spec": to_mapping(spec), "config": to_mapping(TrainConfig(model=model))}
            write_checkpoint({"lmsc": about, "state_dict": state}, path)
        return path

    def _onnx(self, checkpoint: Path, precision: str) -> Path:
        stem = f"{checkpoint.parent.name}-{checkpoint.stem}"
        path = self.folder / f"{stem}-{precision}.onnx"
        if path.exists():
            return path
        network, spec = load_module(checkpoint)
        description = Description(spec=spec, precision="int8" if precision == "int8" else "float32")
        graph = to_graph(network, spec)
        if precision == "int8":
            shape = (1, spec.input_channels, self.size_px, self.size_px)
            rng = np.random.default_rng(0)
            noise = [rng.normal(size=shape).astype(np.float32) for _ in range(CALIBRATION_CROPS)]
            work = self.folder / f"{stem}-work"
            work.mkdir()
            graph = Quantiser(graph, noise, work).quantise()
            shutil.rmtree(work)
        write_model(graph, description, path)
        return path


def _as_it_is(variant: Variant) -> Path:
    path = find_file(Path(variant.model))
    found = {"float32": ("fp32", "bf16"), "int8": ("int8",)}[_precision(path)]
    if variant.backend == "torch" or variant.precision not in found:
        raise ConfigError(f"{path}: this file is of {found[0]} and runs on ONNX Runtime and OpenVINO.")
    return path


@cache
def _precision(path: Path) -> str:
    return read_description(path).precision


def fits(variant: Variant, precisions: Mapping[str, str]) -> bool:
    """Whether a variant can be: an exported file has one precision and does not run on PyTorch."""
    own = precisions.get(variant.model)
    if own is None:
        return True
    return variant.backend != "torch" and (variant.precision == "int8") == (own == "int8")


def own_precisions(models: tuple[str, ...]) -> dict[str, str]:
    """The precisions of the exported files among the models.

    Raises:
        ModelError: a file cannot be used.
    """
    return {model: _precision(find_file(Path(model))) for model in models if model.endswith(".onnx")}
