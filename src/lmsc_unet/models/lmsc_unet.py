"""LMSC-UNet: a small U-Net with MobileNetV2 blocks in the encoder and refined skips (paper, figure 1)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import Tensor, nn

from lmsc_unet.catalog import LMSCUNetConfig, side_multiple_px
from lmsc_unet.models.blocks import BRB, MBB, DoubleConv, Up, check_sides, initialise_he
from lmsc_unet.models.pretrained import Pretrained

if TYPE_CHECKING:
    from jaxtyping import Float


class LMSCUNet(Pretrained):
    """LMSC-UNet (Sawant et al. 2025, section 2).

    The first level is the standard U-Net's, the others and the bottleneck are MBBs. Selected skips pass through a BRB.
    The decoder is the standard U-Net's.
    """

    CONFIG = LMSCUNetConfig

    def __init__(self, config: LMSCUNetConfig) -> None:
        super().__init__(config)
        self.side_multiple_px = side_multiple_px(config)
        *levels, last = pairwise(config.widths)
        stem = DoubleConv(config.input_channels, config.widths[0])
        self.encoder = nn.ModuleList([stem, *(_mbbs(above, here, config) for above, here in levels)])
        self.skips = nn.ModuleList(_skip(level, width, config) for level, width in enumerate(config.widths[:-1], 1))
        self.pool = nn.MaxPool2d(2)
        self.bottleneck = _mbbs(*last, config)
        self.decoder = nn.ModuleList(Up(below, here) for below, here in pairwise(reversed(config.widths)))
        self.head = nn.Conv2d(config.widths[0], config.num_classes, kernel_size=1)
        initialise_he(self)

    def forward(self, image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K H W"]:
        """The logits of a batch of images.

        Raises:
            SizeError: a side is not a multiple of 2 to the number of poolings.
        """
        check_sides(image, self.side_multiple_px)

        x, skips = image, []
        for level, refine in zip(self.encoder, self.skips, strict=True):
            x = level(x)
            skips.append(refine(x))
            x = self.pool(x)

        x = self.bottleneck(x)

        for up in self.decoder:
            x = up(x, skips.pop())
        return self.head(x)


def _mbbs(in_channels: int, out_channels: int, config: LMSCUNetConfig) -> nn.Sequential:
    """The MBBs of one level: the first changes the channels, the others are residual."""
    inputs = (in_channels, *[out_channels] * (config.repeats - 1))
    return nn.Sequential(
        *(MBB(c, out_channels, expansion=config.expansion, activation=config.activation) for c in inputs)
    )


def _skip(level: int, channels: int, config: LMSCUNetConfig) -> nn.Module:
    """The block on a level's skip."""
    if level in config.brb_levels:
        return BRB(channels, reduction=config.reduction, shortcut=config.shortcut)
    return nn.Identity()
