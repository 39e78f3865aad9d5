"""What is measured of an object, by the definitions of `skimage.measure.regionprops`."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.apps.segment.objects.image_object import ImageObject, Indices
from lmsc_unet.imageio import PixelSize

_SQUARE = 1.001  # sides of pixels may differ by rounding


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """The measurements of one object; None where one is not defined, or the size of pixels not known."""

    area_px: int
    """Pixels."""
    centroid_x_px: float
    """The mean column of its pixels; the centre of an image's first pixel is 0."""
    centroid_y_px: float
    """The mean row."""
    left_px: int
    """The bounding box."""
    top_px: int
    """The bounding box."""
    width_px: int
    """The bounding box."""
    height_px: int
    """The bounding box."""
    perimeter_px: float
    """The length of a line through the centres of its outer pixels: steps of 1, and diagonal steps."""
    circularity: float | None
    """4 pi area / perimeter^2: 1 for a circle; over 1 for some objects of few pixels."""
    eccentricity: float
    """Of the ellipse with the same second moments: 0 for a circle, 1 for a line."""
    solidity: float
    """Its share of the pixels of its convex hull."""
    area_um2: float | None
    """Square micrometres."""
    perimeter_um: float | None
    """Micrometres; None if pixels are not square."""
    means: tuple[float, ...]
    """The mean value of each channel."""


def measure(shape: ImageObject, pixel: PixelSize | None = None) -> Measurements:
    """Measures one object."""
    area_px, perimeter_px = shape.area_px, perimeter(shape)
    left_px, top_px, width_px, height_px = shape.box_px
    x_px, y_px, eccentricity = _moments(shape, area_px)
    is_square = pixel is not None and max(pixel.x_um, pixel.y_um) <= _SQUARE * min(pixel.x_um, pixel.y_um)
    return Measurements(
        area_px=area_px,
        centroid_x_px=x_px,
        centroid_y_px=y_px,
        left_px=left_px,
        top_px=top_px,
        width_px=width_px,
        height_px=height_px,
        perimeter_px=perimeter_px,
        circularity=4 * math.pi * area_px / perimeter_px**2 if perimeter_px else None,
        eccentricity=eccentricity,
        solidity=area_px / convex_area_px(shape),
        area_um2=area_px * pixel.area_um2 if pixel else None,
        perimeter_um=perimeter_px * pixel.x_um if pixel and is_square else None,
        means=tuple((shape.sums / area_px).tolist()),
    )


def _moments(shape: ImageObject, area_px: int) -> tuple[float, float, float]:
    """The mean column and row, and the eccentricity; sums of integers, and so exact."""
    left, top, _, _ = shape.box_px
    first, last, y = shape.starts - left, shape.stops - left - 1, shape.rows - top
    num = last - first + 1
    sums_x = (first + last) * num // 2
    sum_x, sum_y = int(sums_x.sum()), int((y * num).sum())
    squares = (last * (last + 1) * (2 * last + 1) - (first - 1) * first * (2 * first - 1)) // 6
    xx = int(squares.sum()) * area_px - sum_x**2  # variances and covariance times the squared area
    yy = int((y * y * num).sum()) * area_px - sum_y**2
    xy = int((y * sums_x).sum()) * area_px - sum_x * sum_y
    spread = math.hypot(xx - yy, 2 * xy)
    most, least = (xx + yy + spread) / 2, max(0.0, (xx + yy - spread) / 2)
    eccentricity = math.sqrt(1 - least / most) if most else 0.0
    return left + sum_x / area_px, top + sum_y / area_px, eccentricity


_NOWHERE = np.iinfo(np.int64).min
_DIAGONAL = math.sqrt(2)
_STEPS = np.zeros(50)
_STEPS[[5, 7, 15, 17, 25, 27]] = 1
_STEPS[[21, 33]] = _DIAGONAL
_STEPS[[13, 23]] = (1 + _DIAGONAL) / 2


def perimeter(shape: ImageObject) -> float:
    """The length of the line through the outer pixels, by the outer pixels around each.

    K. Benkrid, D. Crookes: Design and FPGA implementation of a perimeter estimator, 2000.
    """
    left, _, width, _ = shape.box_px
    counts = np.zeros(len(_STEPS), np.int64)
    for rows in shape.bands():
        painted = shape.paint(slice(rows.start - 2, rows.stop + 2), slice(left - 2, left + width + 2))
        counts += np.bincount(_neighbour_codes(painted), minlength=len(counts))
    return float(counts @ _STEPS)


def _neighbour_codes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """For each outer pixel: 1, plus 2 for each outer pixel beside it, plus 10 for each at a corner.

    The mask has two more rows and columns around what is counted.
    """
    inner = mask[1:-1, 1:-1]
    is_outer = inner & ~(mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:])
    outer = is_outer.view(np.uint8)
    columns = outer[:-2] + outer[2:]  # above and below
    beside = columns[:, 1:-1] + outer[1:-1, :-2] + outer[1:-1, 2:]
    codes = 1 + 2 * beside + 10 * (columns[:, :-2] + columns[:, 2:])
    chosen: NDArray[np.uint8] = codes[is_outer[1:-1, 1:-1]]
    return chosen


def convex_area_px(shape: ImageObject) -> int:
    """Pixels whose centres lie in the convex hull of the middles of all pixels' sides."""
    top = shape.rows[0]
    is_first = np.flatnonzero(shape.rows[1:] != shape.rows[:-1]) + 1
    firsts, lasts = np.concatenate([[0], is_first]), np.concatenate([is_first, [len(shape.rows)]]) - 1
    rows = shape.rows[firsts] - top
    rights, lefts = _hull_columns(rows, shape.stops[lasts] - 1), -_hull_columns(rows, -shape.starts[firsts])
    return int((rights - lefts + 1).sum())


def _hull_columns(rows: Indices, columns: Indices) -> Indices:
    """The rightmost pixel in the convex hull in each row from 0 on, from the rightmost pixel of some rows.

    Counts in halves of a pixel, so that all corners of the hull are integers.
    """
    height = int(rows[-1]) + 1
    profile = np.full(2 * height + 1, _NOWHERE, np.int64)  # the middles of sides, half a pixel above the first row on
    profile[2 * rows + 1] = 2 * columns + 1
    profile[2 * rows] = 2 * columns
    profile[2 * rows + 2] = np.maximum(profile[2 * rows + 2], 2 * columns)
    is_known = profile > _NOWHERE
    chain_y: list[int] = []
    chain_x: list[int] = []
    for y, x in zip(np.flatnonzero(is_known).tolist(), profile[is_known].tolist(), strict=True):
        while len(chain_y) > 1 and (chain_x[-1] - chain_x[-2]) * (y - chain_y[-2]) <= (x - chain_x[-2]) * (
            chain_y[-1] - chain_y[-2]
        ):
            del chain_y[-1], chain_x[-1]
        chain_y.append(y)
        chain_x.append(x)
    places, rights = np.array(chain_y), np.array(chain_x)
    middles = np.arange(1, 2 * height + 1, 2)
    edge = np.searchsorted(places, middles, "right") - 1
    rise, run = rights[edge + 1] - rights[edge], places[edge + 1] - places[edge]
    return np.asarray((rights[edge] * run + rise * (middles - places[edge])) // (2 * run))
