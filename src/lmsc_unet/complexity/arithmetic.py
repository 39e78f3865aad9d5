"""Computes a config's number of parameters without building the network (and without PyTorch).

An independent derivation of the built networks' parameters, shown at once by `lmsc models`.
"""

from itertools import pairwise

from lmsc_unet.catalog import FastLMSCUNetConfig, LMSCUNetConfig, ModelConfig, UNetConfig


def num_parameters(config: ModelConfig) -> int:
    """The trainable parameters of a network."""
    match config:
        case UNetConfig():
            encoder = sum(_double_conv(above, here) for above, here in pairwise(config.widths))
        case LMSCUNetConfig():
            encoder = sum(_mbbs(above, here, config) for above, here in pairwise(config.widths)) + _brbs(config)
        case FastLMSCUNetConfig():
            return _fast(config)
    first = config.widths[0]
    decoder = sum(_up(below, here) for here, below in pairwise(config.widths))
    return _double_conv(config.input_channels, first) + encoder + decoder + (first + 1) * config.num_classes


def _fast(config: FastLMSCUNetConfig) -> int:
    pixels, inputs = config.stem_px**2, (config.input_channels * config.stem_px**2, *config.widths)
    encoder = sum(_conv_norm(9 * above * here, here) for above, here in pairwise(inputs))
    for level, (width, convs) in enumerate(zip(config.widths, config.convs, strict=True), 1):
        is_mbb = level in config.mbb_levels
        block = _mbb(width, width, config.expansion) if is_mbb else _conv_norm(9 * width * width, width)
        encoder += (convs - 1) * block
    ups = pairwise(config.widths)
    decoder = sum(_conv_norm(below * here, here) + _conv_norm(9 * here * here, here) for here, below in ups)
    return encoder + _brbs(config) + decoder + (config.widths[0] + 1) * config.num_classes * pixels


def _brbs(config: LMSCUNetConfig | FastLMSCUNetConfig) -> int:
    return sum(_brb(config.widths[level - 1], config) for level in config.brb_levels)


def _conv_norm(weights: int, out_channels: int) -> int:
    """A convolution without bias, with the scale and shift of its batch norm."""
    return weights + 2 * out_channels


def _double_conv(in_channels: int, out_channels: int) -> int:
    first = _conv_norm(9 * in_channels * out_channels, out_channels)
    second = _conv_norm(9 * out_channels * out_channels, out_channels)
    return first + second + 2 * out_channels  # plus two biases


def _mbbs(in_channels: int, out_channels: int, config: LMSCUNetConfig) -> int:
    repeated = (config.repeats - 1) * _mbb(out_channels, out_channels, config.expansion)
    return _mbb(in_channels, out_channels, config.expansion) + repeated


def _mbb(in_channels: int, out_channels: int, expansion: int) -> int:
    wide = expansion * in_channels
    widen, filtering = _conv_norm(in_channels * wide, wide), _conv_norm(9 * wide, wide)
    return widen + filtering + _conv_norm(wide * out_channels, out_channels)


def _brb(channels: int, config: LMSCUNetConfig | FastLMSCUNetConfig) -> int:
    few = channels // config.reduction
    narrow, filtering = _conv_norm(channels * few, few), _conv_norm(9 * few * few, few)
    projection = _conv_norm(channels * channels, channels) if config.shortcut == "projection" else 0
    return narrow + filtering + _conv_norm(few * channels, channels) + projection


def _up(in_channels: int, out_channels: int) -> int:
    grow = (4 * in_channels + 1) * out_channels
    return grow + _double_conv(2 * out_channels, out_channels)
