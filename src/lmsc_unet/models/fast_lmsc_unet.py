"""The fast family: LMSC-UNet's blocks behind a strided stem, with additive skips (docs/network.md).

In INT8 on a processor, dense 3x3 convolutions at a half or a quarter of the resolution are cheap; full-resolution
layers, concatenations and transposed convolutions are not. So there are none.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import Tensor, nn

from lmsc_unet.catalog import FastLMSCUNetConfig, side_multiple_px
from lmsc_unet.models.blocks import BRB, MBB, check_sides, conv_norm_act, initialise_he
from lmsc_unet.models.pretrained import Pretrained

if TYPE_CHECKING:
    from jaxtyping import Float


class AddUp(nn.Module):
    """One level up: a 1x1 convolution, upsampling, addition of the skip, a 3x3 convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.narrow = conv_norm_act(in_channels, out_channels, 1)
        self.grow = nn.Upsample(scale_factor=2, mode="nearest")
        self.merge = conv_norm_act(out_channels, out_channels, 3)

    def forward(self, x: Float[Tensor, "B C H W"], skip: Float[Tensor, "B D 2*H 2*W"]) -> Float[Tensor, "B D 2*H 2*W"]:
        """Upsamples `x` to the sides of `skip` and merges the two."""
        return self.merge(self.grow(self.narrow(x)) + skip)


class FastLMSCUNet(Pretrained):
    """A member of the fast family, from `lmsc-unet-m` to `lmsc-unet-n`.

    The stem is one strided convolution, the same as a 3x3 convolution after `nn.PixelUnshuffle(stem_px)`. The head
    computes the logits of stem_px x stem_px pixels at once, and `nn.PixelShuffle` spreads them.
    """

    CONFIG = FastLMSCUNetConfig

    def __init__(self, config: FastLMSCUNetConfig) -> None:
        super().__init__(config)
        self.side_multiple_px = side_multiple_px(config)
        self.encoder = nn.ModuleList(_level(level, config) for level in range(1, len(config.widths) + 1))
        self.skips = nn.ModuleList(_skip(level, width, config) for level, width in enumerate(config.widths[:-1], 1))
        self.pool = nn.MaxPool2d(2)
        self.decoder = nn.ModuleList(AddUp(below, here) for below, here in pairwise(reversed(config.widths)))
        self.head = nn.Conv2d(config.widths[0], config.num_classes * config.stem_px**2, kernel_size=1)
        self.spread = nn.PixelShuffle(config.stem_px)
        initialise_he(self)

    def forward(self, image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K H W"]:
        """The logits of a batch of images.

        Raises:
            SizeError: a side is not a multiple of the stem's stride times 2 to the number of poolings.
        """
        check_sides(image, self.side_multiple_px)

        *levels, bottom = self.encoder
        x, skips = image, []
        for level, refine in zip(levels, self.skips, strict=True):
            x = level(x)
            skips.append(refine(x))
            x = self.pool(x)

        x = bottom(x)

        for up in self.decoder:
            x = up(x, skips.pop())
        return self.spread(self.head(x))


def _level(level: int, config: FastLMSCUNetConfig) -> nn.Sequential:
    """The convolutions of one level; the first changes the channels, and is strided in the stem."""
    here = config.widths[level - 1]
    first = _stem(config) if level == 1 else conv_norm_act(config.widths[level - 2], here, 3)
    repeats = range(config.convs[level - 1] - 1)
    if level in config.mbb_levels:
        return nn.Sequential(first, *(MBB(here, here, expansion=config.expansion) for _ in repeats))
    return nn.Sequential(first, *(conv_norm_act(here, here, 3) for _ in repeats))


def _stem(config: FastLMSCUNetConfig) -> nn.Sequential:
    return conv_norm_act(config.input_channels, config.widths[0], 3 * config.stem_px, stride_px=config.stem_px)


def _skip(level: int, channels: int, config: FastLMSCUNetConfig) -> nn.Module:
    """The block on a level's skip."""
    if level in config.brb_levels:
        return BRB(channels, reduction=config.reduction, shortcut=config.shortcut)
    return nn.Identity()
