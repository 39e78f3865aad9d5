"""A small summary of a mask, kept for every mask of a dataset, and the pixels of each class."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import StoredMask, read_stored_mask
from lmsc_unet.metrics.counts import IGNORE

_MAX_COLOURS = 512  # kept for a photograph used as a mask; more than there can be classes


@dataclass(frozen=True, kw_only=True, eq=False)
class Placement:
    """The positions of a mask's numbers, by which instances are distinguished from classes."""

    num_pieces: NDArray[np.int64]
    """Per value: connected components (by sides) minus holes."""
    centres: NDArray[np.float64]
    """Per value: mean row and column as shares of the sides, `N 2`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskSummary:
    """The values of one mask, and what its file says about them."""

    height_px: int
    """Rows."""
    width_px: int
    """Columns."""
    values: NDArray[np.int64]
    """The raw values, sorted: colours as 0xRRGGBB, palette indices, or 0 and 1 with a threshold."""
    counts: NDArray[np.int64]
    """Pixels per value."""
    bits: int = 8
    """Bits per value in the file."""
    is_lossy: bool = False
    """Whether the file is JPEG or another lossy format."""
    is_coloured: bool = False
    """Whether the mask has colours that no option names."""
    nodata: int | float | None = None
    """The file's own nodata value."""
    palette: NDArray[np.uint8] | None = None
    """The colours of palette indices, if the palette matters."""
    shows_greys: bool = False
    """Whether the palette contains only greys."""
    placement: Placement | None = None
    """The positions of the numbers; only for masks with at least three values."""

    def pixels(self, *, as_greys: bool = True) -> dict[int, int]:
        """Pixels per raw value; with `as_greys` a grey palette gives its greys."""
        values = self.values
        if as_greys and self.shows_greys and self.palette is not None:
            values = self.palette[self.values, 0]
        return dict(zip(values.tolist(), self.counts.tolist(), strict=True))

    def colour(self, value: int) -> str | None:
        """The colour of an index as rrggbb; None without a palette or for an unknown index."""
        if self.palette is None or not 0 <= value < len(self.palette):
            return None
        return bytes(self.palette[value]).hex()


def summarise_mask(path: Path, options: DataOptions = DataOptions()) -> MaskSummary:  # noqa: B008 - frozen
    """Reads a mask once.

    Raises:
        DataError: the mask cannot be read; names it.
    """
    stored = read_stored_mask(path)
    try:
        return summarise(stored, options)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def summarise(stored: StoredMask, options: DataOptions = DataOptions()) -> MaskSummary:  # noqa: B008 - frozen
    """Summarizes the values of a mask under the given options.

    Raises:
        DataError: the mask has fractions without a threshold, or colours with one. The caller adds the file's name.
    """
    is_packed = bool(options.colors) or (stored.is_coloured and options.mask_threshold is None)
    if is_packed:
        raw: NDArray[Any] = stored.colours()
    elif options.mask_threshold is not None:
        raw = stored.above(options.mask_threshold, options.ignore_index)
    else:
        raw = stored.numbers(as_greys=False)
    values, counts = _counted(raw)
    if is_packed and len(values) > _MAX_COLOURS:
        most = np.sort(np.argsort(-counts, kind="stable")[:_MAX_COLOURS])
        values, counts = values[most], counts[most]
    is_plain = not is_packed and options.mask_threshold is None
    may_be_instances = is_plain and stored.bits > 8 and not options.says_values and len(options.classes) <= 2
    return MaskSummary(
        height_px=raw.shape[0],
        width_px=raw.shape[1],
        values=values,
        counts=counts,
        bits=stored.bits,
        is_lossy=stored.is_lossy,
        is_coloured=is_packed and not options.colors,
        nodata=stored.nodata,
        palette=stored.palette if is_plain else None,
        shows_greys=is_plain and stored.shows_greys,
        placement=_placement(raw, values) if may_be_instances and len(values) > 2 else None,
    )


def _counted(raw: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if raw.dtype in (np.uint8, np.uint16):
        counts = np.bincount(raw.ravel())
        values = np.flatnonzero(counts)
        return values.astype(np.int64), counts[values].astype(np.int64)
    values, counts = np.unique(raw, return_counts=True)
    return values.astype(np.int64), counts.astype(np.int64)


def _placement(raw: NDArray[Any], values: NDArray[np.int64]) -> Placement:
    """Components minus holes equals runs minus the links between runs of neighbouring rows (Euler number)."""
    places = np.searchsorted(values, raw)
    num = len(values)
    is_start = np.ones(places.shape, np.bool_)
    is_start[:, 1:] = places[:, 1:] != places[:, :-1]
    is_linked = places[1:] == places[:-1]
    goes_on = np.zeros_like(is_linked)
    goes_on[:, 1:] = is_linked[:, 1:] & is_linked[:, :-1] & ~is_start[1:, 1:]
    runs = np.bincount(places[is_start], minlength=num)
    links = np.bincount(places[1:][is_linked & ~goes_on], minlength=num)
    flat, height_px, width_px = places.ravel(), *places.shape
    counts = np.bincount(flat, minlength=num)
    rows = np.bincount(flat, np.repeat(np.arange(height_px), width_px), minlength=num)
    columns = np.bincount(flat, np.tile(np.arange(width_px), height_px), minlength=num)
    centres = np.stack([rows / height_px, columns / width_px], axis=1) / counts[:, None]
    return Placement(num_pieces=(runs - links).astype(np.int64), centres=centres)


def count_classes(label_map: LabelMap, masks: Iterable[MaskSummary]) -> Counter[int]:
    """Pixels per class id over all masks; `IGNORE` counts ignored pixels, unknown values are not counted."""
    pixels: Counter[int] = Counter()
    for mask in masks:
        if mask.is_coloured:
            continue
        for value, count in mask.pixels(as_greys=label_map.is_by_greys).items():
            class_id = label_map.class_id(value, mask.nodata)
            if class_id is not None:
                pixels[class_id] += count
    return pixels


def lack_of_classes(label_map: LabelMap, pixels: Mapping[int, int]) -> str | None:
    """Why nothing can be learned: all known pixels have one class, or none is known; None if training is possible."""
    names = label_map.class_names
    present = [class_id for class_id in range(len(names)) if pixels.get(class_id)]
    if len(present) > 1:
        return None
    if not present:
        return "all pixels of the masks are left out, so there is nothing to learn. Correct the masks or options."
    only = present[0]
    absent = f"no pixel is of class {1 - only} ({names[1 - only]}) in any mask" if len(names) == 2 else ""
    alone = absent or f"all pixels of the masks are of class {only} ({names[only]})"
    left_out = " (others are left out)" if pixels.get(IGNORE) else ""
    return (
        f"{alone}{left_out}: there is nothing to learn. The masks are read as {label_map.described()}; see whether "
        "they hold other values than meant, and name these with --values."
    )


def check_learnable(label_map: LabelMap, masks: Iterable[MaskSummary], part: str) -> None:
    """Rejects training masks with only one class.

    Raises:
        DataError: names the data and the class.
    """
    reason = lack_of_classes(label_map, count_classes(label_map, masks))
    if reason:
        raise DataError(f"{part}: {reason}")
