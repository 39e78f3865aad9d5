"""Fuses a transposed convolution and the following 3x3 convolution: the same result with fewer products.

Batch norms are folded first, which leaves fewer operators and no unused biases.
"""

import copy
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from lmsc_unet.models.blocks import DoubleConv, Up


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode with batch norms folded into the convolutions, computed in double precision."""
    folded = copy.deepcopy(network).double().eval()
    for parent in folded.modules():
        if isinstance(parent, nn.Sequential):
            _fold_sequence(parent)
    return folded.float()


def _fold_sequence(sequence: nn.Sequential) -> None:
    """Folds each batch norm after a convolution; an identity remains, so that weights keep their names."""
    names = list(sequence._modules)
    for first, second in pairwise(names):
        conv, norm = sequence.get_submodule(first), sequence.get_submodule(second)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            sequence.set_submodule(first, fuse_conv_bn_eval(conv, norm))
            sequence.set_submodule(second, nn.Identity())


class FusedUp(nn.Module):
    """`Up` with folded batch norms, without the intermediate map of its transposed convolution."""

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
            self.grow.weight.copy_(compose_kernels(up.grow.weight.double(), of_grown))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Upsamples `x` to the sides of `skip` and merges the two."""
        y: Tensor = self.second(self.act(self.skip(skip) + self.grow(x)))
        return y


def fuse_upconv(network: nn.Module) -> nn.Module:
    """A copy of a network in evaluation mode with folded batch norms and every `Up` replaced by a `FusedUp`."""
    merged = fold_batch_norm(network)
    for name, module in list(merged.named_modules()):
        if isinstance(module, Up):
            merged.set_submodule(name, FusedUp(module))
    return merged


def compose_kernels(grow: Tensor, conv: Tensor) -> Tensor:
    """Composes a 2x2 transposed convolution (stride 2) and a 3x3 convolution to a 4x4 one (stride 2, padding 1).

    Args:
        grow: weights "I M 2 2" of the first, from I channels to M.
        conv: weights "O M 3 3" of the second.

    Returns:
        Weights "I O 4 4".
    """
    whole = grow.new_zeros(len(grow), len(conv), 4, 4)
    for row in range(2):
        for column in range(2):
            # a tap that reads a pixel at (row, column) contributes to the output pixel around which it lies
            spread = torch.einsum("im,omyx->ioyx", grow[:, :, row, column], conv.flip(2, 3))
            whole[:, :, row : row + 3, column : column + 3] += spread
    return whole
