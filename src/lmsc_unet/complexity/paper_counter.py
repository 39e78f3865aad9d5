"""Multiply-accumulates as the paper's tool counts them: the convention of ptflops 0.7.0.

It charges every OUTPUT element of a convolution with `kernel height * kernel width * input channels / groups`,
and one for a bias; a batch norm with two for each element, an activation and a pooling with one. For a
transposed convolution of stride 2 that is four times too much: each of its output elements sees one tap of the
2x2 kernel. What is no layer (an addition, a concatenation) costs nothing.
"""

from math import prod

from torch import Tensor, nn


def paper_macs(layer: nn.Module, x: Tensor, y: Tensor) -> int:
    """What one layer that turned `x` into `y` costs by the paper's counter."""
    match layer:
        case nn.Conv2d() | nn.ConvTranspose2d():
            taps = prod(layer.kernel_size) * layer.in_channels // layer.groups
            return y.numel() * (taps + (layer.bias is not None))
        case nn.BatchNorm2d():
            return x.numel() * (2 if layer.affine else 1)
        case nn.ReLU() | nn.ReLU6():
            return y.numel()
        case nn.MaxPool2d():
            return x.numel()
        case _:
            return 0
