"""The only thing that prediction knows of a model: a callable from pixels to logits.

PyTorch, ONNX Runtime or a test's few lines of numpy stand behind it alike.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

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
