"""Quantization-aware fine-tuning, for a network that loses too much by rounding alone.

The network with folded batch norms is trained to reproduce its own float32 logits on the calibration crops, so no mask
is needed. Weights and layer outputs are rounded as in ONNX Runtime's QDQ files: signed weights with a scale per output
channel, unsigned outputs with a scale per tensor. The range of each output is learned too (LSQ, Esser et al. 2020) and
stored in the file. Cross-layer equalization precedes the training.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss
from torch.nn.utils import parametrize

from lmsc_unet.quantization.calibration import Pixels
from lmsc_unet.quantization.cle import equalize_cross_layer
from lmsc_unet.quantization.fuse_upconv import fold_batch_norm

BATCH = 4
WEIGHTS_RATE, RANGES_RATE = 3e-4, 2e-2
"""Learning rates of weights, and of the logarithms of ranges."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tuned:
    """The result of the fine-tuning."""

    network: nn.Module
    """The float32 network with folded batch norms."""
    ranges: dict[str, tuple[float, float]]
    """Layer -> minimum and maximum of its output, after the activation."""


def fine_tune(network: nn.Module, crops: Sequence[Pixels], *, epochs: int, seed: int = 19) -> Tuned:
    """Fine-tunes a copy of a trained network on preprocessed crops "1 C h w", randomly rotated and mirrored."""
    teacher, student = fold_batch_norm(network), fold_batch_norm(network)
    equalize_cross_layer(student, crops)
    rounding = _round_outputs(student, crops)
    _round_weights(student)
    weights = list(student.parameters())
    ranges = [value for module in rounding.values() for value in module.parameters()]
    optimizer = torch.optim.Adam([{"params": weights, "lr": WEIGHTS_RATE}, {"params": ranges, "lr": RANGES_RATE}])
    batches = list(_batches(crops, epochs, np.random.default_rng(seed)))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(batches))
    for pixels in batches:
        with torch.no_grad():
            wanted = teacher(pixels)
        loss = smooth_l1_loss(student(pixels), wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return Tuned(network=_without_rounding(student), ranges={name: one.limits for name, one in rounding.items()})


class RoundedWeight(nn.Module):
    """Rounds a convolution's weight to signed 8 bits with a scale per output channel."""

    def __init__(self, channel_axis: int) -> None:
        super().__init__()
        self.axes = tuple(axis for axis in range(4) if axis != channel_axis)

    def forward(self, weight: Tensor) -> Tensor:
        """The rounded weight; the gradient passes unchanged (straight-through)."""
        step = weight.detach().abs().amax(self.axes, keepdim=True).clamp_min(1e-12) / 127
        return weight + (weight / step).round().mul(step).sub(weight).detach()


class RoundedOutput(nn.Module):
    """Rounds a layer's output to unsigned 8 bits between a learned minimum and maximum."""

    def __init__(self, least: float, largest: float) -> None:
        super().__init__()
        self.is_signed = least < 0
        self.log_largest = nn.Parameter(torch.tensor(math.log(max(largest, 1e-6))))
        self.log_least = nn.Parameter(torch.tensor(math.log(max(-least, 1e-6))))

    def forward(self, values: Tensor) -> Tensor:
        """The values, rounded and clipped; 0 stays 0."""
        largest, least = self.log_largest.exp(), -self.log_least.exp() if self.is_signed else torch.zeros(())
        step = (largest - least) / 255
        zero = (-least / step).round().detach()
        scaled = values / step
        return ((scaled + (scaled.round() - scaled).detach() + zero).clamp(0, 255) - zero) * step

    @property
    def limits(self) -> tuple[float, float]:
        """The minimum and the maximum."""
        return -math.exp(self.log_least.item()) if self.is_signed else 0.0, math.exp(self.log_largest.item())


def _layers(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Each convolution's name, and the module that outputs its result after the activation."""
    inside = set()
    for name, module in network.named_modules():
        if isinstance(module, nn.Sequential) and "conv" in module._modules:
            inside.add(f"{name}.conv")
            yield f"{name}.conv", module
        elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and name not in inside:
            yield name, module


def _round_outputs(network: nn.Module, crops: Sequence[Pixels]) -> dict[str, RoundedOutput]:
    """Rounds every layer's output, starting from the ranges on the crops."""
    seen: dict[str, tuple[float, float]] = {}

    def look(name: str, output: Tensor) -> None:
        low, high = seen.get(name, (0.0, 0.0))
        seen[name] = min(low, output.min().item()), max(high, output.max().item())

    layers = dict(_layers(network))
    hooks = [
        layer.register_forward_hook(lambda _layer, _inputs, output, name=name: look(name, output))
        for name, layer in layers.items()
    ]
    with torch.no_grad():
        for crop in crops:
            network(torch.from_numpy(crop))
    for hook in hooks:
        hook.remove()
    rounding = {name: RoundedOutput(*seen[name]) for name in layers}
    for name, layer in layers.items():
        layer.register_forward_hook(lambda _layer, _inputs, output, name=name: rounding[name](output))
    return rounding


def _round_weights(network: nn.Module) -> None:
    for _, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            axis = 1 if isinstance(module, nn.ConvTranspose2d) else 0
            parametrize.register_parametrization(module, "weight", RoundedWeight(axis))


def _without_rounding(network: nn.Module) -> nn.Module:
    for module in network.modules():
        module._forward_hooks.clear()
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
    return network.eval()


def _batches(crops: Sequence[Pixels], epochs: int, rng: np.random.Generator) -> Iterator[Tensor]:
    """All crops once per epoch in random order, cropped to the smallest, rotated and mirrored."""
    side_px = min(min(crop.shape[2:]) for crop in crops)
    for _ in range(epochs):
        order = rng.permutation(len(crops))
        for start in range(0, len(order), BATCH):
            chosen = [crops[place][:, :, :side_px, :side_px] for place in order[start : start + BATCH]]
            turned = np.rot90(np.concatenate(chosen), int(rng.integers(4)), (2, 3))
            yield torch.from_numpy(np.ascontiguousarray(turned[..., :: int(rng.choice((-1, 1)))]))
