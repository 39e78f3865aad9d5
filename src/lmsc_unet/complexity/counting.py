"""Counts a network's costs per image: parameters, state and multiply-accumulates (MACs).

The network is built on PyTorch's meta device, without allocation or computation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lmsc_unet.catalog import ModelConfig
from lmsc_unet.complexity.paper import paper_macs
from lmsc_unet.core.ranges import check_number
from lmsc_unet.errors import ConfigError
from lmsc_unet.models import build_model

MOST_COUNTED_PX = 2**20


@dataclass(frozen=True, kw_only=True)
class LayerCost:
    """The costs of one layer per image."""

    name: str
    """The layer's name in the state dict."""
    kind: str
    """The layer's class in PyTorch."""
    output_shape: tuple[int, ...]
    """Channels, height and width of its output."""
    parameters: int
    """Trainable numbers."""
    macs_exact: int
    """Multiply-accumulates of a convolution; 0 for other layers."""
    macs_paper: int
    """Operations by the paper's counter (see paper_counter.py)."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The costs of a network per image."""

    parameters: int
    """Trainable numbers."""
    state_bytes: int
    """Parameters and batch norm statistics as stored, without the norms' batch counters."""
    macs_exact: int
    """Multiply-accumulates of the convolutions: half of what `torch.utils.flop_counter` counts."""
    macs_paper: int
    """Operations by the paper's counter (see paper_counter.py)."""
    layers: tuple[LayerCost, ...]
    """The layers in order of execution."""


def count(config: ModelConfig, *, height_px: int = 256, width_px: int = 256) -> Cost:
    """Counts the costs of a config's network per image.

    Raises:
        ConfigError: a side is less than 1 px.
        SizeError: the network does not accept these sides.
    """
    if min(height_px, width_px) < 1:
        raise ConfigError(f"The image is {height_px} x {width_px} px; both sides must be at least 1 px.")
    check_number("size_px", max(height_px, width_px), 1, MOST_COUNTED_PX)
    with torch.device("meta"):
        model = build_model(config).eval()
        image = torch.empty(1, config.input_channels, height_px, width_px)
    layers = _count_layers(model, image)
    return Cost(
        parameters=_num_parameters(model),
        state_bytes=sum(value.nbytes for value in model.state_dict().values() if value.is_floating_point()),
        macs_exact=sum(layer.macs_exact for layer in layers),
        macs_paper=sum(layer.macs_paper for layer in layers),
        layers=layers,
    )


def _count_layers(model: nn.Module, image: Tensor) -> tuple[LayerCost, ...]:
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), _recorded_calls(model) as calls, counter:
        model(image)
    flops = counter.get_flop_counts()
    names = {layer: name for name, layer in model.named_modules()}
    return tuple(
        LayerCost(
            name=names[layer],
            kind=type(layer).__name__,
            output_shape=tuple(y.shape[1:]),
            parameters=_num_parameters(layer),
            macs_exact=sum(flops.get(f"{type(model).__name__}.{names[layer]}", {}).values()) // 2,
            macs_paper=paper_macs(layer, x, y),
        )
        for layer, x, y in calls
    )


@contextmanager
def _recorded_calls(model: nn.Module) -> Iterator[list[tuple[nn.Module, Tensor, Tensor]]]:
    """The leaf layers with input and output, in order of execution."""
    calls: list[tuple[nn.Module, Tensor, Tensor]] = []

    def record(layer: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        calls.append((layer, inputs[0], output))

    hooks = [layer.register_forward_hook(record) for layer in model.modules() if _is_leaf(layer)]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def _num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _is_leaf(module: nn.Module) -> bool:
    return not any(module.children()) and not isinstance(module, nn.Identity)
