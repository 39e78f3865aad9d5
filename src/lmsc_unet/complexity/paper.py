"""The paper's costs of its networks (Sawant et al. 2025, Tables 1 and 3), and its tool's counting convention.

The convention is that of ptflops 0.7.0: see docs/network.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType

from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class PrintedCost:
    """One network's values; None if the paper gives none."""

    parameters_m: float | None = None
    """Millions of parameters."""
    macs_g: float | None = None
    """Billions of MACs for one image of 3 x 256 x 256 and two classes, counted by ptflops."""
    size_mb: float | None = None
    """Size in memory; the paper's MB are MiB."""
    inference_ms: float | None = None
    """Milliseconds per image, on hardware that the paper does not name."""


PRINTED: Mapping[str, PrintedCost] = MappingProxyType(
    {
        "unet": PrintedCost(parameters_m=31, macs_g=54.76, size_mb=118, inference_ms=6.8),
        "lmsc-unet-plain": PrintedCost(parameters_m=0.9, macs_g=8.1, size_mb=3.45, inference_ms=2.4),
        # Table 1 rounds to 0.9 M what Table 3 gives as 0.91 M.
        "lmsc-unet": PrintedCost(parameters_m=0.91, macs_g=8.2, size_mb=3.46, inference_ms=2.4),
        "lmsc-unet-1": PrintedCost(parameters_m=0.9, macs_g=8.2),
        "lmsc-unet-3": PrintedCost(parameters_m=0.93, macs_g=8.25),
        "lmsc-unet-12": PrintedCost(parameters_m=0.91, macs_g=8.4),
        "lmsc-unet-23": PrintedCost(parameters_m=0.94, macs_g=8.4),
        "lmsc-unet-123": PrintedCost(parameters_m=0.95, macs_g=8.5),
    }
)
"""The values by catalog name."""


def paper_macs(layer: nn.Module, x: Tensor, y: Tensor) -> int:
    """The cost of one layer from `x` to `y` by the paper's counter."""
    match layer:
        case nn.Conv2d() | nn.ConvTranspose2d():
            taps = prod(layer.kernel_size) * layer.in_channels // layer.groups
            return y.numel() * (taps + (layer.bias is not None))
        case nn.BatchNorm2d():
            return x.numel() * (2 if layer.affine else 1)
        case nn.ReLU() | nn.ReLU6() | nn.Upsample():
            return y.numel()
        case nn.MaxPool2d():
            return x.numel()
        case _:
            return 0
