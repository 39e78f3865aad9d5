"""All models by name: one line for each row of the paper's tables, and the fast family.

A catalog entry is a frozen config. To add a variant, add a line: tests, command line, complexity report and
export pick it up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

from lmsc_unet.core.ranges import MOST_CHANNELS, MOST_CLASSES, check_range, shown
from lmsc_unet.errors import ConfigError

Shortcut = Literal["projection", "identity"]
Activation = Literal["relu", "relu6"]


MOST_LEVELS = 11
"""Ten poolings: sides must then be multiples of 1024 px."""


def _check_common(config: "ModelConfig") -> None:
    if not 2 <= len(config.widths) <= MOST_LEVELS or min(config.widths) < 1:
        raise ConfigError(
            f"widths is {shown(config.widths)}; it must be 2 to {MOST_LEVELS} levels of at least one channel each."
        )
    check_range(config, 1, 4096, "widths")
    check_range(config, 1, MOST_CHANNELS, "input_channels")
    check_range(config, 1, MOST_CLASSES, "num_classes")


def _check_brbs(config: "LMSCUNetConfig | FastLMSCUNetConfig") -> None:
    num_skips = len(config.widths) - 1
    if not config.brb_levels <= set(range(1, num_skips + 1)):
        raise ConfigError(
            f"brb_levels is {sorted(config.brb_levels)}, but the network has the skips 1 to {num_skips}. "
            "Name levels among these; 1 is the finest."
        )
    for level in config.brb_levels:
        if config.widths[level - 1] < config.reduction:
            raise ConfigError(
                f"reduction is {config.reduction}, but level {level} has {config.widths[level - 1]} channels and its "
                "BRB needs at least one after the reduction. Reduce less or widen the level."
            )


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}; it must be one of {', '.join(choices)}.")


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """The standard U-Net, the paper's baseline (Ronneberger et al. 2015)."""

    widths: tuple[int, ...] = (64, 128, 256, 512, 1024)
    """Channels of each level from the finest to the bottleneck."""
    input_channels: int = 3
    """Channels of the input image."""
    num_classes: int = 1
    """Logits per pixel; 1 means binary segmentation."""

    def __post_init__(self) -> None:
        _check_common(self)


@dataclass(frozen=True, kw_only=True)
class LMSCUNetConfig:
    """LMSC-UNet (Sawant et al. 2025, section 2): MBBs in the encoder, BRBs on chosen skips."""

    widths: tuple[int, ...] = (32, 64, 128, 256)
    """Channels of each level from the finest to the bottleneck."""
    expansion: int = 2
    """Expansion factor of an MBB. MobileNetV2's 6 does not fit the paper's tables."""
    repeats: int = 1
    """MBBs per level; the second and later ones have MobileNetV2's residual connection."""
    brb_levels: frozenset[int] = frozenset({2})
    """Skips refined by a BRB; 1 is the finest. The paper keeps {2} (Table 3)."""
    reduction: int = 4
    """Reduction factor of a BRB."""
    shortcut: Shortcut = "projection"
    """The residual path of a BRB: a 1x1 convolution of its input, or the input itself."""
    activation: Activation = "relu"
    """The activation inside the MBBs: the paper says ReLU, MobileNetV2 uses ReLU6."""
    input_channels: int = 3
    """Channels of the input image."""
    num_classes: int = 1
    """Logits per pixel; 1 means binary segmentation."""

    def __post_init__(self) -> None:
        _check_common(self)
        check_range(self, 1, 64, "expansion", "repeats")
        check_range(self, 1, 4096, "reduction")
        _check_brbs(self)
        _check_choice("shortcut", self.shortcut, ("projection", "identity"))
        _check_choice("activation", self.activation, ("relu", "relu6"))


@dataclass(frozen=True, kw_only=True)
class FastLMSCUNetConfig:
    """A member of the fast family: LMSC-UNet's blocks behind a strided stem, with additive skips (docs/network.md).

    Nothing runs at full resolution but the stem's input and the output: in INT8 such a network is several times as fast
    as LMSC-UNet with as many parameters, and its receptive field is several times as large.
    """

    widths: tuple[int, ...] = (32, 64, 96, 128, 160)
    """Channels of each level from the finest to the bottleneck."""
    stem_px: int = 2
    """Stride of the stem: the first level has 1 / stem_px of the image's resolution."""
    convs: tuple[int, ...] = (1, 1, 2, 2, 2)
    """3x3 convolutions of each level of the encoder; the stem counts as the first of level 1."""
    mbb_levels: frozenset[int] = frozenset({5})
    """Levels whose second and later convolutions are MBBs; 1 is the finest."""
    expansion: int = 2
    """Expansion factor of an MBB."""
    brb_levels: frozenset[int] = frozenset({2})
    """Skips refined by a BRB; 1 is the finest."""
    reduction: int = 4
    """Reduction factor of a BRB."""
    shortcut: Shortcut = "identity"
    """The residual path of a BRB: the input itself, or a 1x1 convolution of it."""
    input_channels: int = 3
    """Channels of the input image."""
    num_classes: int = 1
    """Logits per pixel; 1 means binary segmentation."""

    def __post_init__(self) -> None:
        _check_common(self)
        check_range(self, 1, 8, "stem_px")
        check_range(self, 1, 16, "convs")
        check_range(self, 1, 64, "expansion")
        check_range(self, 1, 4096, "reduction")
        levels = len(self.widths)
        if len(self.convs) != levels:
            raise ConfigError(
                f"convs is {shown(self.convs)} and widths is {shown(self.widths)}; give a number of convolutions for "
                "each level."
            )
        if not self.mbb_levels <= set(range(1, levels + 1)):
            raise ConfigError(f"mbb_levels is {sorted(self.mbb_levels)}; name levels from 1, the finest, to {levels}.")
        _check_brbs(self)
        _check_choice("shortcut", self.shortcut, ("projection", "identity"))


ModelConfig = UNetConfig | LMSCUNetConfig | FastLMSCUNetConfig

CATALOG: Mapping[str, ModelConfig] = MappingProxyType(
    {
        "unet": UNetConfig(),
        "lmsc-unet-plain": LMSCUNetConfig(brb_levels=frozenset()),
        "lmsc-unet": LMSCUNetConfig(),
        "lmsc-unet-1": LMSCUNetConfig(brb_levels=frozenset({1})),
        "lmsc-unet-3": LMSCUNetConfig(brb_levels=frozenset({3})),
        "lmsc-unet-12": LMSCUNetConfig(brb_levels=frozenset({1, 2})),
        "lmsc-unet-23": LMSCUNetConfig(brb_levels=frozenset({2, 3})),
        "lmsc-unet-123": LMSCUNetConfig(brb_levels=frozenset({1, 2, 3})),
        "lmsc-unet-m": FastLMSCUNetConfig(),
        "lmsc-unet-s": FastLMSCUNetConfig(widths=(16, 32, 64, 96, 128), convs=(1, 1, 1, 1, 2)),
        "lmsc-unet-n": FastLMSCUNetConfig(
            stem_px=4, widths=(24, 48, 96), convs=(1, 1, 2), mbb_levels=frozenset({3}), brb_levels=frozenset({1})
        ),
    }
)


def model_config(name: str, *, input_channels: int | None = None, num_classes: int | None = None) -> ModelConfig:
    """Looks up a model by name and replaces its channels or classes if given.

    Raises:
        ConfigError: there is no model of that name; the message suggests the nearest.
    """
    if name not in CATALOG:
        near = get_close_matches(name, CATALOG, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"There is no model {name!r}.{hint} The models are {', '.join(CATALOG)}.")
    config = CATALOG[name]
    if input_channels is not None:
        config = replace(config, input_channels=input_channels)
    if num_classes is not None:
        config = replace(config, num_classes=num_classes)
    return config


def side_multiple_px(config: ModelConfig) -> int:
    """Both sides of an input must be multiples of this number: the stem's stride, and a factor 2 for each pooling."""
    return int(stem_px(config) * 2 ** (len(config.widths) - 1))


def stem_px(config: ModelConfig) -> int:
    """The stride of the first layer: 1 for the paper's networks."""
    return config.stem_px if isinstance(config, FastLMSCUNetConfig) else 1


def receptive_field_radius_px(config: ModelConfig) -> int:
    """The receptive-field radius: pixels farther away cannot change a pixel's logits."""
    reaches = [(column, *_reach(config, column)) for column in range(side_multiple_px(config))]
    return max(max(column - first, last - column) for column, first, last in reaches)


def halo_px(config: ModelConfig) -> int:
    """The number of columns that depend on pixels beyond a border, where the border lies on the pooling grid.

    It is less than `receptive_field_radius_px`: the columns with the longest reach do not start at such a border.
    """
    step = side_multiple_px(config)
    margin = 0
    for column in range(step):
        first, last = _reach(config, column)
        farthest_right = column + step * (-(first // step) - 1)  # the last congruent column that reaches below 0
        farthest_left = column - step * (last // step)  # the first congruent column that reaches 0 from below
        margin = max(margin, farthest_right + 1, -farthest_left)
    return margin


def _reach(config: ModelConfig, column: int) -> tuple[int, int]:
    """The first and the last input column that a column's logits depend on.

    The path through the bottleneck has the longest reach; it is traced back interval by interval. A skip reaches less:
    its BRB adds one pixel, the path through the level below at least two.
    """
    stem, (*levels, bottom), up = stem_px(config), _encoder_reaches(config), _decoder_reach(config)
    first = last = column // stem
    for _ in levels:  # up: convolutions, then the upsampling that doubled the column
        first, last = (first - up) // 2, (last + up) // 2
    first, last = first - bottom, last + bottom
    for reach in reversed(levels):  # down: the two pooled columns, then convolutions
        first, last = 2 * first - reach, 2 * last + 1 + reach
    return stem * first, stem * last + stem - 1


def _encoder_reaches(config: ModelConfig) -> tuple[int, ...]:
    """The columns to either side that the 3x3 convolutions of each level reach, from the finest to the bottleneck."""
    match config:
        case UNetConfig():
            return (2,) * len(config.widths)
        case LMSCUNetConfig():
            return (2, *(config.repeats,) * (len(config.widths) - 1))
        case FastLMSCUNetConfig():
            return config.convs


def _decoder_reach(config: ModelConfig) -> int:
    """The same for each level of the decoder: a double convolution, or a single one."""
    return 1 if isinstance(config, FastLMSCUNetConfig) else 2
