"""A peer as a PyTorch network, built by its own package.

Nothing here imports Lightning, which takes torchvision with it where that is installed.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import torch
from torch import library, nn

from lmsc_unet.errors import ModelError
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.reproduction.peers import PEERS

UNBUILT = ("nms", "qnms")
"""Operators that torchvision expects and its builds for GPUs do not bring to a PyTorch for processors."""


def build_peer(name: str, spec: ModelSpec) -> nn.Module:
    """A peer with the spec's channels and logits, its weights as its package draws them.

    The momentum of batch normalisation is the package's own, but where `Peer.norm_momentum` says otherwise.

    Raises:
        ModelError: its package is not installed here.
    """
    peer = PEERS[name]
    package, function = peer.maker.split(":")
    try:
        make: Callable[..., nn.Module] = getattr(import_module(package), function)
    except ImportError as error:
        raise ModelError(f"{name}: {package} cannot be imported ({error}). Run `make peers`.") from error
    inputs, logits = peer.channels
    network = make(**{inputs: spec.input_channels, logits: spec.num_logits}, **peer.arguments)
    if peer.norm_momentum is not None:
        for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
            norm.momentum = peer.norm_momentum
    return network


def declare_torchvision() -> None:
    """Lets torchvision be imported beside a PyTorch for processors; before the first import of it.

    The operators are only declared: whoever calls them gets an error. No network here does.
    """
    if find_spec("torchvision") is None or torch.version.cuda is not None:
        return
    fragment = library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in UNBUILT:
        fragment.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    _KEPT.append(fragment)


_KEPT: list[library.Library] = []
"""A declaration lives as long as its library."""
