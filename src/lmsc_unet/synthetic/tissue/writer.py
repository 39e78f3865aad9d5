"""Generated images of stained tissue with known nuclei, for tests, benchmarks and demos without real data.

No substitute for real slides: outlines are exact and stains simple. It has the main difficulties: four cell types,
touching and overlapping nuclei, chromatin, fibres, gaps, red blood cells without nuclei, and stains that vary between
images.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lmsc_unet.core.ranges import MOST_SEED, MOST_SIDE_PX, check_number
from lmsc_unet.core.stopping import postponed
from lmsc_unet.core.storage import check_folder, make_folder
from lmsc_unet.errors import OutputError
from lmsc_unet.imageio import write_png
from lmsc_unet.synthetic.tissue.nucleus import (
    EPITHELIUM,
    FIBROBLAST,
    LYMPHOCYTE,
    TUMOUR,
    Map,
    Nucleus,
    distances_px,
    draw_nucleus,
)
from lmsc_unet.synthetic.tissue.stain import develop, random_stain, smooth_noise, stroma

_CLUMPS_PX = 256
_MAX_HIDDEN = 0.3  # a nucleus with a larger share on others is not placed
_AREA_PX = 512 * 512
_CYTOPLASM_PX = 42  # distance from a nucleus at which its cytoplasm ends
_KINDS = (EPITHELIUM, LYMPHOCYTE, FIBROBLAST, TUMOUR)


@dataclass(frozen=True, kw_only=True)
class Tissue:
    """An image with its truth."""

    image: NDArray[np.uint8]
    """`H W 3`, RGB."""
    labels: NDArray[np.uint16]
    """`H W`: 0, or the number of the nucleus from 1; overlaps belong to the upper one."""


def write_nuclei(folder: Path, *, count: int, size_px: int = 512, seed: int = 0) -> None:
    """Writes `images/*.png`, `masks/*.png` (0 and 255) and `labels/*.png` (16-bit nucleus numbers).

    Image `n` of a seed and size is always the same, for any count.

    Raises:
        ConfigError: a number is out of range.
        OutputError: the folder has images already, or cannot be written.
    """
    check_number("count", count, 1, 1_000_000)
    check_number("size_px", size_px, 32, MOST_SIDE_PX)
    check_number("seed", seed, 0, MOST_SEED)
    check_folder(folder)
    if (folder / "images").is_dir() and any((folder / "images").iterdir()):
        raise OutputError(f"{folder}: the folder holds images already. Choose a new one.")
    make_folder(folder)
    for number in range(count):
        tissue = draw_tissue(np.random.default_rng((seed, number)), size_px)
        name = f"tissue_{number + 1:03d}.png"
        with postponed():  # an image must have its mask
            write_png(folder / "masks" / name, (tissue.labels > 0).astype(np.uint8) * np.uint8(255))
            write_png(folder / "labels" / name, tissue.labels)
            write_png(folder / "images" / name, tissue.image)


def draw_tissue(rng: Generator, size_px: int = 512) -> Tissue:
    """Draws one square image with its nuclei."""
    eosin = stroma(rng, size_px)
    haematoxylin = 0.06 + 0.03 * smooth_noise(rng, size_px, 60)
    labels = np.zeros((size_px, size_px), np.uint16)
    _add_blood(eosin, rng)
    _add_nuclei(haematoxylin, eosin, labels, rng)
    _add_cells(eosin, labels, rng)
    image = develop(np.clip(haematoxylin, 0, None), eosin, random_stain(rng), rng)
    return Tissue(image=image, labels=_renumbered(labels))


def _add_nuclei(haematoxylin: Map, eosin: Map, labels: NDArray[np.uint16], rng: Generator) -> None:
    """Mixes the four cell types at one magnification, with fibroblasts along one direction."""
    size_px = labels.shape[0]
    clumps = 0.7 * smooth_noise(rng, _CLUMPS_PX, 2.5) + 0.5 * smooth_noise(rng, _CLUMPS_PX, 5)
    shares = rng.dirichlet((1.5, 0.8, 0.8, 0.6))
    fibre_angle, zoom = rng.uniform(0, np.pi), rng.uniform(0.9, 1.5)
    wanted = max(round(rng.uniform(60, 170) / zoom**2 * size_px**2 / _AREA_PX), 3)
    for number, (y, x) in enumerate(_places(wanted, size_px, rng), start=1):
        kind = _KINDS[rng.choice(len(_KINDS), p=shares)]
        angle = fibre_angle + rng.normal(0, 0.35) if kind is FIBROBLAST else rng.uniform(0, np.pi)
        _place(draw_nucleus(kind, angle, zoom, clumps, rng), number, y, x, haematoxylin, eosin, labels)


def _places(wanted: int, size_px: int, rng: Generator) -> NDArray[np.intp]:
    """Random centers, half of them in clusters."""
    crowds = rng.uniform(0, size_px, (max(wanted // 12, 1), 2))
    crowded = crowds[rng.integers(0, len(crowds), wanted // 2)] + rng.normal(0, 30, (wanted // 2, 2))
    spread = rng.uniform(-8, size_px + 8, (wanted - wanted // 2, 2))
    places = rng.permutation(np.concatenate([crowded, spread]))
    return np.asarray(np.rint(places), dtype=np.intp)


def _place(
    nucleus: Nucleus, number: int, y: int, x: int, haematoxylin: Map, eosin: Map, labels: NDArray[np.uint16]
) -> None:
    """Places a nucleus on the tissue, unless too much of it would overlap others or lie outside the image."""
    half_px, size_px = nucleus.inside.shape[0] // 2, labels.shape[0]
    rows, columns = slice(max(y - half_px, 0), y + half_px + 1), slice(max(x - half_px, 0), x + half_px + 1)
    if y + half_px < 0 or x + half_px < 0 or y - half_px >= size_px or x - half_px >= size_px:
        return
    here = labels[rows, columns]
    top, left = max(half_px - y, 0), max(half_px - x, 0)
    cut = (slice(top, top + here.shape[0]), slice(left, left + here.shape[1]))
    inside = nucleus.inside[cut]
    if (here[inside] > 0).sum() > _MAX_HIDDEN * inside.sum():
        return
    under = haematoxylin[rows, columns]
    under[inside] = nucleus.haematoxylin[cut][inside] + 0.3 * under[inside]
    eosin[rows, columns][inside] *= 0.6
    here[inside] = number


def _renumbered(labels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Numbers the nuclei from 1 without gaps: some were not placed, or were covered."""
    is_seen = np.bincount(labels.ravel()) > 0
    is_seen[0] = False
    numbers = np.cumsum(is_seen).astype(np.uint16) * is_seen
    return np.asarray(numbers[labels], dtype=np.uint16)


def _add_cells(eosin: Map, labels: NDArray[np.uint16], rng: Generator) -> None:
    """Adds cytoplasm around nuclei, denser or paler than the stroma, and the pale rim caused by fixation."""
    distance_px = distances_px(labels > 0, _CYTOPLASM_PX)
    body = np.exp(-((distance_px / rng.uniform(6, 14)) ** 2)) * (labels == 0)
    seam = np.exp(-((distance_px - 2) ** 2) / 3) * rng.uniform(0, 0.5)
    eosin += body * (rng.uniform(-0.05, 0.15) + 0.12 * smooth_noise(rng, labels.shape[0], 50))
    eosin *= 1 - seam * (labels == 0)
    np.clip(eosin, 0, None, out=eosin)


def _add_blood(eosin: Map, rng: Generator) -> None:
    """Adds clusters of red blood cells: round, red, without nuclei."""
    size_px = eosin.shape[0]
    y, x = np.mgrid[-9:10, -9:10].astype(np.float32)
    heaps = rng.uniform(0, size_px, (3, 2))
    for _ in range(rng.poisson(14) * size_px**2 // _AREA_PX):
        radius_px = rng.uniform(5.5, 8)
        top, left = np.clip(heaps[rng.integers(3)] + rng.normal(0, 25, 2), 0, size_px - 19).astype(int)
        depth = 1 - np.hypot(y, x * rng.uniform(1, 1.25)) / radius_px
        disc = np.clip(depth * radius_px, 0, 1) * (0.5 + 0.3 * np.exp(-((depth - 0.3) ** 2) / 0.05))
        here = eosin[top : top + 19, left : left + 19]
        here[:] = np.maximum(here, disc * 1.6)
