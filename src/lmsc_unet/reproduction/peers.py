"""Networks of other packages by name, trained from random weights and scored like LMSC-UNet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

import torch
from torch import library, nn

from lmsc_unet.errors import ModelError
from lmsc_unet.inference.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Peer:
    """How to make a network of another package."""

    title: str
    """Its row's title."""
    maker: str
    """`package:function`."""
    channels: tuple[str, str]
    """The function's argument names for input channels and logits."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Other arguments."""
    multiple_px: int = 32
    """Both sides of its input must be multiples of this."""
    norm_momentum: float | None = None
    """Replaces the package's batch-norm momentum if that is too slow for a short training."""
    is_elsewhere: bool = False
    """Whether it needs the environment built by `make peers`."""


def _smp(architecture: str, encoder: str) -> Peer:
    return Peer(
        title=f"smp {architecture}, {encoder}",
        maker=f"segmentation_models_pytorch:{architecture}",
        channels=("in_channels", "classes"),
        arguments={"encoder_name": encoder, "encoder_weights": None},
        is_elsewhere=True,
    )


def _monai(title: str, network: str, multiple_px: int, **arguments: Any) -> Peer:
    return Peer(
        title=f"MONAI {title}",
        maker=f"monai.networks.nets:{network}",
        channels=("in_channels", "out_channels"),
        arguments={"spatial_dims": 2, **arguments},
        multiple_px=multiple_px,
    )


_SIZES = {"channels": (16, 32, 64, 128, 256), "strides": (2, 2, 2, 2)}
PEERS: Mapping[str, Peer] = MappingProxyType(
    {
        **{
            f"smp-{architecture.lower()}-{encoder}": _smp(architecture, encoder)
            for architecture in ("Unet", "Linknet", "DeepLabV3Plus")
            for encoder in ("mobilenet_v2", "timm-mobilenetv3_small_100")
        },
        "monai-basic-unet": _monai("BasicUNet", "BasicUNet", 16),
        "monai-unet": _monai("UNet, 2 residual units", "UNet", 16, num_res_units=2, **_SIZES),
        "monai-attention-unet": _monai("AttentionUnet", "AttentionUnet", 16, **_SIZES),
        "monai-flexible-unet": Peer(
            title="MONAI FlexibleUNet, efficientnet-b0",
            maker="monai.networks.nets:FlexibleUNet",
            channels=("in_channels", "out_channels"),
            arguments={"backbone": "efficientnet-b0", "pretrained": False, "spatial_dims": 2},
            norm_momentum=0.1,  # its own 0.01 adapts only two thirds of the statistics in 100 steps
        ),
    }
)
"""Name -> network. None uses ImageNet weights, so that all start equal."""


UNBUILT = ("nms", "qnms")
"""Operators that torchvision expects but its GPU builds do not provide for a CPU build of PyTorch."""


def build_peer(name: str, spec: ModelSpec) -> nn.Module:
    """A peer with the spec's channels and logits, initialised by its package.

    The batch-norm momentum is the package's own unless `Peer.norm_momentum` replaces it.

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
    network = make(**{inputs: spec.input_channels, logits: spec.num_outputs}, **peer.arguments)
    if peer.norm_momentum is not None:
        for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
            norm.momentum = peer.norm_momentum
    return network


def declare_torchvision() -> None:
    """Allows importing torchvision beside a CPU build of PyTorch; call it before the first import.

    The operators are only declared: calling one is an error. No network here does.
    """
    if find_spec("torchvision") is None or torch.version.cuda is not None:
        return
    fragment = library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in UNBUILT:
        fragment.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    _KEPT.append(fragment)


_KEPT: list[library.Library] = []
"""Keeps the declarations alive."""
