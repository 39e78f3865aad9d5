"""Whether wide masks hold instances: numbers of single objects, and not classes."""

from collections.abc import Collection, Sequence
from statistics import fmean

import numpy as np

from lmsc_unet.datasets.mask_summary import MaskSummary

MIN_IDS, FEW_IDS = 8, 5
"""Masks that hold fewer ids each may as well hold classes; the second is enough where the largest id differs from mask
to mask and none below it is missing."""
MAX_PIECES = 1.25
"""Connected pieces of an id, on average."""
MIN_FULL = 0.5
"""Share of the ids from 1 to the largest that are there."""
MIN_SPREAD = 0.5
"""Of masks with one largest id: how far an id wanders from mask to mask, as a share of how far all pieces lie apart."""


def look_like_instances(masks: Collection[MaskSummary], held: Collection[frozenset[int]]) -> bool:
    """Whether each number above 0 is one object: more than 8 bits, 0 in all masks, many ids, each in one piece.

    Class ids of organs or teeth are in one piece, too, but each at its place: where most masks end with the same id,
    ids must wander from mask to mask.
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
    """Pieces of all ids; one for an id of which nothing else is known."""
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
