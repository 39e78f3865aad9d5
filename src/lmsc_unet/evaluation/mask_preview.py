"""The first masks of a dataset with their inferred classes, beside the images, to check before training."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lmsc_unet.datasets.check import CheckReport
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.load import load_pair
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.errors import DataError, LmscError
from lmsc_unet.evaluation.output import CELL_PX, GAP_PX, INK, LINE_PX, PAPER, fitted, text_line
from lmsc_unet.inference.overlays import colour_table, draw_overlay, to_display
from lmsc_unet.metrics.counts import IGNORE

NUM_MASKS = 4
_MAX_LINES = 10
_LEGEND_PX = 260


def draw_preview(report: CheckReport) -> NDArray[np.uint8]:
    """Image, mask, overlay, and name and share of each class; RGB `H W 3`, a row per mask.

    Raises:
        DataError: the masks' meaning is ambiguous, or none can be read.
    """
    if report.label_map is None:
        raise DataError("The masks' meaning is not known, so there is nothing to preview. See the errors.")
    rows = [
        _row(sample, image, mask, report.label_map.class_names)
        for sample, image, mask in _first_pairs(report.dataset.samples, report.label_map)
    ]
    if not rows:
        raise DataError("No pair of image and mask can be read, so there is nothing to preview. See the errors.")
    title = f"masks {report.label_map.kind}: {report.label_map.described()}"
    return np.concatenate([text_line(title, rows[0].shape[1], size=15, left_px=GAP_PX), *rows])


def _first_pairs(
    samples: Sequence[Sample], label_map: LabelMap
) -> Iterator[tuple[Sample, NDArray[np.generic], NDArray[np.uint8]]]:
    num_drawn = 0
    for sample in samples:
        if num_drawn == NUM_MASKS:
            return
        try:
            image, mask = load_pair(sample, label_map)
        except LmscError:  # reported by the check
            continue
        num_drawn += 1
        yield sample, image, mask


def _row(
    sample: Sample, image: NDArray[np.generic], mask: NDArray[np.uint8], names: Sequence[str]
) -> NDArray[np.uint8]:
    is_known = mask != IGNORE
    panels = [to_display(image), colour_table()[mask], draw_overlay(image, np.where(is_known, mask, 0))]
    gap = np.full((CELL_PX, GAP_PX, 3), PAPER, np.uint8)
    parts = [part for panel in panels for part in (gap, fitted(panel))]
    row = np.concatenate([*parts, gap, _legend(mask, names)], axis=1)
    return np.concatenate([text_line(sample.name, row.shape[1], left_px=GAP_PX), row])


def _legend(mask: NDArray[np.uint8], names: Sequence[str]) -> NDArray[np.uint8]:
    """The colour, name and share of each class, those in the mask first."""
    counts = np.bincount(mask.ravel(), minlength=256)
    entries = [(class_id, name, counts[class_id]) for class_id, name in enumerate(names)]
    if len(entries) > _MAX_LINES:
        entries.sort(key=lambda entry: -entry[2])
    entries = entries[:_MAX_LINES] + ([(IGNORE, "left out", counts[IGNORE])] if counts[IGNORE] else [])
    canvas = Image.new("RGB", (_LEGEND_PX, CELL_PX), PAPER)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(13)
    colours = colour_table()
    for line, (class_id, name, count) in enumerate(entries):
        top_px = line * LINE_PX
        colour = tuple(colours[class_id].tolist())
        pen.rectangle((0, top_px, 14, top_px + 14), fill=colour, outline=INK)
        pen.text((22, top_px), f"{name}  {count / mask.size:.2%}", INK, font)
    return np.asarray(canvas)
