"""Signals found in recordings: masks from rows, regions from masks, trimmed boxes from regions."""

from lmsc_unet.signal.detection.energy import EnergyMask
from lmsc_unet.signal.detection.finding import Masker, find_boxes, find_in_recording

__all__ = ["EnergyMask", "Masker", "find_boxes", "find_in_recording"]
