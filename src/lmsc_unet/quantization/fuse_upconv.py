"""A transposed convolution and the 3x3 convolution after it as one, which is the same sum with fewer products.

Nothing stands between the two in a U-Net but the concatenation, and a convolution of a concatenation is a sum of two.
So the part of the 3x3 convolution that reads what has grown becomes one 4x4 transposed convolution of stride 2: for C
channels after growing, 32 C^2 products for each pixel below instead of 8 C^2 + 36 C^2. OpenVINO runs that in 8 bits,
and skips need no second scale for the concatenation. ONNX Runtime has no 8-bit transposed convolution and is slower so.

One thing differs: the bias of the transposed convolution goes on beyond the image's border, where there was zero.
"""

import torch
from torch import Tensor, nn

from lmsc_unet.models.blocks import DoubleConv, Up
from lmsc_unet.quantization.fold_batch_norm import fold


class MergedUp(nn.Module):
    """`Up`, its batch norms folded, without the map that its transposed convolution makes."""

    def __init__(self, up: Up) -> None:
        super().__init__()
        merge = up.get_submodule("merge")
        first = merge.get_submodule("first")
        assert isinstance(merge, DoubleConv)
        conv = first.get_submodule("conv")
        assert isinstance(conv, nn.Conv2d)
        assert conv.bias is not None
        assert up.grow.bias is not None
        channels = up.grow.out_channels
        weight = conv.weight.detach().double()
        of_skip, of_grown = weight[:, :-channels], weight[:, -channels:]
        self.skip = nn.Conv2d(of_skip.shape[1], conv.out_channels, 3, padding=1)
        assert self.skip.bias is not None
        self.grow = nn.ConvTranspose2d(up.grow.in_channels, conv.out_channels, 4, stride=2, padding=1, bias=False)
        self.act = first.get_submodule("act")
        self.second = merge.second
        with torch.no_grad():
            self.skip.weight.copy_(of_skip)
            self.skip.bias.copy_(conv.bias + of_grown.sum((2, 3)) @ up.grow.bias.double())
            self.grow.weight.copy_(composed(up.grow.weight.double(), of_grown))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Grows `x` to the sides of `skip` and merges the two."""
        y: Tensor = self.second(self.act(self.skip(skip) + self.grow(x)))
        return y


def merge_growing(network: nn.Module) -> nn.Module:
    """A copy of a network in evaluation mode, its batch norms folded, in which every `Up` is a `MergedUp`."""
    merged = fold(network)
    for name, module in list(merged.named_modules()):
        if isinstance(module, Up):
            merged.set_submodule(name, MergedUp(module))
    return merged


def composed(grow: Tensor, conv: Tensor) -> Tensor:
    """A 2x2 transposed convolution of stride 2 and the 3x3 convolution after it as one of 4x4, stride 2 and padding 1.

    Args:
        grow: weights "I M 2 2" of the first, from I channels to M.
        conv: weights "O M 3 3" of the second.

    Returns:
        Weights "I O 4 4".
    """
    whole = grow.new_zeros(len(grow), len(conv), 4, 4)
    for row in range(2):
        for column in range(2):
            # a pixel at (row, column) is read by the taps around it: each tap adds to the pixel that it is read for
            spread = torch.einsum("im,omyx->ioyx", grow[:, :, row, column], conv.flip(2, 3))
            whole[:, :, row : row + 3, column : column + 3] += spread
    return whole
