"""The counters against other counters: ptflops itself, arithmetic, and networks counted by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ptflops import get_model_complexity_info
from torch import Tensor, nn

from lmsc_unet.catalog import CATALOG, FastLMSCUNetConfig, LMSCUNetConfig, ModelConfig, UNetConfig, model_config
from lmsc_unet.complexity.arithmetic import num_parameters
from lmsc_unet.complexity.counting import count
from lmsc_unet.complexity.paper import paper_macs
from lmsc_unet.errors import ConfigError, SizeError
from lmsc_unet.models import build_model


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    widths = tuple(draw(st.lists(st.integers(4, 12), min_size=2, max_size=4)))
    ends = {"input_channels": draw(st.integers(1, 5)), "num_classes": draw(st.integers(1, 5))}
    kind = draw(st.sampled_from(["unet", "fast", "lmsc"]))
    if kind == "unet":
        return UNetConfig(widths=widths, **ends)
    if kind == "fast":
        return FastLMSCUNetConfig(
            widths=widths,
            stem_px=draw(st.sampled_from([1, 2, 4])),
            convs=tuple(draw(st.integers(1, 3)) for _ in widths),
            mbb_levels=draw(st.frozensets(st.integers(1, len(widths)))),
            expansion=draw(st.integers(1, 6)),
            brb_levels=draw(st.frozensets(st.integers(1, len(widths) - 1))),
            reduction=draw(st.integers(1, 4)),
            shortcut=draw(st.sampled_from(["projection", "identity"])),
            **ends,
        )
    return LMSCUNetConfig(
        widths=widths,
        expansion=draw(st.integers(1, 6)),
        repeats=draw(st.integers(1, 3)),
        brb_levels=draw(st.frozensets(st.integers(1, len(widths) - 1))),
        reduction=draw(st.integers(1, 4)),
        shortcut=draw(st.sampled_from(["projection", "identity"])),
        **ends,
    )


@pytest.mark.parametrize("name", CATALOG)
def test_the_papers_counter_is_ptflops(name: str) -> None:
    config = model_config(name, num_classes=2)
    with torch.device("meta"):
        model = build_model(config)
    macs, parameters = get_model_complexity_info(
        model, (3, 64, 96), as_strings=False, print_per_layer_stat=False, verbose=False
    )
    cost = count(config, height_px=64, width_px=96)
    assert (cost.macs_paper, cost.parameters) == (macs, parameters)


@settings(max_examples=25)
@given(configs())
def test_the_arithmetic_agrees_with_the_built_network(config: ModelConfig) -> None:
    assert num_parameters(config) == count(config, height_px=32, width_px=32).parameters


@pytest.mark.parametrize(
    ("layer", "channels", "expected"),
    [
        (nn.Conv2d(3, 5, 3, padding=1), 3, 16 * 5 * (9 * 3 + 1)),  # 4 x 4 outputs of 27 taps and a bias
        (nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False), 6, 16 * 6 * 9),  # depthwise
        (nn.ConvTranspose2d(4, 2, 2, stride=2, bias=False), 4, 64 * 2 * 4 * 4),  # four times what it takes
        (nn.BatchNorm2d(3), 3, 16 * 3 * 2),  # scale and shift
        (nn.BatchNorm2d(3, affine=False), 3, 16 * 3),
        (nn.ReLU(), 3, 16 * 3),
        (nn.ReLU6(), 3, 16 * 3),
        (nn.MaxPool2d(2), 3, 16 * 3),  # by its input
        (nn.Upsample(scale_factor=2), 3, 64 * 3),
        (nn.Dropout(), 3, 0),  # not in the tool's list
    ],
)
def test_what_the_papers_counter_charges(layer: nn.Module, channels: int, expected: int) -> None:
    x: Tensor = torch.zeros(1, channels, 4, 4)
    assert paper_macs(layer, x, layer(x)) == expected


def test_exact_macs_of_a_network_counted_by_hand() -> None:
    """A U-Net of two levels, 2 and 4 channels, on one channel of 4 x 6 px."""
    config = UNetConfig(widths=(2, 4), input_channels=1)
    down = 24 * 9 * (1 * 2 + 2 * 2)
    bottom = 6 * 9 * (2 * 4 + 4 * 4)
    up = 24 * (4 * 2) + 24 * 9 * (4 * 2 + 2 * 2)  # a pixel sees one tap of the 2x2 kernel
    head = 24 * 2
    assert count(config, height_px=4, width_px=6).macs_exact == down + bottom + up + head


def test_the_layers_add_up_to_the_whole() -> None:
    cost = count(model_config("lmsc-unet-123"))
    assert sum(layer.parameters for layer in cost.layers) == cost.parameters
    assert sum(layer.macs_exact for layer in cost.layers) == cost.macs_exact
    assert sum(layer.macs_paper for layer in cost.layers) == cost.macs_paper
    assert cost.layers[0].name == "encoder.0.first.conv"
    assert cost.layers[-1].output_shape == (1, 256, 256)
    assert sum(layer.name == "pool" for layer in cost.layers) == 3  # it runs once a level


def test_macs_grow_with_the_area() -> None:
    small, large = (count(CATALOG["lmsc-unet"], height_px=64, width_px=width) for width in (64, 128))
    assert (large.macs_exact, large.macs_paper) == (2 * small.macs_exact, 2 * small.macs_paper)


def test_sides_that_the_network_does_not_take() -> None:
    with pytest.raises(SizeError, match="Pad it to 104 x 104 px"):
        count(CATALOG["lmsc-unet"], height_px=100, width_px=100)
    with pytest.raises(ConfigError, match="0 x 8 px; both sides must be at least 1 px"):
        count(CATALOG["lmsc-unet"], height_px=0, width_px=8)
