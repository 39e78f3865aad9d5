"""The standard U-Net, the paper's baseline."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import Tensor, nn

from lmsc_unet.catalog import UNetConfig, side_multiple_px
from lmsc_unet.models.blocks import DoubleConv, Up, check_sides, initialise_he
from lmsc_unet.models.pretrained import Pretrained

if TYPE_CHECKING:
    from jaxtyping import Float


class UNet(Pretrained):
    """The standard U-Net (Ronneberger et al. 2015), with padded convolutions and batch norm."""

    CONFIG = UNetConfig

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config)
        self.side_multiple_px = side_multiple_px(config)
        *levels, last = pairwise((config.input_channels, *config.widths))
        self.encoder = nn.ModuleList(DoubleConv(above, here) for above, here in levels)
        self.pool = nn.MaxPool2d(2)
        self.bottleneck = DoubleConv(*last)
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
        for level in self.encoder:
            x = level(x)
            skips.append(x)
            x = self.pool(x)

        x = self.bottleneck(x)

        for up in self.decoder:
            x = up(x, skips.pop())
        return self.head(x)
