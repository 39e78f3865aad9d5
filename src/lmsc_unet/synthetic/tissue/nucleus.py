"""One nucleus: its outline, and the chromatin in it."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lmsc_unet.synthetic.tissue.planes import Map


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What the nuclei of one kind of cell look like; each field is a range to draw from."""

    radius_px: tuple[float, float]
    """Half the mean diameter, as seen at 40 times magnification."""
    elongation: tuple[float, float]
    """Length over width."""
    darkness: tuple[float, float]
    """Haematoxylin inside."""
    grain: tuple[float, float]
    """Contrast of the chromatin's clumps."""
    rim: tuple[float, float]
    """Haematoxylin that the membrane has more."""
    waviness: float
    """How far the outline strays from an ellipse."""


EPITHELIUM = Kind(
    radius_px=(8.5, 14), elongation=(1.0, 1.5), darkness=(0.35, 0.9), grain=(0.12, 0.3), rim=(0.15, 0.4), waviness=0.035
)
LYMPHOCYTE = Kind(
    radius_px=(5.5, 8), elongation=(1.0, 1.2), darkness=(1.0, 1.5), grain=(0.15, 0.3), rim=(0, 0.15), waviness=0.03
)
FIBROBLAST = Kind(
    radius_px=(5, 8.5), elongation=(2.2, 4.5), darkness=(0.7, 1.2), grain=(0.1, 0.3), rim=(0, 0.2), waviness=0.05
)
TUMOUR = Kind(
    radius_px=(11, 19), elongation=(1.0, 1.6), darkness=(0.4, 1.0), grain=(0.15, 0.4), rim=(0.2, 0.5), waviness=0.07
)


@dataclass(frozen=True, kw_only=True)
class Nucleus:
    """A small patch with one nucleus in it."""

    inside: NDArray[np.bool_]
    """`H W`: the pixels of the nucleus."""
    haematoxylin: Map
    """`H W`: how much dye they hold; 0 outside."""


def draw_nucleus(kind: Kind, angle: float, zoom: float, clumps: Map, rng: Generator) -> Nucleus:
    """Draws one nucleus that lies along `angle`, `zoom` times as large; `clumps` is noise to cut chromatin from."""
    radius_px, elongation = zoom * rng.uniform(*kind.radius_px), rng.uniform(*kind.elongation)
    length_px, width_px = radius_px * elongation**0.5, radius_px / elongation**0.5
    half_px = int(np.ceil(length_px * 1.25)) + 1
    y, x = np.mgrid[-half_px : half_px + 1, -half_px : half_px + 1].astype(np.float32)
    along = (np.cos(angle) * x + np.sin(angle) * y) / length_px
    across = (np.cos(angle) * y - np.sin(angle) * x) / width_px
    depth = 1 - np.hypot(along, across) / _outline(np.arctan2(across, along), kind.waviness, rng)
    amount = rng.uniform(*kind.darkness) * (1 + rng.uniform(*kind.grain) * _cut(clumps, y.shape, rng))
    amount += rng.uniform(*kind.rim) * np.exp(-((depth * width_px - 1.2) ** 2) / 1.5)
    amount += _nucleoli(y, x, width_px, rng) if kind.radius_px[1] > 10 else 0
    inside = depth > 0
    return Nucleus(inside=inside, haematoxylin=np.where(inside, np.clip(amount, 0.15, 2.2), 0).astype(np.float32))


def _outline(angles: Map, waviness: float, rng: Generator) -> Map:
    """The radius in each direction, about 1."""
    radius = np.ones_like(angles)
    for lobes in range(2, 6):
        radius += rng.normal(0, waviness / lobes * 2) * np.cos(lobes * angles + rng.uniform(0, 2 * np.pi))
    return radius


def _nucleoli(y: Map, x: Map, width_px: float, rng: Generator) -> Map:
    """Up to three dark spots."""
    spots = np.zeros_like(y)
    for _ in range(rng.integers(0, 4)):
        at_y, at_x = rng.normal(0, width_px * 0.35, 2)
        spots += rng.uniform(0.2, 0.7) * np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * rng.uniform(1, 1.9) ** 2))
    return spots


def _cut(noise: Map, shape: tuple[int, ...], rng: Generator) -> Map:
    top, left = rng.integers(0, noise.shape[0] - shape[0]), rng.integers(0, noise.shape[1] - shape[1])
    return noise[top : top + shape[0], left : left + shape[1]]
