"""The network as prediction sees it: a callable from pixels to logits.

It may be PyTorch, ONNX Runtime, or a few lines of NumPy in a test.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.inference.spec import ModelSpec, Outputs

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Maps preprocessed pixels "B C H W" to logits "B K H W"; both sides are multiples of `side_multiple_px`."""


def activate(logits: NDArray[np.float32], num_logits: int) -> NDArray[np.float32]:
    """Probabilities of the same shape "B K H W": sigmoid for one logit (and a contour's), softmax for several."""
    return sigmoid(logits) if num_logits == 1 else softmax(logits, axis=1)


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 / (1 + exp(-x)) without overflow, through tanh."""
    half = np.float32(0.5)
    return np.asarray(half * np.tanh(half * logits) + half, dtype=np.float32)


def softmax(logits: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """exp(x) / sum(exp(x)) along one axis; subtracts the largest logit against overflow."""
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True), dtype=np.float32)


def to_classes(probability: NDArray[np.float32], threshold: float) -> NDArray[np.uint8]:
    """Class ids "H W" of one image's probabilities "K H W"; a single channel is thresholded."""
    if probability.shape[0] == 1:
        return np.asarray(probability[0] >= threshold, dtype=np.uint8)
    return np.asarray(probability.argmax(axis=0), dtype=np.uint8)


Values = NDArray[np.float32]

SURE = 20.0
"""The logit of a certain class; its probability rounds to 1."""
_LEAST = 2.0**-24


def as_logits(network: Network, spec: ModelSpec) -> Network:
    """A network that returns logits "B L H W" whatever its file outputs."""
    back = BACK[spec.outputs]
    return lambda pixels: back(network(pixels), spec.num_logits)


def hard_labels_to_logits(spec: ModelSpec) -> ModelSpec:
    """The spec for masks: a file that outputs classes has already thresholded, so the threshold becomes 0.5."""
    return replace(spec, threshold=0.5) if spec.outputs == "classes" else spec


def _from_probabilities(values: Values, num_logits: int) -> Values:
    if num_logits > 1:
        return np.asarray(np.log(np.maximum(values, _LEAST)), dtype=np.float32)
    inside = np.clip(values, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(inside) - np.log1p(-inside), dtype=np.float32)


def _from_classes(values: Values, num_logits: int) -> Values:
    """Logits of class ids "B 1 H W"."""
    if num_logits == 1:
        return np.asarray(np.where(values > 0, SURE, -SURE), dtype=np.float32)
    ids = np.arange(num_logits, dtype=np.float32).reshape(1, -1, 1, 1)
    return np.asarray(SURE * (values == ids), dtype=np.float32)


BACK: Mapping[Outputs, Callable[[Values, int], Values]] = MappingProxyType(
    {"logits": lambda values, _num_logits: values, "probabilities": _from_probabilities, "classes": _from_classes}
)
"""A file's kind of output -> its conversion to logits."""
