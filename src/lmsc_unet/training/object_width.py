"""How wide the things in masks are, from which a training chooses its scale."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.load import load_mask
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.metrics.counts import IGNORE

MAX_MASKS = 200
"""The width is taken from about so many masks, evenly chosen."""


def typical_width_px(samples: Sequence[Sample], label_map: LabelMap) -> float:
    """The width of a typical object: the median over foreground pixels of how wide the object around them is.

    An object is a connected piece of foreground, its width that of the largest circle in it, so that nuclei in a row
    are as wide as one. 0 where no mask has any foreground.
    """
    masks = [sample.mask for sample in samples if sample.mask is not None]
    chosen = masks[:: max(1, len(masks) // MAX_MASKS)]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = list(pool.map(lambda path: _widths_px(load_mask(path, label_map)), chosen))
    widths_px, areas_px = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if not widths_px.size:
        return 0.0
    order = np.argsort(widths_px)
    middle = np.searchsorted(np.cumsum(areas_px[order]), areas_px.sum() / 2)
    return float(widths_px[order][middle])


def _widths_px(mask: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Width and area of each connected piece of foreground."""
    import cv2  # only trainings come here, and it is as large as all else that runs models

    foreground = ((mask > 0) & (mask != IGNORE)).astype(np.uint8)
    number, labels, stats, _ = cv2.connectedComponentsWithStats(foreground, connectivity=8)
    inside_px = np.zeros(number)
    np.maximum.at(inside_px, labels.ravel(), cv2.distanceTransform(foreground, cv2.DIST_L2, 5).ravel())
    return 2 * inside_px[1:], stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
