"""Detection: masks from rows, regions from masks, boxes with refined edges from regions."""

from lmsc_unet.signals.detection.energy import EnergyMask
from lmsc_unet.signals.detection.grouping import Grouping
from lmsc_unet.signals.detection.pipeline import (
    Masker,
    Watch,
    capture_grid,
    find_boxes,
    find_in_capture,
    find_in_recording,
    in_order,
)
from lmsc_unet.signals.detection.survey import survey_floor

__all__ = [
    "EnergyMask",
    "Grouping",
    "Masker",
    "Watch",
    "capture_grid",
    "find_boxes",
    "find_in_capture",
    "find_in_recording",
    "in_order",
    "survey_floor",
]
