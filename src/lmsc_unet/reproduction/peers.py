"""Networks of other packages, by name, to be trained and scored in the same harness and from random weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Peer:
    """What makes a network of another package."""

    title: str
    """What its row is called."""
    maker: str
    """`package:function`."""
    channels: tuple[str, str]
    """What the function calls the input's channels and the logits."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What else it is given."""
    multiple_px: int = 32
    """Both sides of its input must be multiples of it."""
    norm_momentum: float | None = None
    """Replaces the package's momentum of batch normalisation, where that follows too slowly for a short training."""
    is_elsewhere: bool = False
    """Whether it lives in the environment that `make peers` builds."""


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
            norm_momentum=0.1,  # its own 0.01 knows two thirds of the statistics after 100 steps, and marks nothing
        ),
    }
)
"""Name -> network. None starts from ImageNet weights, so that all start alike."""
