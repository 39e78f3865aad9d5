"""Draws a nucleus with outline and chromatin; the array operations for drawing tissue."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Map = NDArray[np.float32]

_BLOCK_VALUES = 1 << 16  # fits the second-level cache
_SHARPNESS = -0.75  # of the cubic kernel: its undershoot beside a step


def blur(values: Map, across_px: float, down_px: float) -> Map:
    """Blurs a map "H W C" by a Gaussian with two deviations, mirrored at the edges."""
    kernels = [_gaussian(deviation_px) for deviation_px in (down_px, across_px)]
    (above, left) = radii = [len(kernel) - 1 for kernel in kernels]
    padded = np.pad(values, [*((radius, radius) for radius in radii), (0, 0)], mode="reflect")
    blurred = np.empty(values.shape, np.float32)
    step = max(1, _BLOCK_VALUES // values[0].size)
    for start in range(0, len(values), step):
        block = padded[start : start + step + 2 * above]
        rows = _weigh(kernels[1], [block[:, at : at + values.shape[1]] for at in range(2 * left + 1)])
        blurred[start : start + step] = _weigh(
            kernels[0], [rows[at : len(rows) - 2 * above + at] for at in range(2 * above + 1)]
        )
    return blurred


def _gaussian(deviation_px: float) -> Map:
    """The weights of the center and one side, to four deviations."""
    weights = np.exp(-(np.arange(round(4 * deviation_px + 0.5) + 1) ** 2) / (2 * deviation_px**2))
    return np.asarray(weights / (2 * weights.sum() - weights[0]), np.float32)


def _weigh(kernel: Map, shifted: list[Map]) -> Map:
    """The weighted sum of a map's shifted copies."""
    radius = len(kernel) - 1
    total: Map = shifted[radius] * kernel[0]
    pair = np.empty_like(total)
    for distance in range(1, radius + 1):
        np.add(shifted[radius - distance], shifted[radius + distance], out=pair)
        pair *= kernel[distance]
        total += pair
    return total


def enlarge(coarse: Map, factor: float, start_px: int, size_px: int) -> Map:
    """Enlarges a square map `factor` times by cubic interpolation; returns a square from `start_px` on."""
    weights = _cubic_weights(len(coarse), factor, start_px, size_px)
    return np.asarray(weights @ coarse @ weights.T)


def _cubic_weights(num_cells: int, factor: float, start_px: int, size_px: int) -> Map:
    """The weight of each cell for each pixel, "pixel cell"."""
    at = (np.arange(start_px, start_px + size_px) + 0.5) / factor - 0.5
    first = np.floor(at).astype(np.intp) - 1
    weights = np.zeros((size_px, num_cells), np.float32)
    for place in range(4):
        cells = np.clip(first + place, 0, num_cells - 1)
        np.add.at(weights, (np.arange(size_px), cells), _cubic(np.abs(at - first - place)))
    return weights


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' kernel (1981), in cells."""
    a = _SHARPNESS
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))


def sample(values: Map, rows: Map, columns: Map) -> Map:
    """Samples a map "H W" between its pixels by linear interpolation, mirrored at the edges."""
    top, left = np.floor(rows).astype(np.intp), np.floor(columns).astype(np.intp)
    down, right = rows - top, columns - left
    (y0, y1), (x0, x1) = (
        [_mirrored(first + step, length) for step in range(2)]
        for first, length in zip((top, left), values.shape, strict=True)
    )
    upper = values[y0, x0] * (1 - right) + values[y0, x1] * right
    lower = values[y1, x0] * (1 - right) + values[y1, x1] * right
    return np.asarray(upper * (1 - down) + lower * down, np.float32)


def _mirrored(index: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    index = index % (2 * length)
    return np.minimum(index, 2 * length - 1 - index)


def distances_px(is_there: NDArray[np.bool_], reach_px: int) -> Map:
    """The distance of each pixel of "H W" to the nearest set pixel, at most `reach_px`."""
    rows = np.arange(len(is_there))[:, np.newaxis]
    above = np.maximum.accumulate(np.where(is_there, rows, -reach_px), axis=0)
    below = np.minimum.accumulate(np.where(is_there, rows, len(rows) + reach_px)[::-1], axis=0)[::-1]
    squares = np.minimum(np.minimum(rows - above, below - rows), reach_px).astype(np.float32) ** 2
    padded = np.pad(squares, [(0, 0), (reach_px, reach_px)], constant_values=reach_px**2)
    nearest = squares.copy()
    for shift in range(1, reach_px):
        for at in (reach_px - shift, reach_px + shift):
            np.minimum(nearest, padded[:, at : at + squares.shape[1]] + np.float32(shift**2), out=nearest)
    return np.sqrt(np.minimum(nearest, np.float32(reach_px**2)))


@dataclass(frozen=True, kw_only=True)
class NucleusKind:
    """The appearance of one cell type's nuclei; each field is a range to draw from."""

    radius_px: tuple[float, float]
    """Half the mean diameter, at 40 times magnification."""
    elongation: tuple[float, float]
    """Length over width."""
    darkness: tuple[float, float]
    """Haematoxylin inside."""
    grain: tuple[float, float]
    """Contrast of chromatin clumps."""
    rim: tuple[float, float]
    """Additional haematoxylin of the membrane."""
    waviness: float
    """Deviation of the outline from an ellipse."""


EPITHELIUM = NucleusKind(
    radius_px=(8.5, 14), elongation=(1.0, 1.5), darkness=(0.35, 0.9), grain=(0.12, 0.3), rim=(0.15, 0.4), waviness=0.035
)
LYMPHOCYTE = NucleusKind(
    radius_px=(5.5, 8), elongation=(1.0, 1.2), darkness=(1.0, 1.5), grain=(0.15, 0.3), rim=(0, 0.15), waviness=0.03
)
FIBROBLAST = NucleusKind(
    radius_px=(5, 8.5), elongation=(2.2, 4.5), darkness=(0.7, 1.2), grain=(0.1, 0.3), rim=(0, 0.2), waviness=0.05
)
TUMOUR = NucleusKind(
    radius_px=(11, 19), elongation=(1.0, 1.6), darkness=(0.4, 1.0), grain=(0.15, 0.4), rim=(0.2, 0.5), waviness=0.07
)


@dataclass(frozen=True, kw_only=True)
class Nucleus:
    """A small patch with one nucleus."""

    inside: NDArray[np.bool_]
    """`H W`: the pixels of the nucleus."""
    haematoxylin: Map
    """`H W`: their amount of dye; 0 outside."""


def draw_nucleus(kind: NucleusKind, angle: float, zoom: float, clumps: Map, rng: Generator) -> Nucleus:
    """Draws one nucleus along `angle`, `zoom` times as large; `clumps` is noise for its chromatin."""
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
