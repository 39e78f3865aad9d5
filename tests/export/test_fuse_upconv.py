"""A transposed convolution merged into the convolution after it is the same network, but for the image's border."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from lmsc_unet.catalog import CATALOG
from lmsc_unet.models import build_model
from lmsc_unet.quantization.fuse_upconv import compose_kernels, fuse_upconv

BORDER_PX = 30
"""How far from the border a logit still depends on what lies beyond it."""


def lively(name: str) -> nn.Module:
    """A network of a quarter of the width, whose batch norms and biases do something."""
    torch.manual_seed(3)
    config = CATALOG[name]
    network = build_model(replace(config, widths=tuple(width // 4 for width in config.widths))).eval()
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                assert part.running_mean is not None
                assert part.running_var is not None
                part.running_mean.uniform_(-0.2, 0.2)
                part.running_var.uniform_(0.5, 2)
                part.bias.uniform_(-0.2, 0.2)
            if isinstance(part, nn.ConvTranspose2d):
                assert part.bias is not None
                part.bias.uniform_(-0.5, 0.5)
    return network


def test_two_convolutions_are_one_of_4x4() -> None:
    torch.manual_seed(0)
    grow, conv = torch.randn(6, 4, 2, 2).double(), torch.randn(5, 4, 3, 3).double()
    pixels = torch.randn(2, 6, 7, 9).double()
    both = nn.functional.conv2d(nn.functional.conv_transpose2d(pixels, grow, stride=2), conv, padding=1)
    one = nn.functional.conv_transpose2d(pixels, compose_kernels(grow, conv), stride=2, padding=1)
    torch.testing.assert_close(one, both)


@pytest.mark.parametrize("name", ["lmsc-unet", "lmsc-unet-plain", "unet"])
@torch.no_grad()
def test_a_merged_network_gives_the_same_logits_away_from_the_border(name: str) -> None:
    network = lively(name)
    merged = fuse_upconv(network)
    pixels = torch.randn(1, 3, 96, 112)
    before, after = network(pixels), merged(pixels)
    inside = slice(BORDER_PX, -BORDER_PX)
    scale = float(before.abs().max())
    if name != "unet":  # whose logits see all of such an image
        torch.testing.assert_close(after[..., inside, inside], before[..., inside, inside], rtol=0, atol=1e-5 * scale)
    assert not any(part.kernel_size == (2, 2) for part in merged.modules() if isinstance(part, nn.ConvTranspose2d))


@pytest.mark.parametrize("name", ["lmsc-unet", "unet"])
@torch.no_grad()
def test_without_biases_of_growing_the_border_is_the_same_too(name: str) -> None:
    network = lively(name)
    for part in network.modules():
        if isinstance(part, nn.ConvTranspose2d):
            assert part.bias is not None
            part.bias.zero_()
    pixels = torch.randn(1, 3, 64, 48)
    expected = network(pixels)
    torch.testing.assert_close(fuse_upconv(network)(pixels), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))
