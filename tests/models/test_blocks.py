"""The boxes of the paper's figures, each on its own."""

from typing import get_type_hints

import jaxtyping
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from torch import Tensor, nn

from lmsc_unet.catalog import side_multiple_px
from lmsc_unet.models import BRB, MBB, DoubleConv, LMSCUNet, UNet, Up, build_model

from .configs import CONFIGS

SCOPE = {"Float": jaxtyping.Float, "Tensor": Tensor}


@pytest.fixture
def checked_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shapes in the signatures, checked at each call; jaxtyping and beartype are here for the tests alone."""
    for block in (DoubleConv, MBB, BRB, Up, UNet, LMSCUNet):
        hints = get_type_hints(block.forward, localns=SCOPE)
        monkeypatch.setattr(block.forward, "__annotations__", hints)
        monkeypatch.setattr(block, "forward", jaxtyped(block.forward, typechecker=beartype))


@pytest.mark.usefixtures("checked_shapes")
@pytest.mark.parametrize("name", [name for name in CONFIGS if name != "unet"])
def test_every_block_keeps_the_shapes_of_its_signature(name: str) -> None:
    config = CONFIGS[name]
    multiple = side_multiple_px(config)
    build_model(config).eval()(torch.zeros(2, config.input_channels, 2 * multiple, 3 * multiple))


@pytest.mark.usefixtures("checked_shapes")
@pytest.mark.parametrize(
    ("x", "skip"),
    [
        ((1, 4, 8, 8), (1, 2, 8, 8)),  # the skip has the sides of x, not twice those
        ((1, 4, 8, 8), (2, 2, 16, 16)),  # another batch
        ((4, 8, 8), (2, 16, 16)),  # no batch
    ],
)
def test_the_check_of_shapes_bites(x: tuple[int, ...], skip: tuple[int, ...]) -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        Up(4, 2)(torch.zeros(x), torch.zeros(skip))


@pytest.mark.parametrize(
    ("in_channels", "out_channels", "is_residual"),
    [
        (6, 6, True),  # the channels agree: MobileNetV2's rule
        (6, 12, False),  # the first block of a level
    ],
)
def test_an_mbb_adds_its_input_where_the_channels_agree(in_channels: int, out_channels: int, is_residual: bool) -> None:
    block = MBB(in_channels, out_channels)
    nn.init.zeros_(block.narrow.get_submodule("norm").weight)
    x = torch.randn(2, in_channels, 4, 4)
    expected = x if is_residual else torch.zeros(2, out_channels, 4, 4)
    assert torch.equal(block(x), expected)


def test_an_mbb_ends_without_activation() -> None:
    torch.manual_seed(0)
    assert MBB(3, 5)(torch.randn(2, 3, 8, 8)).min() < 0


def test_relu6_bounds_what_an_mbb_filters() -> None:
    torch.manual_seed(0)
    x = 100 * torch.randn(1, 3, 8, 8)
    bounded, free = MBB(3, 5, activation="relu6").eval(), MBB(3, 5, activation="relu").eval()
    assert bounded.widen(x).max() == 6
    assert free.widen(x).max() > 6


def test_a_brb_with_identity_shortcut_adds_its_input_and_ends_with_relu() -> None:
    block = BRB(8, shortcut="identity")
    nn.init.zeros_(block.widen.get_submodule("norm").weight)
    x = torch.randn(2, 8, 4, 4)
    assert torch.equal(block(x), x.relu())


def test_a_brb_with_projection_adds_a_1x1_convolution_of_its_input() -> None:
    block = BRB(8).eval()
    nn.init.zeros_(block.widen.get_submodule("norm").weight)
    x = torch.randn(2, 8, 4, 4)
    conv = block.get_submodule("shortcut.conv")
    assert conv.kernel_size == (1, 1)
    torch.testing.assert_close(block(x), (conv(x) / (1 + 1e-5) ** 0.5).relu())


def test_up_doubles_the_sides_and_merges_the_skip() -> None:
    up = Up(6, 4)
    x, skip = torch.randn(2, 6, 3, 5), torch.randn(2, 4, 6, 10)
    assert up(x, skip).shape == (2, 4, 6, 10)
    assert not torch.equal(up(x, skip), up(x, torch.zeros_like(skip)))


@pytest.mark.parametrize("name", ["lmsc-unet-123", "unet"])
def test_every_convolution_is_he_initialised(name: str) -> None:
    torch.manual_seed(0)
    for layer in build_model(CONFIGS[name]).modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            fan_in = layer.weight[0].numel()
            if layer.weight.numel() > 5000:
                assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)
            assert layer.bias is None or not layer.bias.any()


def test_the_same_seed_gives_the_same_weights() -> None:
    def weights() -> dict[str, Tensor]:
        torch.manual_seed(3)
        return build_model(CONFIGS["lmsc-unet"]).state_dict()

    for (name, one), other in zip(weights().items(), weights().values(), strict=True):
        assert torch.equal(one, other), name
