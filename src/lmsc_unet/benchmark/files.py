"""The file of each variant: a checkpoint for PyTorch, an ONNX file for the runtimes."""

import shutil
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

import numpy as np
import torch

from lmsc_unet.benchmark.plan import Variant
from lmsc_unet.catalog import CATALOG, halo_px, side_multiple_px
from lmsc_unet.config import to_mapping
from lmsc_unet.export.graph import to_graph
from lmsc_unet.export.saving import write_model
from lmsc_unet.inference.backends import KINDS, read_description
from lmsc_unet.inference.loading import find_file
from lmsc_unet.inference.metadata import Description
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.models import build_model
from lmsc_unet.quantization.fuse_upconv import fuse_upconv
from lmsc_unet.quantization.quantizer import Quantizer
from lmsc_unet.training.checkpoint import FORMAT, write_checkpoint
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.load_model import load_module

CALIBRATION_CROPS = 4
OF_CHECKPOINTS = ("torch", "cuda", "cuda-compile", "cuda-graphs")
"""The backends that run checkpoints directly."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """Creates files in a folder, each once. INT8 made here is calibrated on noise: only its speed is meaningful."""

    folder: Path
    """The folder."""
    size_px: int
    """Side of the calibration images for INT8."""

    def find(self, variant: Variant) -> Path:
        """The file of a variant, created if needed.

        Raises:
            ModelError: the model cannot be loaded.
        """
        checkpoint = self._checkpoint(variant.model, variant.backend)
        if checkpoint.suffix in KINDS or variant.backend in OF_CHECKPOINTS:
            return checkpoint
        is_int8 = variant.precision == "int8"
        return self._onnx(checkpoint, is_int8=is_int8, is_merged=is_int8 and variant.backend == "openvino")

    def _checkpoint(self, model: str, backend: str) -> Path:
        """A run's checkpoint, an exported file, or a checkpoint of an untrained catalog model."""
        if model not in CATALOG:
            return find_file(model, backend)
        path = self.folder / f"{model}.ckpt"
        if not path.exists():
            config = CATALOG[model]
            spec = ModelSpec(name=model, side_multiple_px=side_multiple_px(config), margin_px=halo_px(config))
            torch.manual_seed(0)
            state = {f"network.{name}": values for name, values in build_model(config).state_dict().items()}
            about = {"format": FORMAT, "spec": to_mapping(spec), "config": to_mapping(TrainConfig(model=model))}
            write_checkpoint({"lmsc": about, "state_dict": state}, path)
        return path

    def _onnx(self, checkpoint: Path, *, is_int8: bool, is_merged: bool) -> Path:
        """The ONNX file; merged like `lmsc export --to openvino --int8`."""
        stem = sha1(str(checkpoint).encode()).hexdigest()
        path = self.folder / f"{stem}-{'int8' if is_int8 else 'fp32'}{'-merged' if is_merged else ''}.onnx"
        if path.exists():
            return path
        network, spec = load_module(checkpoint)
        description = Description(spec=spec, precision="int8" if is_int8 else "float32")
        graph = to_graph(fuse_upconv(network) if is_merged else network, spec)
        if is_int8:
            shape = (1, spec.input_channels, self.size_px, self.size_px)
            rng = np.random.default_rng(0)
            noise = [rng.normal(size=shape).astype(np.float32) for _ in range(CALIBRATION_CROPS)]
            work = self.folder / f"{stem}-work"
            work.mkdir()
            graph = Quantizer(graph, noise, work, is_for_openvino=is_merged).quantise()
            shutil.rmtree(work)
        write_model(graph, description, path)
        return path


@dataclass(frozen=True, kw_only=True)
class Own:
    """An exported file's precision and backends."""

    precision: str
    """fp32 or int8."""
    backends: tuple[str, ...]
    """The backends that run it."""

    def fits(self, variant: Variant) -> bool:
        """Whether a variant is possible: a file has one precision; bf16 is a way to run float32."""
        return variant.backend in self.backends and (variant.precision == "int8") == (self.precision == "int8")


def own_kinds(models: tuple[str, ...]) -> dict[str, Own]:
    """The exported files among the models.

    Raises:
        ModelError: a model does not exist, or a file cannot be used.
    """
    paths = {model: find_file(model, "onnxruntime") for model in models if model not in CATALOG}
    return {model: _own(path) for model, path in paths.items() if path.suffix in KINDS}


def _own(path: Path) -> Own:
    precision = "int8" if read_description(path).precision == "int8" else "fp32"
    return Own(precision=precision, backends=KINDS[path.suffix].backends)
