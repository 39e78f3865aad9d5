"""The configs that every model test runs on: the catalog, and one of each option that the catalog leaves alone."""

from lmsc_unet.catalog import CATALOG, FastLMSCUNetConfig, LMSCUNetConfig, ModelConfig, UNetConfig

OPTIONS: dict[str, ModelConfig] = {
    "one channel, five classes": LMSCUNetConfig(widths=(8, 12, 16), input_channels=1, num_classes=5),
    "repeated MBBs, ReLU6": LMSCUNetConfig(widths=(8, 12, 16), repeats=2, activation="relu6"),
    "identity shortcuts, expansion 6": LMSCUNetConfig(widths=(8, 8, 8), shortcut="identity", expansion=6),
    "a stem of 1, MBBs and BRBs everywhere": FastLMSCUNetConfig(
        widths=(8, 12, 16),
        stem_px=1,
        convs=(2, 1, 3),
        mbb_levels=frozenset({1, 2, 3}),
        expansion=3,
        brb_levels=frozenset({1, 2}),
        shortcut="projection",
    ),
    "a stem of 3, two channels, four classes": FastLMSCUNetConfig(
        widths=(8, 8),
        stem_px=3,
        convs=(1, 2),
        mbb_levels=frozenset(),
        brb_levels=frozenset(),
        input_channels=2,
        num_classes=4,
    ),
    "three levels, seven channels": UNetConfig(widths=(5, 9, 9), input_channels=7, num_classes=2),
}

CONFIGS: dict[str, ModelConfig] = dict(CATALOG) | OPTIONS
