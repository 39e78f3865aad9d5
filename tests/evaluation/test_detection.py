"""Box scores: groups that can be told by hand, and `lmsc evaluate` on recordings."""

import csv
import json

import numpy as np
import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.datasets.load import load_pair
from lmsc_unet.evaluation.box_report import boxes_csv, draw_boxes, to_row
from lmsc_unet.evaluation.detection import SearchedRecording, tabulate
from lmsc_unet.evaluation.segmentation import compare
from lmsc_unet.evaluation.session import EvaluationOptions, open_evaluation
from lmsc_unet.imageio import read_image
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.detection.components import MIN_CELLS
from lmsc_unet.synthetic.radio.scene import SceneOptions
from lmsc_unet.synthetic.radio.writer import write_scenes
from tests.inference.networks import load_by
from tests.signals.sigmf_files import metadata, noise, write_pair


def box(start, snr_db, *, length=100, confidence=None):
    return SignalBox(
        start_sample=start,
        stop_sample=start + length,
        low_hz=0.0,
        high_hz=10.0,
        snr_db=snr_db,
        confidence=confidence,
    )


SEARCHED = [
    SearchedRecording(
        template="2",
        true=(box(0, -3.0), box(1000, 7.0), box(2000, 30.0)),
        found=(box(5, 1.0, confidence=0.9), box(2000, 28.0, confidence=0.8), box(5000, 12.0, confidence=0.7)),
    ),
    SearchedRecording(template="15", true=(box(0, 7.0),), found=(box(0, 8.0, confidence=0.9),)),
    SearchedRecording(template="15", true=(), found=()),
]


@pytest.mark.parametrize(
    ("by", "group", "true", "found", "precision", "recall"),
    [
        ("all", "all", 4, 4, 3 / 4, 3 / 4),
        ("all", "5 dB and more", 3, 3, 2 / 3, 2 / 3),
        ("snr_db", "under 0", 1, 1, 1, 1),  # a found box goes with the one it matches, whatever its own SNR
        ("snr_db", "0 to 5", 0, 0, None, None),
        ("snr_db", "5 to 10", 2, 1, 1, 1 / 2),
        ("snr_db", "10 to 15", 0, 1, 0, None),  # a false box goes by its own SNR
        ("snr_db", "25 and more", 1, 1, 1, 1),
        ("template", "2", 3, 3, 2 / 3, 2 / 3),
        ("template", "15", 1, 1, 1, 1),
    ],
)
def test_every_group_counts_its_own_boxes(by, group, true, found, precision, recall):
    rows = {(row["by"], row["group"]): row for row in map(to_row, tabulate("one", SEARCHED))}
    row = rows[by, group]
    assert (row["true"], row["found"]) == (true, found)
    assert row["precision"] == (None if precision is None else pytest.approx(precision, abs=1e-6))
    assert row["recall"] == (None if recall is None else pytest.approx(recall, abs=1e-6))


def test_the_bins_of_snr_add_up_to_all():
    rows = list(map(to_row, tabulate("one", SEARCHED)))
    for column in ("true", "found"):
        assert sum(row[column] for row in rows if row["by"] == "snr_db") == rows[0][column]


def test_templates_are_in_the_order_of_their_numbers():
    assert [line.group for line in tabulate("one", SEARCHED) if line.by == "template"] == ["2", "15"]


def test_boxes_without_snr_have_no_bins_and_a_picture_all_the_same():
    bare = [SearchedRecording(template="", true=(box(0, None),), found=())]
    lines = list(tabulate("one", bare))
    assert [(line.by, line.group) for line in lines] == [("all", "all")]
    assert "one,all,all,1,0,,0.0,0.0" in boxes_csv(lines)
    assert draw_boxes(lines).ndim == 3


def test_recordings_get_scores_of_pixels_and_of_boxes_beside_the_energy_detectors(tmp_path, monkeypatch, capsys):
    load_by(monkeypatch, "tests.apps.detect.bursts:load_bright_cells")
    model = tmp_path / "model.fake"
    model.touch()
    list(write_scenes(tmp_path / "set", SceneOptions(seed=2, samples=65_536, snr_low_db=20), count=8))
    out = tmp_path / "scores"
    command = ["evaluate", str(model), str(tmp_path / "set"), "--split", "all", "--draws", "20"]
    assert main([*command, "--out", str(out), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["images"] == 8
    assert report["pooled"]["iou"] > 0.2
    assert {line["detector"] for line in report["boxes"]} == {"energy", "small"}
    assert 0.2 < report["energy"]["paper"]["miou"] <= 1
    energy = next(line for line in report["boxes"] if line["detector"] == "energy")
    assert energy["recall"] > 0.6
    with (out / "boxes.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(report["boxes"])
    assert read_image(out / "boxes.png").shape[2] == 3
    assert main([*command, "--frames-per-row", "2"]) == 0
    printed = capsys.readouterr().out
    assert "The energy detector on the same pieces" in printed
    assert "Boxes, matched at an IoU of 0.5" in printed
    assert main(["evaluate", str(model), str(tmp_path / "set"), "--draws", "20", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["split"] == "test"


def test_a_model_of_images_is_not_scored_on_recordings(tmp_path, monkeypatch, capsys):
    load_by(monkeypatch, "tests.apps.detect.bursts:load_of_images")
    model = tmp_path / "model.fake"
    model.touch()
    list(write_scenes(tmp_path / "set", SceneOptions(seed=2, samples=65_536), count=2))
    assert main(["evaluate", str(model), str(tmp_path / "set"), "--split", "all"]) == 1
    assert "was trained on images, not on recordings" in capsys.readouterr().err


def test_what_is_too_small_for_a_signal_is_left_out_of_pixel_scores_as_of_boxes(tmp_path, monkeypatch):
    """A click of one row: the network marks a few cells of it, and no signal is there."""
    load_by(monkeypatch, "tests.apps.detect.bursts:load_bright_cells")
    model = tmp_path / "model.fake"
    model.touch()
    samples = noise(65_536)
    samples[12_800:13_056] += np.exp(2j * np.pi * 0.1 * np.arange(256)).astype(np.complex64)
    write_pair(tmp_path / "set", metadata(rate_hz=1e6), samples, name="click")
    known = {"core:sample_start": 0, "core:sample_count": 9000} | {
        f"core:freq_{side}_edge": edge for side, edge in {"lower": 0, "upper": 1e5}.items()
    }
    write_pair(tmp_path / "set", metadata(rate_hz=1e6, annotations=[known]), noise(65_536), name="noise")
    trial = open_evaluation(
        model, tmp_path / "set", EvaluationOptions(split="all"), tile_px=256, batch=1, threshold=None
    )
    sample = trial.samples[0]
    picture, _ = load_pair(sample, trial.label_map)
    assert 0 < trial.predictor.predict(picture).mask.sum() < MIN_CELLS
    assert not compare(trial.predictor, sample, trial.label_map).prediction.any()
