"""The time and the rate of each capture: gaps are gaps, and samples have UTC times."""

from datetime import UTC, datetime

import numpy as np
import pytest

from lmsc_unet.apps.detect.writers import TIME_COLUMNS, columns_of, to_row
from lmsc_unet.signals.annotations import annotated
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.recording import RecordingWarning, open_recording
from lmsc_unet.signals.recording.times import format_utc, parse_utc
from tests.signals.sigmf_files import metadata, noise, write_pair

NOON = "2024-05-01T12:00:00Z"


def opened(folder, captures, **fields):
    return open_recording(write_pair(folder, metadata(captures=captures, **fields), noise(4_000)), is_checked=False)


@pytest.mark.parametrize(
    ("second", "num_captures", "gap_s"),
    [
        ({"core:datetime": "2024-05-01T12:00:02Z"}, 1, 0.0),  # 2000 samples at 1 kHz later
        ({"core:datetime": "2024-05-01T12:00:02.050Z"}, 1, 0.0),  # clocks are not exact
        ({"core:datetime": "2024-05-01T15:00:02Z"}, 2, 10_800.0),
        ({"core:datetime": "2024-05-01T11:59:00Z"}, 2, -62.0),  # the clock was set
        ({"core:global_index": 102_000}, 2, 100.0),  # samples were dropped
        ({"core:global_index": 2_000}, 1, 0.0),
        ({}, 1, 0.0),
    ],
)
def test_captures_of_one_frequency_are_joined_unless_time_is_missing_between_them(  # D10 b
    second, num_captures, gap_s, tmp_path
):
    first = {"core:sample_start": 0, "core:datetime": NOON, "core:global_index": 0}
    recording = opened(tmp_path, [first, {"core:sample_start": 2_000} | second])
    assert len(recording.captures) == num_captures
    assert recording.captures[-1].gap_s == pytest.approx(gap_s)
    stop = recording.utc(4_000)
    assert stop.timestamp() == pytest.approx(datetime(2024, 5, 1, 12, 0, 4, tzinfo=UTC).timestamp() + gap_s, abs=1e-3)
    assert recording.seconds(4_000) == pytest.approx(4)


def test_a_time_that_only_a_later_part_has_counts_for_the_whole_stretch(tmp_path):
    recording = opened(tmp_path, [{"core:sample_start": 0}, {"core:sample_start": 1_000, "core:datetime": NOON}])
    assert format_utc(recording.utc(0)) == "2024-05-01T11:59:59.000000Z"


def test_rows_have_utc_times_where_the_recording_knows_them(tmp_path):  # D10 c
    box = SignalBox(start_sample=500, stop_sample=2_000, low_hz=0, high_hz=10)
    captures = [{"core:sample_start": 0, "core:datetime": NOON}, {"core:sample_start": 2_000, "core:frequency": 5.0}]
    row = to_row(box, opened(tmp_path / "a", captures))
    assert (row["start_s"], row["stop_s"]) == (0.5, 2.0)
    assert (row["start_utc"], row["stop_utc"]) == ("2024-05-01T12:00:00.500000Z", "2024-05-01T12:00:02.000000Z")
    assert not set(TIME_COLUMNS) & set(columns_of(opened(tmp_path / "b", [{"core:sample_start": 0}])))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NOON, "2024-05-01T12:00:00.000000Z"),
        ("2024-05-01t12:00:00.123456789z", "2024-05-01T12:00:00.123456Z"),
        ("2024-05-01 14:00:00+02:00", "2024-05-01T12:00:00.000000Z"),
        ("2024-05-01T12:00:00", "2024-05-01T12:00:00.000000Z"),  # some programs leave the Z out
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        (17, None),
    ],
)
def test_times_are_read_as_people_write_them(text, expected):
    time = parse_utc(text)
    assert (time and format_utc(time)) == expected


def test_a_time_that_is_none_is_told_and_ignored(tmp_path):
    with pytest.warns(RecordingWarning, match="core:datetime is 'noon', which is no time; it is ignored"):
        recording = opened(tmp_path, [{"core:sample_start": 0, "core:datetime": "noon"}])
    assert recording.utc(0) is None


def test_captures_with_a_rate_of_their_own_are_read_at_it(tmp_path):  # D10 a, as SDRangel writes them
    captures = [{"core:sample_start": 0}, {"core:sample_start": 2_000, "sdrangel:sample_rate": 500}]
    recording = opened(tmp_path, captures)
    assert [capture.sample_rate_hz for capture in recording.captures] == [1_000, 500]
    assert recording.duration_s == pytest.approx(2 + 4)
    assert recording.seconds(2_500) == pytest.approx(3)
    path = recording.path
    same = open_recording(path, sample_rate_hz=1_000, is_checked=False)  # what the user says holds for all of it
    assert len(same.captures) == 1
    assert "sdrangel:sample_rate" not in str(annotated(same, ()))
    assert "sdrangel:sample_rate" in str(annotated(recording, ()))


def test_extreme_numbers_give_no_time_and_no_error(tmp_path):
    first = {"core:sample_start": 0, "core:datetime": NOON, "core:global_index": 0}
    captures = [first, {"core:sample_start": 10, "core:global_index": 2**62}]
    recording = opened(tmp_path, captures, rate_hz=1e-9)
    assert recording.utc(3_000) is None
    assert np.isfinite(recording.captures[1].gap_s)
