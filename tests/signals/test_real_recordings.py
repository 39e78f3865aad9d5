"""The energy detector on three real recordings, with its default settings. They are not in the project.

The rules that leave out by-products and the line at 0 Hz were written with these recordings in view: no blind test.
"""

from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.metrics.matching import Detections, count_matches
from lmsc_unet.signals.annotations import read_boxes, write_annotated
from lmsc_unet.signals.boxes import boxes_xyxy_px
from lmsc_unet.signals.detection import EnergyMask, find_in_recording
from lmsc_unet.signals.detection.survey import frames_of
from lmsc_unet.signals.recording import open_recording
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import Grid

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "rf"
pytestmark = [
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the three real recordings are not on this machine"),
    pytest.mark.filterwarnings("ignore:.*a steady line at 0 Hz"),
]


@pytest.mark.parametrize(
    ("name", "num_annotated", "num_found"),
    [
        ("enocean", 3, 3),
        ("esaver", 3, 3),
        ("homematic", 2, 2),
    ],
)
def test_how_many_annotated_bursts_the_baseline_finds(name, num_annotated, num_found):
    recording = open_recording(FOLDER / f"{name}.sigmf-meta")
    stft = Stft(frames_per_row=frames_of(recording, Stft()))
    grid = Grid(stft=stft, sample_rate_hz=recording.sample_rate_hz)
    found = find_in_recording(recording, stft, EnergyMask(frames_per_row=stft.frames_per_row))
    picture = Detections(
        true_xyxy=boxes_xyxy_px(read_boxes(recording), grid),
        found_xyxy=boxes_xyxy_px(found, grid),
        confidences=np.array([box.confidence for box in found]),
    )
    counts = count_matches([picture])
    assert counts.tp + counts.fn == num_annotated
    assert counts.tp >= num_found
    assert counts.fp <= 1


@pytest.mark.parametrize("name", ["enocean", "esaver", "homematic"])
def test_annotations_are_added_to_what_the_recording_has(name, tmp_path):
    recording = open_recording(FOLDER / f"{name}.sigmf-meta")
    found = find_in_recording(recording, Stft(), EnergyMask())
    path = tmp_path / f"{name}.sigmf-meta"
    write_annotated(path, recording, found)
    path.with_suffix(".sigmf-data").symlink_to(recording.data)
    assert len(read_boxes(open_recording(path))) == len(found) + len(read_boxes(recording))
