"""The boxes of the paper's figures, one class each: DoubleConv, MBB, BRB and Up; initialisation and side check.

The paper uses He initialisation everywhere (section 3.2; He et al. 2015).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from lmsc_unet.errors import SizeError

if TYPE_CHECKING:
    from jaxtyping import Float

    from lmsc_unet.catalog import Activation, Shortcut


def check_sides(image: Tensor, multiple_px: int) -> None:
    """Rejects an image whose sides are not divisible by all poolings.

    `torch.compile` and `torch.export` keep only the condition that the sides are multiples.

    Raises:
        SizeError: a side is not a multiple of `multiple_px`; the message gives the size to pad to.
    """
    height_px, width_px = image.shape[-2:]
    if height_px % multiple_px or width_px % multiple_px:
        raise SizeError(
            f"The image is {height_px} x {width_px} px (height x width), and this network takes sides that are "
            f"multiples of {multiple_px}. Pad it to {_next_multiple(height_px, multiple_px)} x "
            f"{_next_multiple(width_px, multiple_px)} px."
        )


def _next_multiple(side_px: int, multiple_px: int) -> int:
    return -(-side_px // multiple_px) * multiple_px


def initialise_he(model: nn.Module) -> None:
    """Draws convolution weights from a normal distribution with deviation sqrt(2 / fan_in); biases are 0."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


ACTIVATIONS: dict[Activation, type[nn.ReLU | nn.ReLU6]] = {"relu": nn.ReLU, "relu6": nn.ReLU6}


def conv_norm(
    in_channels: int, out_channels: int, side_px: int, *, stride_px: int = 1, groups: int = 1, bias: bool = False
) -> nn.Sequential:
    """A convolution with batch norm, padded so that only the stride changes the size."""
    padding = (side_px - stride_px + 1) // 2
    conv = nn.Conv2d(in_channels, out_channels, side_px, stride_px, padding, groups=groups, bias=bias)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(out_channels)))


def conv_norm_act(
    in_channels: int,
    out_channels: int,
    side_px: int,
    *,
    stride_px: int = 1,
    groups: int = 1,
    bias: bool = False,
    activation: Activation = "relu",
) -> nn.Sequential:
    """A convolution with batch norm and activation, padded so that only the stride changes the size."""
    block = conv_norm(in_channels, out_channels, side_px, stride_px=stride_px, groups=groups, bias=bias)
    block.add_module("act", ACTIVATIONS[activation](inplace=True))
    return block


class DoubleConv(nn.Module):
    """Two 3x3 convolutions with batch norm and ReLU: the standard U-Net's box, and LMSC-UNet's first level.

    Biases have no effect before a batch norm. They are kept because the paper's counts include them; an export folds
    them.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = conv_norm_act(in_channels, out_channels, 3, bias=True)
        self.second = conv_norm_act(out_channels, out_channels, 3, bias=True)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        """Runs both convolutions."""
        return self.second(self.first(x))


class MBB(nn.Module):
    """The MobileNetV2 building block (paper, figure 2; Sandler et al. 2019).

    A 1x1 convolution expands, a 3x3 depthwise convolution filters, a 1x1 convolution without activation projects. The
    input is added if the channels are equal, as in MobileNetV2.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, expansion: int = 2, activation: Activation = "relu"
    ) -> None:
        super().__init__()
        wide = expansion * in_channels
        self.widen = conv_norm_act(in_channels, wide, 1, activation=activation)
        self.filter = conv_norm_act(wide, wide, 3, groups=wide, activation=activation)
        self.narrow = conv_norm(wide, out_channels, 1)
        self.is_residual = in_channels == out_channels

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D H W"]:
        """Expands, filters, projects, and adds the input if it fits."""
        y = self.narrow(self.filter(self.widen(x)))
        return x + y if self.is_residual else y


class BRB(nn.Module):
    """The bottleneck residual block on a skip (paper, figure 3; He et al. 2016).

    A 1x1 convolution reduces, a 3x3 convolution filters, a 1x1 convolution expands. Added to it is a 1x1 projection of
    the input, or the input itself (`shortcut="identity"`).
    """

    def __init__(self, channels: int, *, reduction: int = 4, shortcut: Shortcut = "projection") -> None:
        super().__init__()
        few = channels // reduction
        self.narrow = conv_norm_act(channels, few, 1)
        self.filter = conv_norm_act(few, few, 3)
        self.widen = conv_norm(few, channels, 1)
        self.shortcut = conv_norm(channels, channels, 1) if shortcut == "projection" else nn.Identity()
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        """Reduces, filters, expands, and adds the shortcut."""
        y = self.widen(self.filter(self.narrow(x)))
        return self.act(y + self.shortcut(x))


class Up(nn.Module):
    """One level up, as in the standard U-Net: upsampling, concatenation with the skip, a double convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.grow = nn.ConvTranspose2d(in_channels, out_channels, kernel_size=2, stride=2)
        self.merge = DoubleConv(2 * out_channels, out_channels)

    def forward(self, x: Float[Tensor, "B C H W"], skip: Float[Tensor, "B D 2*H 2*W"]) -> Float[Tensor, "B D 2*H 2*W"]:
        """Upsamples `x` to the sides of `skip` and merges the two."""
        return self.merge(torch.cat([skip, self.grow(x)], dim=1))
