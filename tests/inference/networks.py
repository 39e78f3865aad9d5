"""Small networks of numpy that behave like real ones: zero padding, pooling, skips."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from lmsc_unet.inference import loading
from lmsc_unet.inference.spec import ModelSpec

POOL_PX = 4
REACH_PX = 12
"""Rounded up: 1 px of the first filter, 4 + 3 of the one behind the pooling, 1 of the last."""


def load_by(monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    """Files that end in .fake are loaded by a function of the tests, "module:name"; no other kind of file is."""
    monkeypatch.setattr(loading, "LOADERS", {".fake": function})


def convolve(channel: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    kernel = np.random.default_rng(seed).normal(0, 0.6, (3, 3)).astype(np.float32)
    height, width = channel.shape
    padded = np.pad(channel, 1)
    return sum(kernel[y, x] * padded[y : y + height, x : x + width] for y, x in np.ndindex(3, 3))


def small_unet(num_logits: int = 1):
    """Filter, pool by 4, filter, enlarge, add the skip, filter: sides must be multiples of 4."""

    def network(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        assert pixels.dtype == np.float32
        assert pixels.shape[2] % POOL_PX == 0
        assert pixels.shape[3] % POOL_PX == 0
        return np.stack([logits_of(image) for image in pixels])

    def logits_of(image: NDArray[np.float32]) -> NDArray[np.float32]:
        skip = np.maximum(convolve(np.ascontiguousarray(image.mean(axis=0)), 0), 0)
        height, width = skip.shape
        pooled = skip.reshape(height // POOL_PX, POOL_PX, width // POOL_PX, POOL_PX).max(axis=(1, 3))
        enlarged = np.kron(np.maximum(convolve(pooled, 1), 0), np.ones((POOL_PX, POOL_PX), dtype=np.float32))
        return np.stack([convolve(skip - enlarged, 2 + k) for k in range(num_logits)])

    return network


def brightness(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """One logit: how much brighter than the mean a pixel is."""
    return 20 * pixels.mean(axis=1, keepdims=True)


def load_bright(path, _runtime):
    """Stands in for a loader of models: the file's text changes the spec."""
    return brightness, spec(mean=(0.5,), **json.loads(path.read_text()))


def load_three(_path, _runtime):
    """Three classes: ground, bright, and one that is never the most probable."""

    def network(pixels):
        bright = brightness(pixels)
        return np.concatenate([-bright, bright, np.full_like(bright, -1e3)], axis=1)

    return network, spec(mean=(0.5,), num_logits=3, class_names=("ground", "bright", "nowhere"))


def spec(**changes) -> ModelSpec:
    fields = {"name": "small", "side_multiple_px": POOL_PX, "margin_px": REACH_PX, "scaling": "range"}
    return ModelSpec(**(fields | changes))
