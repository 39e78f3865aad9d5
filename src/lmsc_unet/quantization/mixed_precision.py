"""Finds the layers that lose accuracy in 8 bits, by measuring each alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import onnx

from lmsc_unet.errors import ModelError
from lmsc_unet.evaluation.parity import Parity, failures
from lmsc_unet.quantization.quantizer import Quantizer

MOST_IN_FLOAT = 0.5
"""The largest share of layers in float; with more, the file is hardly INT8."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerChoice:
    """An INT8 graph within tolerance, and how it was found."""

    model: onnx.ModelProto
    """The graph."""
    parity: Parity
    """Its difference from the original."""
    float_layers: tuple[str, ...] = ()
    """The layers in float32, the most sensitive first."""
    errors: dict[str, float] = field(default_factory=dict)
    """The mean difference of logits with only that layer in 8 bits, if measured."""
    all_int8: tuple[str, ...] = ()
    """What exceeds the tolerance with all layers in 8 bits."""
    is_tuned: bool = False
    """Whether the network was fine-tuned in 8 bits."""

    @property
    def notes(self) -> dict[str, Any]:
        """The choice as entries of a report."""
        return {"all_int8_failed": list(self.all_int8), "layer_errors": self.errors, "fine_tuned": self.is_tuned}


def choose_layers(
    quantiser: Quantizer,
    judge: Callable[[onnx.ModelProto, tuple[str, ...]], Parity],
    measure: Callable[[onnx.ModelProto], float],
    tune: Callable[[], Quantizer] | None = None,
    *,
    always: tuple[str, ...] = (),
) -> LayerChoice:
    """All layers in 8 bits if that is within tolerance; otherwise the fewest most sensitive layers in float.

    Args:
        quantiser: Makes the graphs.
        judge: Compares a graph and its float layers with the original on images with masks.
        measure: Measures the mean difference of logits of a graph.
        tune: Fine-tunes the network in 8 bits; tried before layers are left in float.
        always: Layers that always stay in float.

    Raises:
        ModelError: even half of the layers in float is not enough; says what exceeds the tolerance.
    """
    model = quantiser.quantise(in_float=always)
    parity = judge(model, always)
    wrong = first_wrong = tuple(failures(parity, "int8"))
    if not wrong:
        return LayerChoice(model=model, parity=parity, float_layers=always)
    if tune is not None:
        model = tune().quantise(in_float=always)
        parity = judge(model, always)
        if not failures(parity, "int8"):
            return LayerChoice(model=model, parity=parity, float_layers=always, all_int8=first_wrong, is_tuned=True)
    errors = layer_errors(quantiser, measure, always)
    ranked = sorted(errors, key=lambda layer: -errors[layer])
    for number in _numbers(len(ranked)):
        kept = (*always, *ranked[:number])
        model = quantiser.quantise(in_float=kept)
        parity = judge(model, kept)
        wrong = tuple(failures(parity, "int8"))
        if not wrong:
            return LayerChoice(model=model, parity=parity, float_layers=kept, errors=errors, all_int8=first_wrong)
    raise ModelError(
        f"INT8 costs this model too much: with all layers in 8 bits {'; '.join(first_wrong)}, and with the "
        f"{int(MOST_IN_FLOAT * len(ranked))} most sensitive of {len(ranked)} in float32 still {'; '.join(wrong)}. "
        "No file was written. Calibrate on more images, or on images like those of the training; or export float32."
    )


def layer_errors(
    quantiser: Quantizer, measure: Callable[[onnx.ModelProto], float], always: tuple[str, ...] = ()
) -> dict[str, float]:
    """The mean difference of logits with one layer in 8 bits and all others in float, except layers always in float."""
    layers = quantiser.layers
    return {
        layer: measure(quantiser.quantise(in_float=[other for other in layers if other != layer]))
        for layer in layers
        if layer not in always
    }


def _numbers(num_layers: int) -> Iterator[int]:
    """1, 2, 3, 4, 6, 9, ... layers, up to the allowed share."""
    most, number = int(MOST_IN_FLOAT * num_layers), 1
    while number < most:
        yield number
        number = max(number + 1, number * 3 // 2)
    yield most
