"""The recipes by name, as differences from the defaults of `TrainConfig`."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lmsc_unet.signals.settings import SETTINGS_FILE

RECIPES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "strong": {},
        # Stained tissue of laboratories that the training never saw: more changes of scale, stain and contrast than one
        # laboratory shows, and a longer average of the weights.
        "tissue": {
            "batch": 16,
            "ema_decay": 0.998,
            "loss": {"gamma": 0.0, "dice_per_image": True},
            "optimizer": {"learning_rate": 4e-3, "weight_decay": 0.02, "warmup_share": 0.02, "clip_norm": 2.0},
            "augment": {
                "zoom": 0.1,
                "scale_jitter": 1.75,
                "stain_probability": 0.8,
                "stain_strength": 0.3,
                "stain_direction": 0.06,
                "grey_probability": 0.12,
                "channel_shift": 0.06,
                "invert_probability": 0.1,
                "intensity_probability": 0.5,
            },
        },
        # Scenes seen from the side, with many classes of which some are rare: upright, at many scales, in large crops.
        "street": {
            "batch": 8,
            "size_px": 320,
            "ema_decay": 0.998,
            "input": {"scale": 1.0},
            "loss": {"class_balance": 0.5},
            "optimizer": {"warmup_share": 0.02, "clip_norm": 2.0},
            "augment": {
                "vertical_flip": False,
                "rotate_deg": 5.0,
                "zoom": 0.1,
                "scale_jitter": 2.0,
                "stain_probability": 0.0,
                "channel_shift": 0.04,
                "intensity_probability": 0.4,
            },
        },
        # The paper, section 3.2: He initialisation, Adam, batch 32, rate 0.01 decayed by 0.1, 200 epochs,
        # 256 x 256 by linear interpolation, no augmentation. Not stated and chosen here: decay is a factor after
        # each third of the epochs, intensities go to 0..1 by depth, no weight decay, no weight averaging.
        "paper": {
            "epochs": 200,
            "batch": 32,
            "ema_decay": 0.0,
            "input": {"treatment": "resize", "scaling": "range", "mean": [0.0], "std": [1.0]},
            "optimizer": {
                "name": "adam",
                "learning_rate": 0.01,
                "weight_decay": 0.0,
                "schedule": "step",
                "decay": 0.1,
                "warmup_share": 0.0,
                "clip_norm": 0.0,
            },
            "augment": {
                "flip_probability": 0.0,
                "affine_probability": 0.0,
                "stain_probability": 0.0,
                "intensity_probability": 0.0,
            },
        },
    }
)


RECORDINGS: Mapping[str, Any] = MappingProxyType(
    {
        # Grey values are dB above the noise floor, so intensities must not be stretched; time and frequency may be
        # mirrored but not exchanged, and there are no stains.
        "input": {"scaling": "range", "channels": 1},
        "augment": {"affine_probability": 0.0, "stain_probability": 0.0, "intensity_probability": 0.0},
    }
)
"""The differences for spectrograms, with any recipe."""

FINE_TUNING: Mapping[str, Any] = MappingProxyType({"optimizer": {"learning_rate": 1e-3}})
"""The differences for fine-tuning: at 3e-3 the first steps destroy learned weights."""


def layout_settings(data: Path) -> Mapping[str, Any]:
    """The settings for the data in a folder: those for spectrograms, or none."""
    from lmsc_unet.datasets.folder import layout_of

    if not data.is_dir():
        return {}
    return RECORDINGS if (data / SETTINGS_FILE).is_file() or layout_of(data) == "sigmf" else {}


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merges nested mappings; later ones win."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
                result[key] = merged(result[key], value)
            else:
                result[key] = value
    return result
