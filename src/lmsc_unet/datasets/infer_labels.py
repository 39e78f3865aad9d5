"""Infers the meaning of a dataset's masks from all their values, or fails with advice.

This includes whether 16-bit values number single objects (instances) or are classes.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TypedDict

import numpy as np

from lmsc_unet.datasets.advice import advice
from lmsc_unet.datasets.labels import BINARY_NAMES, MAX_CLASSES, LabelMap, check_class_names, listed
from lmsc_unet.datasets.mask_summary import MaskSummary
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import NAN, NOTHING

MIN_IDS, FEW_IDS = 8, 5
"""Masks with fewer ids each may contain classes; the second limit applies if the largest id varies between masks and
no smaller id is missing."""
MAX_PIECES = 1.25
"""Connected components per id, on average."""
MIN_FULL = 0.5
"""Share of the ids from 1 to the largest that occur."""
MIN_SPREAD = 0.5
"""For masks with equal largest id: least movement of an id between masks, relative to the components' distance."""


def look_like_instances(masks: Collection[MaskSummary], held: Collection[frozenset[int]]) -> bool:
    """Whether each number above 0 is one object: more than 8 bits, 0 in all masks, many ids, one component each.

    Class ids of organs or teeth also have one component each, but at fixed positions: if most masks have the same
    largest id, ids must move from mask to mask.
    """
    if not any(mask.bits > 8 for mask in masks) or any(0 not in values or min(values) < 0 for values in held):
        return False
    ids = [sorted(values - {0}) for values in held]
    largest = [found[-1] for found in ids if found]
    num_ids = sum(len(found) for found in ids)
    is_one_number = largest.count(max(largest, key=largest.count)) * 2 > len(largest)
    least, full = (MIN_IDS, MIN_FULL) if is_one_number or max(largest) >= MIN_IDS else (FEW_IDS, 1.0)
    if max(map(len, ids)) < least or num_ids < full * sum(largest):
        return False
    if _num_pieces(masks, ids) > MAX_PIECES * num_ids:
        return False
    return not is_one_number or _wander(masks, ids)


def _num_pieces(masks: Collection[MaskSummary], ids: Sequence[Sequence[int]]) -> int:
    """Components of all ids; one for an id without further information."""
    num_pieces = 0
    for mask, found in zip(masks, ids, strict=True):
        if mask.placement is None:
            num_pieces += len(found)
        else:
            num_pieces += int(mask.placement.num_pieces[np.isin(mask.values, found)].sum())
    return num_pieces


def _wander(masks: Collection[MaskSummary], ids: Sequence[Sequence[int]]) -> bool:
    places: dict[int, list[np.ndarray]] = {}
    for mask, found in zip(masks, ids, strict=True):
        if mask.placement is not None:
            for value, centre in zip(mask.values.tolist(), mask.placement.centres, strict=True):
                if value in found:
                    places.setdefault(value, []).append(centre)
    recurring = [np.array(centres) for centres in places.values() if len(centres) > 1]
    if not recurring:
        return True
    everywhere = np.concatenate(recurring).var(axis=0).sum()
    within = fmean(float(centres.var(axis=0).sum() * len(centres) / (len(centres) - 1)) for centres in recurring)
    return bool(within >= MIN_SPREAD * everywhere)


Masks = Mapping[Path, MaskSummary]


class _Common(TypedDict):
    ignore_index: int | None
    ignores_nan: bool
    is_by_greys: bool


def infer_label_map(masks: Masks, options: DataOptions = DataOptions()) -> LabelMap:  # noqa: B008 - frozen
    """Infers the meaning from the values in each mask of a dataset.

    If a few masks contradict the others, the others decide; `complaint_of` then names the few.

    Args:
        masks: the summary of each mask, read with the same options.
        options: what the user says about the values.

    Raises:
        DataError: the values are ambiguous or cannot be read.
        ConfigError: more than 255 classes, or only one.
    """
    names = options.class_names or BINARY_NAMES
    check_class_names(names)
    is_by_greys = all(mask.shows_greys for mask in masks.values() if mask.palette is not None)
    common: _Common = {
        "ignore_index": options.ignore_index,
        "ignores_nan": options.ignore_nan,
        "is_by_greys": is_by_greys,
    }
    if options.colors:
        colours = tuple((int(colour, 16),) for colour in options.colors)
        return LabelMap(kind="colors", class_names=names, raw_values=colours)
    if options.mask_threshold is not None:
        return LabelMap(kind="threshold", class_names=names, threshold=options.mask_threshold, **common)
    _check_colours(masks)
    if not is_by_greys:
        _check_palettes(masks, only_background=options.instances)
    if options.instances:
        return LabelMap(kind="instances", class_names=names, **common)
    if options.values:
        return LabelMap(kind="values", class_names=names, raw_values=tuple((v,) for v in options.values), **common)
    _check_nodata(masks, options)
    if len(names) > 2:
        return LabelMap(kind="classes", class_names=names, **common)
    return _two_classes(masks, names, common, options)


def complaint_of(label_map: LabelMap, mask: MaskSummary) -> str | None:
    """What is wrong with one mask under the map inferred from all; None if nothing is."""
    if label_map.kind == "colors" or not mask.is_coloured:
        found = sorted(mask.pixels(as_greys=label_map.is_by_greys))
        unknown = label_map.unknown(found, mask.nodata)
        classes = {label_map.class_id(value, mask.nodata) for value in found}
        if mask.is_lossy and (unknown or len(classes) > 2):
            return (
                f"the mask is, by its content, a JPEG or compressed as lossily, and holds {listed(found)}: values at "
                "edges are not those that were drawn. Save masks as PNG; for two classes, --mask-threshold 128 "
                "separates them."
            )
        if unknown:
            return label_map.complaint(unknown)
        return _two_foregrounds(label_map, mask, found)
    colours = listed([f"{value:06x}" for value in mask.values.tolist()], 3)
    return (
        "the mask has 3 differing channels. A mask holds one number per pixel: save it as class ids like the others. "
        f"Its colours are {colours}."
    )


def _two_foregrounds(label_map: LabelMap, mask: MaskSummary, found: list[int]) -> str | None:
    """If some masks use 1 and others 255 as foreground, one mask must not use both, nor 15 in 8 bits."""
    if label_map.kind != "binary" or len(label_map.raw_values[1]) == 1:
        return None
    foreground = [value for value in found if value in label_map.raw_values[1] and value != mask.nodata]
    if len(foreground) < 2 and all(_is_full(value, mask) for value in foreground):
        return None
    return (
        f"the mask holds {listed(found)}, but in other masks {label_map.described()} differ from file to file. "
        "Correct the mask; if 255 marks pixels to leave out, say --ignore-index 255."
    )


def _two_classes(masks: Masks, names: tuple[str, ...], common: _Common, options: DataOptions) -> LabelMap:
    held = {path: _counting(mask, options, common["is_by_greys"]) for path, mask in masks.items()}
    foregrounds = _foregrounds(masks, held)
    num_fitting = sum(_fits(held[path], mask, foregrounds) for path, mask in masks.items())
    if num_fitting < len(masks) and look_like_instances(masks.values(), held.values()):
        return LabelMap(kind="instances", class_names=names, **common)
    if num_fitting > len(masks) / 2 or not masks:
        return LabelMap(kind="binary", class_names=names, raw_values=((0,), foregrounds), **common)
    raise DataError(advice(masks, held))


def _foregrounds(masks: Masks, held: Mapping[Path, frozenset[int]]) -> tuple[int, ...]:
    """The foreground values: one per mask; several only if each is 1 or the largest value of its file.

    If every mask contains 0 and the same other value, that value is the foreground.
    """
    others = {path: values - {0} for path, values in held.items()}
    found = Counter(value for values in others.values() if len(values) == 1 for value in values if value > 0)
    full = {
        value
        for path, values in others.items()
        for value in values
        if len(values) == 1 and value > 0 and _is_full(value, masks[path])
    }
    if len(found) > 1 and full:
        return tuple(sorted(full))
    return (found.most_common(1)[0][0],) if found else (1,)


def _is_full(value: int, mask: MaskSummary) -> bool:
    """Whether a value can mean foreground by itself: 1, or white; for palette indices only 1."""
    if mask.palette is not None and not mask.shows_greys:
        return value == 1
    fullest = {2**mask.bits - 1} if 4 <= mask.bits <= 16 else set()
    return value in {1, 255} | fullest | ({65535} if mask.bits > 16 else set())


def _fits(values: frozenset[int], mask: MaskSummary, foregrounds: tuple[int, ...]) -> bool:
    others = values - {0}
    if len(foregrounds) == 1:
        return others <= set(foregrounds)
    return len(others) <= 1 and all(value in foregrounds and _is_full(value, mask) for value in others)


def _counting(mask: MaskSummary, options: DataOptions, as_greys: bool) -> frozenset[int]:
    """The values that could be classes, without the ignored ones."""
    out = {options.ignore_index, mask.nodata, NOTHING} | ({NAN} if options.ignore_nan else set())
    return frozenset(mask.pixels(as_greys=as_greys)) - out


def _check_colours(masks: Masks) -> None:
    coloured = [mask for mask in masks.values() if mask.is_coloured]
    if len(coloured) * 2 <= len(masks) or not coloured:
        return
    pixels: Counter[int] = Counter()
    for mask in coloured:
        pixels.update(mask.pixels())
    colours = [f"{value:06x}" for value, _ in pixels.most_common()]
    if any(mask.is_lossy for mask in coloured):
        raise DataError(
            f"{len(coloured)} of {len(masks)} masks are in colours, and JPEG or compressed as lossily, so that no "
            f"colour is left exact: {listed(colours)}. Export them again as PNG."
        )
    if len(colours) > MAX_CLASSES:
        raise DataError(
            f"{len(coloured)} of {len(masks)} masks are in colours, too many for classes: {listed(colours)}. "
            "Are they pictures? Name the folder of the masks with --masks."
        )
    raise DataError(
        f"{len(coloured)} of {len(masks)} masks are in colours: {listed(colours)}. A mask holds one number per pixel: "
        f"name the colour of each class in order, the background first: --colors {','.join(colours[:3])}; "
        "or save class ids as grey or palette PNG."
    )


def _check_palettes(masks: Masks, *, only_background: bool) -> None:
    """Rejects palettes that give one index different colours: such indices are not common class ids.

    Instance numbers above 0 may have any colours.
    """
    seen: dict[int, tuple[str, Path]] = {}
    for path, mask in masks.items():
        for value in mask.values.tolist():
            colour = mask.colour(value)
            if colour is None or (only_background and value != 0):
                continue
            first, first_path = seen.setdefault(value, (colour, path))
            if first != colour:
                raise DataError(
                    f"the masks' palettes differ: index {value} is {first} in {first_path} and {colour} in {path}, so "
                    "indices are not class ids. Name the colour of each class with --colors, or save all masks "
                    "with one palette."
                )


def _check_nodata(masks: Masks, options: DataOptions) -> None:
    """0 is nearly always the background; if the file marks it as nodata, only the user knows."""
    if options.ignore_index == 0:
        return
    tagged = [path for path, mask in masks.items() if mask.nodata == 0 and 0 in mask.values]
    if tagged:
        raise DataError(
            f"{len(tagged)} of {len(masks)} masks, such as {tagged[0]}, call 0 nothing by the tag GDAL_NODATA, "
            "and hold it. If 0 is the background, name all values in order: --values 0,1; if not, say --ignore-index 0."
        )
