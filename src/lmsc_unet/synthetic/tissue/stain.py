"""Haematoxylin and eosin: the amount of dye per pixel, and the resulting colour.

Dyes absorb by the Beer-Lambert law, so their amounts add in optical density (Ruifrok and Johnston 2001; mean vectors
are theirs with a pinker eosin).
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lmsc_unet.synthetic.tissue.nucleus import Map, blur, enlarge, sample

_HAEMATOXYLIN = (0.65, 0.70, 0.29)
_EOSIN = (0.09, 0.95, 0.28)


@dataclass(frozen=True, kw_only=True)
class Stain:
    """One laboratory's stain: its dyes, their strength, its lamp and camera."""

    haematoxylin: NDArray[np.float32]
    """Optical density per unit of haematoxylin in R, G, B."""
    eosin: NDArray[np.float32]
    """Optical density per unit of eosin in R, G, B."""
    glass: NDArray[np.float32]
    """R, G, B without tissue."""
    blur_px: float
    """Standard deviation of the optical blur."""
    noise: float
    """Standard deviation of the camera's noise, relative to 255."""


def random_stain(rng: Generator) -> Stain:
    """Draws a stain with the variation between laboratories: hue, strength, lamp, focus."""
    return Stain(
        haematoxylin=_tilted(_HAEMATOXYLIN, rng) * np.float32(rng.uniform(0.75, 1.25)),
        eosin=_tilted(_EOSIN, rng) * np.float32(rng.uniform(0.55, 1.1)),
        glass=(rng.uniform(0.78, 1.0) * rng.uniform((238, 234, 236), (250, 248, 252))).astype(np.float32),
        blur_px=rng.uniform(0.6, 1.1),
        noise=rng.uniform(1.5, 4.0),
    )


def develop(haematoxylin: Map, eosin: Map, stain: Stain, rng: Generator) -> NDArray[np.uint8]:
    """The image `H W 3` of two dye maps `H W`."""
    density = haematoxylin[..., None] * stain.haematoxylin + eosin[..., None] * stain.eosin
    light = stain.glass * np.exp(-density)
    light = blur(light, stain.blur_px, stain.blur_px)
    light += np.float32(stain.noise) * rng.standard_normal(light.shape, dtype=np.float32)
    return np.asarray(np.clip(np.rint(light), 0, 255), dtype=np.uint8)


def smooth_noise(rng: Generator, size_px: int, scale_px: float) -> Map:
    """Noise `size_px` x `size_px` with mean 0 and deviation 1, and spots about `scale_px` wide."""
    cells = max(int(np.ceil(size_px / scale_px)) + 3, 4)
    coarse = rng.standard_normal((cells, cells), dtype=np.float32)
    noise = enlarge(coarse, scale_px, int(scale_px), size_px)
    return np.asarray((noise - noise.mean()) / (noise.std() + 1e-6), dtype=np.float32)


def stroma(rng: Generator, size_px: int) -> Map:
    """Eosin of connective tissue: wavy fibre bundles, loose and dense, with gaps."""
    fibres = _fibres(rng, size_px)
    loose = smooth_noise(rng, size_px, size_px / rng.uniform(2, 5))
    amount = 0.42 + 0.12 * loose + rng.uniform(0.02, 0.11) * fibres
    amount += 0.05 * smooth_noise(rng, size_px, 12) + 0.04 * smooth_noise(rng, size_px, 3)
    gaps = smooth_noise(rng, size_px, rng.uniform(40, 90)) + 0.25 * fibres
    is_tissue = 1 / (1 + np.exp((gaps - rng.uniform(1.1, 2.4)) * 7))
    return np.asarray(np.clip(amount, 0.03, None) * is_tissue, dtype=np.float32)


def _fibres(rng: Generator, size_px: int) -> Map:
    """Streaks along one direction, bent by a slowly varying displacement."""
    streaks = blur(rng.standard_normal((2 * size_px, 2 * size_px, 1), dtype=np.float32), 14, 1.3)[..., 0]
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[:size_px, :size_px].astype(np.float32) - np.float32(size_px / 2)
    bend = rng.uniform(4, 16)
    x, y = x + bend * smooth_noise(rng, size_px, 110), y + bend * smooth_noise(rng, size_px, 110)
    along = (np.cos(angle) * x + np.sin(angle) * y + size_px).astype(np.float32)
    across = (np.cos(angle) * y - np.sin(angle) * x + size_px).astype(np.float32)
    bent = sample(streaks, across, along)
    return np.asarray(bent / (bent.std() + 1e-6), dtype=np.float32)


def _tilted(vector: tuple[float, float, float], rng: Generator) -> NDArray[np.float32]:
    tilted = np.clip(np.array(vector) + rng.normal(0, 0.045, 3), 0.02, None)
    return np.asarray(tilted / np.linalg.norm(tilted), dtype=np.float32)
