"""The only thing that prediction knows of a model: a callable from pixels to logits.

PyTorch, ONNX Runtime or a test's few lines of numpy stand behind it alike.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.inference.spec import ModelSpec, Outputs

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Logits "B K H W" of a batch of prepared pixels "B C H W"; both sides are multiples of `side_multiple_px`."""


def activate(logits: NDArray[np.float32], axis: int = 1) -> NDArray[np.float32]:
    """Probabilities of the same shape: a sigmoid for one logit, a softmax over several along `axis`."""
    return sigmoid(logits) if logits.shape[axis] == 1 else softmax(logits, axis)


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 / (1 + exp(-x)) without overflow, as tanh bounds it."""
    half = np.float32(0.5)
    return np.asarray(half * np.tanh(half * logits) + half, dtype=np.float32)


def softmax(logits: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """exp(x) / sum(exp(x)) along one axis without overflow, as the largest logit is taken off first."""
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True), dtype=np.float32)


def to_classes(probability: NDArray[np.float32], threshold: float) -> NDArray[np.uint8]:
    """Class ids "H W" from what `activate` gives for one image, "K H W"; one channel is cut at `threshold`."""
    if probability.shape[0] == 1:
        return np.asarray(probability[0] >= threshold, dtype=np.uint8)
    return np.asarray(probability.argmax(axis=0), dtype=np.uint8)


Values = NDArray[np.float32]

SURE = 20.0
"""The logit of a class that is certain; its probability rounds to 1."""
_LEAST = 2.0**-24


def as_logits(network: Network, spec: ModelSpec) -> Network:
    """The same network, giving logits "B L H W" whatever its file gives."""
    back = BACK[spec.outputs]
    return lambda pixels: back(network(pixels), spec.num_logits)


def hard_labels_to_logits(spec: ModelSpec) -> ModelSpec:
    """The spec to make masks by: what a file of classes has cut already is now yes or no, cut in the middle."""
    return replace(spec, threshold=0.5) if spec.outputs == "classes" else spec


def _from_probabilities(values: Values, _num_logits: int) -> Values:
    if values.shape[1] > 1:
        return np.asarray(np.log(np.maximum(values, _LEAST)), dtype=np.float32)
    inside = np.clip(values, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(inside) - np.log1p(-inside), dtype=np.float32)


def _from_classes(values: Values, num_logits: int) -> Values:
    """Of class ids "B 1 H W"."""
    if num_logits == 1:
        return np.asarray(np.where(values > 0, SURE, -SURE), dtype=np.float32)
    ids = np.arange(num_logits, dtype=np.float32).reshape(1, -1, 1, 1)
    return np.asarray(SURE * (values == ids), dtype=np.float32)


BACK: Mapping[Outputs, Callable[[Values, int], Values]] = MappingProxyType(
    {"logits": lambda values, _num_logits: values, "probabilities": _from_probabilities, "classes": _from_classes}
)
"""What a file gives -> how that becomes logits."""
