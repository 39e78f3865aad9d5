"""How many pixels each class has, and whether there is anything to learn from them."""

from collections import Counter
from collections.abc import Iterable, Mapping

from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.mask_summary import MaskSummary
from lmsc_unet.errors import DataError
from lmsc_unet.metrics.counts import IGNORE


def count_classes(label_map: LabelMap, masks: Iterable[MaskSummary]) -> Counter[int]:
    """Pixels of each class id over all masks; `IGNORE` counts those to leave out, and values of no class nowhere."""
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
    """Why nothing can be learned: all known pixels are of one class, or none is known; None where there is enough."""
    names = label_map.class_names
    present = [class_id for class_id in range(len(names)) if pixels.get(class_id)]
    if len(present) > 1:
        return None
    if not present:
        return "all pixels of the masks are left out, so that there is nothing to learn. Correct the masks or options."
    only = present[0]
    absent = f"no pixel is of class {1 - only} ({names[1 - only]}) in any mask" if len(names) == 2 else ""
    alone = absent or f"all pixels of the masks are of class {only} ({names[only]})"
    left_out = " (others are left out)" if pixels.get(IGNORE) else ""
    return (
        f"{alone}{left_out}: there is nothing to learn. The masks are read as {label_map.described()}; see whether "
        "they hold other values than meant, and name these with --values."
    )


def check_learnable(label_map: LabelMap, masks: Iterable[MaskSummary], part: str) -> None:
    """Refuses masks to train on that hold one class alone.

    Raises:
        DataError: the part of the data, and the class.
    """
    reason = lack_of_classes(label_map, count_classes(label_map, masks))
    if reason:
        raise DataError(f"{part}: {reason}")
