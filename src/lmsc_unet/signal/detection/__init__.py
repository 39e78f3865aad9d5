"""Signals found in recordings: masks from rows, regions from masks, trimmed boxes from regions."""

from lmsc_unet.signal.detection.energy import EnergyMask
from lmsc_unet.signal.detection.finding import Masker, find_boxes
from lmsc_unet.signal.detection.searching import capture_grid, find_in_recording, survey_floor

__all__ = ["EnergyMask", "Masker", "capture_grid", "find_boxes", "find_in_recording", "survey_floor"]
