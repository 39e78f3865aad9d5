"""Makes an INT8 graph within tolerance from a float32 graph, and measures its speed here."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
from torch import nn

from lmsc_unet.core.timing import time_by_turns
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.evaluation.parity import Parity, mean_difference
from lmsc_unet.export.graph import to_graph
from lmsc_unet.export.options import ExportOptions
from lmsc_unet.export.saving import write_model
from lmsc_unet.inference.metadata import Description
from lmsc_unet.inference.outputs import Network
from lmsc_unet.quantization.calibration import LARGE_SHIFT, Pixels, domain_shift, draw_crops, find_images
from lmsc_unet.quantization.mixed_precision import LayerChoice, choose_layers
from lmsc_unet.quantization.qat import fine_tune
from lmsc_unet.quantization.quantizer import Quantizer
from lmsc_unet.training.load_model import TrainedRun

if TYPE_CHECKING:
    from lmsc_unet.export.work import ExportJob


ROUNDS = 15


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The result of interleaved timing."""

    ratio: float
    """Speed of the INT8 file relative to float32, by medians on one thread."""
    warnings: tuple[str, ...]
    """A warning if it is slower."""


def compare_speed(work: "ExportJob", description: Description, pixels: Pixels) -> Speed:
    """Times the INT8 file beside the float32 file of the same network, on one crop."""
    with tempfile.TemporaryDirectory(prefix="lmsc-speed-") as name:
        float_file = Path(name) / f"float{work.file.suffix}"
        work.write(work.graph, work.description, float_file)
        networks = (
            work.comparison.open_file(float_file, work.description, threads=1),
            work.comparison.open_file(work.file, description, threads=1),
        )
        runs = [partial(_run, network, pixels) for network in networks]
        in_float, in_int8 = time_by_turns(runs, ROUNDS)
    ratio = in_float.median_ms / in_int8.median_ms
    return Speed(ratio=ratio, warnings=() if ratio >= 1 else (_slower(ratio),))


def _run(network: Network, pixels: Pixels) -> None:
    network(pixels)


def _slower(ratio: float) -> str:
    return (
        f"The INT8 file is slower here than float32 ({ratio:.2f} times as fast on one thread). Processors "
        "without 8-bit dot products (VNNI, dotprod) and very small networks gain nothing by it: use the float32 file."
    )


FEW_IMAGES = 8
PROBES = 4
"""Crops for measuring a layer's share of the error."""
Judge = Callable[[onnx.ModelProto, Description], Parity]
"""Compares a graph with the original on images with masks."""
Open = Callable[[Path, Description], Network]


def make_int8(
    graph: onnx.ModelProto,
    description: Description,
    crops: Sequence[Pixels],
    options: ExportOptions,
    *,
    judge: Judge,
    open_file: Open,
    original: Network,
    network: nn.Module,
) -> LayerChoice:
    """Quantises a graph, with as many layers in float as needed; the last graph judged is the one chosen.

    If 8 bits cost too much and `--qat` is given, the network is first fine-tuned in 8 bits. If grey values are used
    unchanged, the first layer stays in float: 0 lies between two of them, so 8 bits would round each by half a step.

    Raises:
        ModelError: no choice of layers is within the tolerance.
    """
    with tempfile.TemporaryDirectory(prefix="lmsc-int8-") as name:
        folder = Path(name)
        how = {"reduce_range": options.reduce_range, "is_for_openvino": options.to == "openvino"}
        quantiser = Quantizer(graph, crops, folder, **how)

        def judge_layers(model: onnx.ModelProto, in_float: tuple[str, ...]) -> Parity:
            return judge(model, replace(description, precision="int8", float_layers=in_float))

        def measure(model: onnx.ModelProto) -> float:
            write_model(model, description, folder / "probe.onnx")
            return mean_difference(original, open_file(folder / "probe.onnx", description), crops[:PROBES])

        def tune() -> Quantizer:
            tuned = fine_tune(network, crops, epochs=options.qat_epochs)
            (folder / "tuned").mkdir()
            changed = to_graph(tuned.network, description.spec, options.opset, graph)
            made = Quantizer(changed, crops, folder / "tuned", **how)
            made.set_ranges(tuned.ranges)
            return made

        always = quantiser.layers[:1] if description.spec.scaling == "range" else ()
        return choose_layers(quantiser, judge_layers, measure, tune if options.qat else None, always=always)


def calibration_crops(
    source: TrainedRun, folder: Path | None, options: ExportOptions
) -> tuple[list[Pixels], list[str]]:
    """Crops for calibration, and warnings if they are few or unlike the training images.

    Raises:
        ConfigError: no folder is named, and the run records none.
        DataError: the folder has no image, or an unusable one.
    """
    root = options.calibrate or folder
    if root is None:
        raise ConfigError("--int8 calibrates on real images. Name a folder of them by --calibrate.")
    if not root.exists():
        raise DataError(f"{root}: there is no such folder to calibrate on. Name images like those of the training.")
    images = find_images(root, source)
    crops = draw_crops(images, source.spec, options.crops)
    warnings = []
    if len(images) < FEW_IMAGES:
        warnings.append(f"{root}: calibrated on {len(images)} images only; {FEW_IMAGES} and more are better.")
    apart = domain_shift(source.network, crops)
    if apart > LARGE_SHIFT:
        warnings.append(
            f"{root}: these images are unlike those of the training: what the network's layers see of them lies "
            f"{apart:.2f} deviations from there (held-out images: 0.2, warned from {LARGE_SHIFT}). Calibrate on images "
            "like those that the model is for."
        )
    return crops, warnings
