"""The receptive field against the built networks: nothing beyond it changes a logit, and nothing less would do."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lmsc_unet.catalog import (
    CATALOG,
    FastLMSCUNetConfig,
    LMSCUNetConfig,
    ModelConfig,
    UNetConfig,
    halo_px,
    receptive_field_radius_px,
    side_multiple_px,
)
from lmsc_unet.models import build_model

SMALL: dict[str, ModelConfig] = {
    "U-Net as deep as the paper's": UNetConfig(widths=(2, 2, 2, 2, 2)),
    "LMSC-UNet as deep as the paper's": LMSCUNetConfig(widths=(4, 4, 4, 4), brb_levels=frozenset({1, 2, 3})),
    "lmsc-unet-m, narrow": FastLMSCUNetConfig(widths=(4, 4, 4, 4, 4)),
}


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    widths = (4,) * draw(st.integers(2, 5))
    kind = draw(st.sampled_from(["unet", "lmsc", "fast"]))
    if kind == "unet":
        return UNetConfig(widths=widths)
    levels = draw(st.frozensets(st.integers(1, len(widths) - 1)))
    if kind == "fast":
        return FastLMSCUNetConfig(
            widths=widths,
            stem_px=draw(st.integers(1, 4)),
            convs=tuple(draw(st.integers(1, 3)) for _ in widths),
            mbb_levels=draw(st.frozensets(st.integers(1, len(widths)))),
            brb_levels=levels,
        )
    return LMSCUNetConfig(widths=widths, repeats=draw(st.integers(1, 3)), brb_levels=levels)


@pytest.mark.parametrize("config", SMALL.values(), ids=SMALL)
def test_pixels_farther_than_the_margin_do_not_change_a_logit(config: ModelConfig) -> None:
    torch.manual_seed(0)
    model = build_model(config).eval()
    multiple, margin = side_multiple_px(config), receptive_field_radius_px(config)
    side = 2 * (margin // multiple + 2) * multiple
    image = torch.randn(1, 3, multiple, side)
    with torch.no_grad():
        before = model(image)
        for column in range(side // 2, side // 2 + multiple):
            changed = torch.randn_like(image)
            kept = slice(column - margin, column + margin + 1)
            changed[..., kept] = image[..., kept]
            torch.testing.assert_close(model(changed)[..., column], before[..., column], rtol=0, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(configs())
def test_the_margin_is_the_farthest_that_any_logit_reaches(config: ModelConfig) -> None:
    assert farthest_reach_px(config) == receptive_field_radius_px(config)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("unet", 107), ("lmsc-unet", 37), ("lmsc-unet-123", 37), ("lmsc-unet-m", 179), ("lmsc-unet-s", 155)],
)
def test_margins_of_the_catalog(name: str, expected: int) -> None:
    assert receptive_field_radius_px(CATALOG[name]) == expected


@settings(max_examples=15, deadline=None)
@given(configs())
def test_the_grid_margin_is_what_a_cut_on_the_grid_changes(config: ModelConfig) -> None:
    assert reach_over_the_grid_px(config) == halo_px(config) <= receptive_field_radius_px(config)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("unet", 94), ("lmsc-unet", 30), ("lmsc-unet-123", 30), ("lmsc-unet-m", 158), ("lmsc-unet-n", 60)],
)
def test_grid_margins_of_the_catalog(name: str, expected: int) -> None:
    assert halo_px(CATALOG[name]) == expected


def reach_over_the_grid_px(config: ModelConfig) -> int:
    """How many columns on either side of the middle, which lies on the grid, depend on the other side."""
    model = all_positive(build_model(config))
    multiple = side_multiple_px(config)
    half = (receptive_field_radius_px(config) // multiple + 2) * multiple
    image = torch.full((1, 3, multiple, 2 * half), 0.1, dtype=torch.float64)
    farthest = 0
    for other in (slice(0, half), slice(half, 2 * half)):
        changed = image.clone()
        changed[..., other] = 0.2
        with torch.no_grad():
            differs = (model(changed) - model(image)).abs().amax(dim=(0, 1, 2)) > 0
        differs[other] = False
        farthest = max(farthest, int(differs.sum()))
    return farthest


def farthest_reach_px(config: ModelConfig) -> int:
    """Perturbs by gradient: with positive weights and mean pooling every dependence shows and none cancels."""
    model = all_positive(build_model(config))
    multiple = side_multiple_px(config)
    side = 2 * (receptive_field_radius_px(config) // multiple + 2) * multiple
    image = torch.full((multiple, 3, multiple, side), 0.1, dtype=torch.float64, requires_grad=True)
    logits = model(image)
    columns = [side // 2 + offset for offset in range(multiple)]
    sum(logits[row, ..., column].sum() for row, column in enumerate(columns)).backward()
    assert image.grad is not None
    depends = image.grad.abs().sum(dim=(1, 2)) > 0
    return max(int((torch.nonzero(depends[row]) - column).abs().max()) for row, column in enumerate(columns))


def all_positive(model: nn.Module) -> nn.Module:
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.constant_(layer.weight, 1 / layer.weight[0].numel())
    model.pool = nn.AvgPool2d(2)
    return model.double().eval()
