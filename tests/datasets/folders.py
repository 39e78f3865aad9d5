"""Datasets of tiny pictures in any layout, each image with bytes of its own."""

from pathlib import Path

import numpy as np
from PIL import Image

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def write_image(path: Path, seed: int | str = 0, size=(6, 8), channels=3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(list(str(seed).encode()))
    pixels = rng.integers(0, 256, (*size, channels), dtype=np.uint8)
    Image.fromarray(pixels if channels > 1 else pixels[..., 0]).save(path)
    return path


def write_mask(path: Path, values=(0, 255), size=(6, 8), dtype=np.uint8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.resize(np.array(values, dtype), size)).save(path)
    return path


def write_pair(root: Path, name: str, *, images="images", masks="masks", values=(0, 255), size=(6, 8)) -> None:
    write_image(root / images / f"{name}.png", seed=name, size=size)
    write_mask(root / masks / f"{name}.png", values=values, size=size)


def write_dataset(root: Path, names=("a", "b", "c", "d"), **options) -> Path:
    for name in names:
        write_pair(root, name, **options)
    return root
