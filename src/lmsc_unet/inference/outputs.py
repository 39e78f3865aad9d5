"""What a file gives in place of logits, taken back to logits: so tiles fade and masks are cut in one way only."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.inference.network import Network
from lmsc_unet.inference.spec import ModelSpec, Outputs

Values = NDArray[np.float32]

SURE = 20.0
"""The logit of a class that is certain; its probability rounds to 1."""
_LEAST = 2.0**-24


def as_logits(network: Network, spec: ModelSpec) -> Network:
    """The same network, giving logits "B L H W" whatever its file gives."""
    back = BACK[spec.outputs]
    return lambda pixels: back(network(pixels), spec.num_logits)


def as_votes(spec: ModelSpec) -> ModelSpec:
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
