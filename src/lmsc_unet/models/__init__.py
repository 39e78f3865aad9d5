"""The networks in PyTorch, built from a config of the catalog."""

from torch import nn

from lmsc_unet.catalog import FastLMSCUNetConfig, LMSCUNetConfig, ModelConfig, UNetConfig
from lmsc_unet.models.blocks import BRB, MBB, DoubleConv, Up
from lmsc_unet.models.fast_lmsc_unet import FastLMSCUNet
from lmsc_unet.models.lmsc_unet import LMSCUNet
from lmsc_unet.models.onnx_weights import restore_norms
from lmsc_unet.models.unet import UNet

__all__ = ["BRB", "MBB", "DoubleConv", "FastLMSCUNet", "LMSCUNet", "UNet", "Up", "build_model", "restore_norms"]


def build_model(config: ModelConfig) -> nn.Module:
    """Builds the He-initialised network of a config; seed torch before for reproducible weights."""
    match config:
        case UNetConfig():
            return UNet(config)
        case LMSCUNetConfig():
            return LMSCUNet(config)
        case FastLMSCUNetConfig():
            return FastLMSCUNet(config)
