"""Networks of other packages, by name, trained and scored in the same harness and from random weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import nn

from lmsc_unet.config import from_mapping
from lmsc_unet.errors import ModelError
from lmsc_unet.prediction.spec import ModelSpec
from lmsc_unet.training.checkpoint import read_checkpoint

PREFIX = "network."


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
    is_elsewhere: bool = False
    """Whether it lives in the environment that `make peers` builds."""


def build_peer(name: str, spec: ModelSpec) -> nn.Module:
    """A peer with the spec's channels and logits, its weights as its package draws them.

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
    return make(**{inputs: spec.input_channels, logits: spec.num_logits}, **peer.arguments)


def load_peer(path: Path, name: str) -> tuple[nn.Module, ModelSpec]:
    """A trained peer in evaluation mode, and how it wants its images.

    Raises:
        ModelError: the checkpoint is missing or damaged, or the peer's package is not installed here.
    """
    checkpoint = read_checkpoint(path)
    spec = from_mapping(ModelSpec, checkpoint["lmsc"]["spec"], str(path))
    network = build_peer(name, spec)
    state = checkpoint["state_dict"]
    network.load_state_dict({key.removeprefix(PREFIX): value for key, value in state.items() if key.startswith(PREFIX)})
    return network.eval(), spec


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
        "monai-unet": _monai("UNet", "UNet", 16, **_SIZES),
        "monai-attention-unet": _monai("AttentionUnet", "AttentionUnet", 16, **_SIZES),
        "monai-flexible-unet": Peer(
            title="MONAI FlexibleUNet, efficientnet-b0",
            maker="monai.networks.nets:FlexibleUNet",
            channels=("in_channels", "out_channels"),
            arguments={"backbone": "efficientnet-b0", "pretrained": False, "spatial_dims": 2},
        ),
    }
)
"""Name -> network. None starts from ImageNet weights, so that all start alike."""
