"""A small data set and a small training, for tests that must be quick."""

from pathlib import Path

import cv2
import numpy as np

from lmsc_unet.cli.main import main
from lmsc_unet.config import from_mapping
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.recipes import merged

SMALL = {
    "epochs": 3,
    "batch": 2,
    "size_px": 32,
    "precision": "32",
    "network": {"widths": [4, 8, 8, 8]},
}
FLAGS = ("--epochs=2", "--batch=2", "--size-px=32", "--precision=32", "--network.widths=[4, 8, 8, 8]")
"""The same for the command line, with two epochs."""


def small_config(**changes: object) -> TrainConfig:
    """Three epochs of a tiny LMSC-UNet on crops of 32 px, in float32."""
    return from_mapping(TrainConfig, merged(SMALL, changes), "test")


def write_discs(folder: Path, count: int = 6, side_px: int = 40, channels: int = 3, seed: int = 0) -> Path:
    """Bright discs on a dark noisy ground, `images/` and `masks/` (0/255), all different."""
    rng = np.random.default_rng(seed)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        mask = np.zeros((side_px, side_px), np.uint8)
        for _ in range(3):
            cv2.circle(mask, [int(v) for v in rng.integers(6, side_px - 6, 2)], int(rng.integers(3, 7)), 255, -1)
        ground = rng.integers(0, 60, (side_px, side_px, channels))
        image = np.where(mask[..., None] > 0, 150 + ground, ground).astype(np.uint8)
        cv2.imwrite(str(folder / "images" / f"{number}.png"), image)
        cv2.imwrite(str(folder / "masks" / f"{number}.png"), mask)
    return folder


def lmsc_train(data: Path, out: Path, *flags: str) -> int:
    """`lmsc train` with the small settings, but for those that `flags` give."""
    return main(["train", str(data), "--out", str(out), *train_flags(*flags)])


def train_flags(*flags: str) -> tuple[str, ...]:
    """The small flags with some replaced, as `--epochs=1`."""
    names = {flag.split("=")[0] for flag in flags}
    return *(flag for flag in FLAGS if flag.split("=")[0] not in names), *flags
