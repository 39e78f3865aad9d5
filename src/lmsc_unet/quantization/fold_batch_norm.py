"""Batch norm folded into the convolution before it: the same network with fewer steps and no dead biases."""

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose convolutions carry their batch norm; computed in double precision."""
    folded = copy.deepcopy(network).double().eval()
    for parent in folded.modules():
        if isinstance(parent, nn.Sequential):
            _fold_sequence(parent)
    return folded.float()


def _fold_sequence(sequence: nn.Sequential) -> None:
    """Folds each batch norm that follows a convolution; its place is kept, so that weights keep their names."""
    names = list(sequence._modules)
    for first, second in pairwise(names):
        conv, norm = sequence.get_submodule(first), sequence.get_submodule(second)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            sequence.set_submodule(first, fuse_conv_bn_eval(conv, norm))
            sequence.set_submodule(second, nn.Identity())
