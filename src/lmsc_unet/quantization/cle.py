"""Cross-layer equalization: scales channels between two layers without changing the network's float32 output.

In 8 bits a tensor has one scale, so channels with small values lose precision beside large ones. ReLU is linear above
0, so a factor divided out of a channel can be multiplied into the next layer (Nagel et al. 2019). The factor balances
the channel's values against the weights that read it (SmoothQuant, Xiao et al. 2023).
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from lmsc_unet.models.blocks import BRB, MBB, DoubleConv
from lmsc_unet.quantization.calibration import Pixels

PAIRS = {
    DoubleConv: (("first", "second"),),
    MBB: (("widen", "filter"), ("filter", "narrow")),
    BRB: (("narrow", "filter"), ("filter", "widen")),
}
"""Block -> its layers whose output feeds exactly one other layer."""


def equalize_cross_layer(network: nn.Module, crops: Sequence[Pixels]) -> None:
    """Scales the channels of a network with folded batch norms, in place."""
    loudest: dict[nn.Module, Tensor] = {}

    def listen(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found = output.amax((0, 2, 3))
        loudest[layer] = torch.maximum(loudest.get(layer, found), found)

    pairs = list(_pairs(network))
    hooks = [before.register_forward_hook(listen) for before, _ in pairs]
    with torch.no_grad():
        for crop in crops:
            network(torch.from_numpy(crop))
        for hook in hooks:
            hook.remove()
        for before, after in pairs:
            _scale(before.get_submodule("conv"), after.get_submodule("conv"), loudest[before])


def _pairs(network: nn.Module) -> Iterator[tuple[nn.Module, nn.Module]]:
    for module in network.modules():
        for first, second in PAIRS.get(type(module), ()):
            before, after = module.get_submodule(first), module.get_submodule(second)
            if isinstance(before.get_submodule("act"), nn.ReLU):
                yield before, after


def _scale(before: nn.Module, after: nn.Module, loudest: Tensor) -> None:
    assert isinstance(before, nn.Conv2d)
    assert isinstance(after, nn.Conv2d)
    is_by_channel = after.groups > 1
    read = after.weight.abs().amax((1, 2, 3) if is_by_channel else (0, 2, 3))
    share = (loudest.clamp_min(1e-6) / read.clamp_min(1e-6)).sqrt()
    share = torch.where(loudest > 0, share, torch.ones_like(share))
    before.weight /= share[:, None, None, None]
    if before.bias is not None:
        before.bias /= share
    after.weight *= share[:, None, None, None] if is_by_channel else share[None, :, None, None]
