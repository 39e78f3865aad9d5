"""The share of time that channels are in use."""

import csv
import io

import numpy as np
import pytest

from lmsc_unet.apps.detect.occupancy import COLUMNS, draw_occupancy, measure_occupancy, occupancy_csv
from lmsc_unet.cli.main import main
from lmsc_unet.imageio import read_image
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.recording import open_recording
from tests.apps.detect.bursts import bursts, write_bursts
from tests.signals.sigmf_files import metadata, noise, write_pair

HOUR = 3_600
QUICK = ("--model", "energy", "--min-snr-db", 15)


def lmsc(*arguments) -> int:
    return main(["detect", *map(str, arguments)])


def hours(folder, *times, rate_hz=1.0, num_samples=2 * HOUR):
    """A recording at 1 Hz, of captures that begin at the given times."""
    length = num_samples // max(1, len(times))
    captures = [{"core:sample_start": k * length, "core:datetime": time} for k, time in enumerate(times)]
    meta = metadata(rate_hz=rate_hz, captures=captures or None)
    return open_recording(write_pair(folder, meta, noise(num_samples)), is_checked=False)


def box(start, stop, low_hz=0.1, high_hz=0.2):
    return SignalBox(start_sample=start, stop_sample=stop, low_hz=low_hz, high_hz=high_hz)


def rows(recording, boxes, width_hz=0.25):
    text = occupancy_csv(recording, measure_occupancy(recording, boxes, width_hz), width_hz)
    return list(csv.DictReader(io.StringIO(text)))


def test_time_in_use_is_counted_by_hour_and_channel(tmp_path):
    recording = hours(tmp_path, "2024-05-01T12:30:00Z")
    found = rows(recording, [box(0, 900), box(450, 900), box(1_700, 2_000)])
    assert tuple(found[0]) == COLUMNS
    used = {(row["hour"], float(row["low_hz"])): row for row in found}
    assert len(used) == 3 * 4
    assert [float(used["2024-05-01T12:00Z", 0.0][name]) for name in ("observed_s", "occupied_s", "share")] == [
        1_800, 1_000, pytest.approx(1_000 / 1_800, abs=1e-6),
    ]  # fmt: skip
    assert float(used["2024-05-01T13:00Z", 0.0]["share"]) == pytest.approx(200 / HOUR, abs=1e-6)
    assert all(float(row["share"]) == 0 for key, row in used.items() if key[1] != 0)


def test_gaps_are_no_time_of_observation_and_hours_without_times_are_numbered(tmp_path):
    recording = hours(tmp_path / "a", "2024-05-01T12:00:00Z", "2024-05-01T20:00:00Z")
    found = rows(recording, [box(HOUR, 2 * HOUR)])
    assert [row["hour"] for row in found[::4]] == ["2024-05-01T12:00Z", "2024-05-01T20:00Z"]
    assert [float(row["share"]) for row in found if float(row["low_hz"]) == 0] == [0, 1]
    assert {row["hour"] for row in rows(hours(tmp_path / "b"), [])} == {"hour 0", "hour 1"}


@pytest.mark.parametrize(
    ("low_hz", "high_hz", "channels"),
    [
        (0.1, 0.11, [0.0]),  # inside
        (-0.24, 0.24, [-0.25, 0.0]),  # fills two
        (0.0, 0.26, [0.0]),  # its skirt is no use of the next
        (0.24, 0.26, [0.0, 0.25]),  # half in each
        (-0.5, 0.5, [-0.5, -0.25, 0.0, 0.25]),
    ],
)
def test_a_signal_is_in_the_channels_that_it_fills_or_that_hold_it(low_hz, high_hz, channels, tmp_path):
    found = rows(hours(tmp_path, num_samples=100), [box(0, 100, low_hz, high_hz)])
    assert [float(row["low_hz"]) for row in found if float(row["share"]) == 1] == channels


def test_the_picture_has_a_row_per_hour_and_a_colour_per_share(tmp_path):
    recording = hours(tmp_path, "2024-05-01T12:00:00Z")
    picture = draw_occupancy(recording, measure_occupancy(recording, [box(0, HOUR)], 0.25), 0.25)
    yellow = np.all(picture == (0xFD, 0xE7, 0x25), axis=2)
    assert yellow.sum() == 24 * 768 / 4  # one channel of four in one hour of two


def test_files_and_pipes_get_the_report(tmp_path, monkeypatch):
    path = write_bursts(tmp_path / "in")
    assert lmsc(path, "--out", tmp_path / "o", "--occupancy-hz", "100k", *QUICK) == 0
    with (tmp_path / "o/one/occupancy.csv").open() as file:
        found = list(csv.DictReader(file))
    assert len(found) == 10 or len(found) == 11
    used = [row for row in found if float(row["share"]) > 0.25]
    assert [float(row["share"]) for row in used] == pytest.approx([50 / 131.072, 40 / 131.072], rel=0.05)
    assert read_image(tmp_path / "o/one/occupancy.png").shape[2] == 3
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(bursts().tobytes())))
    pipe = ("--datatype", "cf32", "--sample-rate-hz", "1M", "--center-hz", "868M", "--start", "2024-05-01T12:00:00Z")
    assert lmsc("-", *pipe, "--out", tmp_path / "p", "--occupancy-hz", "100k", *QUICK) == 0
    assert "2024-05-01T12:00Z" in (tmp_path / "p/stdin/occupancy.csv").read_text()
    assert lmsc(path, "--out", tmp_path / "o", "--occupancy-hz", "100k", *QUICK, "--overwrite") == 0  # files are ours


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--occupancy-hz", "10"), "its band has 100000 channels of 10 Hz; 1 to 4096 can be counted"),
        (("--occupancy-hz", "1G"), "its band has 0 channels"),
        (("--sample-rate-hz", 1e-9, "--occupancy-hz", 1e-11), "are too many for a table"),
    ],
)
def test_a_table_that_is_none_is_refused_before_the_search(options, message, tmp_path, capsys):
    path = write_bursts(tmp_path / "in")
    assert lmsc(path, "--out", tmp_path / "o", *options, *QUICK) == 2
    assert message in capsys.readouterr().err


def test_a_report_needs_a_folder(tmp_path, capsys):
    assert lmsc(write_bursts(tmp_path), "--follow", "--occupancy-hz", "1k") == 1
    assert "--occupancy-hz writes a table and a picture into the folder of --out" in capsys.readouterr().err
