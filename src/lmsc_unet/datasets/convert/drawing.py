"""Annotated objects, and their pixels: those whose centres lie inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import DataError
from lmsc_unet.imageio import MAX_PIXELS

Points = NDArray[np.float64]
"""The corners of a closed line, x and y in pixels, "N 2"; the first pixel of an image reaches from 0 to 1."""
Part = tuple[Points, ...]
"""Lines filled together: what an odd number of them encloses, so that holes stay empty."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stamp:
    """Pixels at a place of the image."""

    left_px: int
    """The column of the first pixel."""
    top_px: int
    """The row of the first pixel."""
    mask: NDArray[np.bool_]
    """The pixels, "h w"."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AnnotatedObject:
    """One object that someone drew."""

    class_name: str
    """Its class."""
    parts: tuple[Part, ...] = ()
    """Its outlines; together they are the object."""
    stamp: Stamp | None = None
    """Its pixels, where they are stored instead of outlines."""


def draw(one: AnnotatedObject, size_px: tuple[int, int]) -> Stamp:
    """The pixels of an object within an image of this height and width."""
    if one.stamp is not None:
        return _within(one.stamp, size_px)
    corners = np.concatenate([points for part in one.parts for points in part])
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, size_px[::-1]).astype(int).tolist()
    right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, size_px[::-1]).astype(int).tolist()
    mask = np.zeros((max(0, bottom - top), max(0, right - left)), np.bool_)
    for part in one.parts:
        mask |= fill([points - (left, top) for points in part], mask.shape)
    return Stamp(left_px=left, top_px=top, mask=mask)


def fill(lines: Sequence[Points], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The pixels "h w" whose centres an odd number of closed lines encloses."""
    height, width = shape
    toggles = np.zeros((height, width + 1), np.bool_)
    for points in lines:
        for (x, y), (other_x, other_y) in zip(points.tolist(), np.roll(points, -1, axis=0).tolist(), strict=True):
            if y > other_y:
                x, y, other_x, other_y = other_x, other_y, x, y
            rows = np.arange(max(0, int(np.ceil(y - 0.5))), min(height, int(np.ceil(other_y - 0.5))))
            if len(rows):
                crossings = x + (rows + 0.5 - y) * ((other_x - x) / (other_y - y))
                toggles[rows, np.clip(np.ceil(crossings - 0.5), 0, width).astype(np.intp)] ^= True
    filled: NDArray[np.bool_] = np.logical_xor.accumulate(toggles, axis=1)[:, :-1]
    return filled


def unpacked(counts: str) -> list[int]:
    """The run lengths in COCO's compressed text.

    Raises:
        ValueError: it is cut off.
    """
    lengths: list[int] = []
    value = shift = 0
    for character in counts:
        bits = ord(character) - 48
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (1 << shift) if bits & 16 else 0
            lengths.append(value + lengths[-2] if len(lengths) > 2 else value)
            value = shift = 0
    if shift:
        raise ValueError("the text of run lengths is cut off")
    return lengths


def from_run_lengths(lengths: Sequence[int], shape: tuple[int, int], *, by_columns: bool) -> NDArray[np.bool_]:
    """A mask "h w" from the lengths of background and object in turn.

    Raises:
        ValueError: the lengths are not those of a mask of this shape.
    """
    counts = np.asarray(lengths, np.int64)
    if min(shape) < 1 or shape[0] * shape[1] > MAX_PIXELS:
        raise ValueError(f"a mask of {shape[1]} x {shape[0]} px")
    if counts.ndim != 1 or (counts < 0).any() or counts.sum() != shape[0] * shape[1]:
        raise ValueError(f"the run lengths are not those of {shape[1]} x {shape[0]} px")
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return flat.reshape(shape[::-1]).T if by_columns else flat.reshape(shape)


def cropped(mask: NDArray[np.bool_]) -> Stamp:
    """The pixels of a mask of a whole image, without the empty rows and columns around them."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return Stamp(left_px=0, top_px=0, mask=mask[:0, :0])
    window = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Stamp(left_px=int(columns[0]), top_px=int(rows[0]), mask=window.copy())


def as_points(values: Any) -> Points:
    """A list of coordinates, in pairs or one after the other, as points.

    Raises:
        ValueError: they are no numbers, not finite, or fewer than three points.
    """
    points = np.asarray(values, np.float64).reshape(-1, 2)
    if len(points) < 3:
        raise ValueError(f"an outline has {len(points)} points; three are needed")
    if not np.isfinite(points).all() or np.abs(points).max() > _MOST_PX:
        raise ValueError("an outline has a point that is not finite, or far away")
    return points


_MOST_PX = 1e7


def _within(stamp: Stamp, size_px: tuple[int, int]) -> Stamp:
    height, width = stamp.mask.shape
    is_inside = stamp.left_px >= 0 and stamp.top_px >= 0
    if not is_inside or stamp.top_px + height > size_px[0] or stamp.left_px + width > size_px[1]:
        raise DataError(
            f"a mask of {width} x {height} px at {stamp.left_px}, {stamp.top_px} reaches beyond the image of "
            f"{size_px[1]} x {size_px[0]} px. Are the annotations those of this image?"
        )
    return stamp
