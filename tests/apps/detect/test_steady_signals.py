"""Signals that go on are told, those beyond the limits are not."""

import io
import json

import numpy as np
import pytest

from lmsc_unet.apps.detect.limits import SignalLimits
from lmsc_unet.apps.detect.searching import SignalSearch, search_stream
from lmsc_unet.apps.detect.steady import SteadySignals
from lmsc_unet.cli.main import main
from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.detector import load_detector
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.recording import open_recording, open_stream
from tests.apps.detect.bursts import write_bursts
from tests.signals.sigmf_files import noise

RATE_HZ = 100_000


def carrier(seconds, *, on_s, off_s):
    """Noise with a carrier at 20 kHz."""
    samples = noise(int(seconds * RATE_HZ))
    times = np.arange(int(on_s * RATE_HZ), int(off_s * RATE_HZ))
    samples[times] += 3 * np.exp(2j * np.pi * 0.2 * times).astype(np.complex64)
    return samples


def lmsc(*arguments) -> int:
    return main(["detect", *map(str, arguments)])


def test_a_steady_signal_in_a_pipe_is_told_while_it_goes_on(tmp_path, capsys, monkeypatch):  # D11
    samples = carrier(48, on_s=3, off_s=43)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(samples.tobytes())))
    given = (
        "--datatype",
        "cf32_le",
        "--sample-rate-hz",
        "100k",
        "--model",
        "energy",
        "--steady-s",
        12,
        "--min-snr-db",
        10,
    )
    assert lmsc("-", *given, "--out", tmp_path / "o") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["state"] for line in lines] == ["began", "lasting", "lasting", "ended"]
    assert [line["start_s"] for line in lines] == pytest.approx([3] * 4, abs=0.01)
    assert [line["stop_s"] - 3 for line in lines] == pytest.approx([12, 24, 36, 40], abs=1.5)
    assert len((tmp_path / "o/stdin/signals.csv").read_text().splitlines()) == 2


def test_what_goes_on_is_kept_while_the_pipe_is_open():  # D2, D11: a power cut while a carrier is on
    stream = open_stream(io.BytesIO(carrier(12, on_s=3, off_s=12).tobytes()), datatype="cf32_le", sample_rate_hz=1e5)
    kept = []
    search = SignalSearch(finder=load_detector("energy"), limits=SignalLimits(min_snr_db=10))
    search_stream(stream, search, lambda found: kept.append(found), every_s=0)
    assert len(kept[-1].boxes) == 1
    assert kept[-1].boxes[0].stop_sample > 9 * RATE_HZ


def test_signals_beside_each_other_are_told_apart():
    told = []
    steady = SteadySignals(100, lambda box, state: told.append((box.low_hz, state)))
    for stop in (50, 120, 180, 260):
        steady.watch(
            SignalBox(start_sample=0, stop_sample=stop, low_hz=low, high_hz=low + 5) for low in (0, 10) if stop < 200
        )
    assert told == [(0, "began"), (10, "began")]


@pytest.mark.parametrize(
    ("options", "num_left"),  # 40 and 50 ms, 100 kHz each, 30 dB
    [
        (("--min-duration-s", 0.045), 1),
        (("--max-duration-s", 0.045), 1),
        (("--min-bandwidth-hz", "250k"), 0),
        (("--max-bandwidth-hz", "0.2M"), 2),
        (("--min-snr-db", 40), 0),
        (("--ignore", "868M-869MHz"), 1),
        (("--ignore=868M-869M", "--ignore=867.5M-868M"), 0),
    ],
)
def test_signals_beyond_the_limits_are_left_out(options, num_left, tmp_path, capsys):
    path = write_bursts(tmp_path / "in")
    assert lmsc(path, "--out", tmp_path / "o", "--model", "energy", "--follow", *options) == 0
    assert len(capsys.readouterr().out.splitlines()) == num_left
    assert len((tmp_path / "o/one/signals.csv").read_text().splitlines()) == 1 + num_left


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--ignore", "868M"), "'868M' is no band of frequencies. Write its edges with a - in between"),
        (("--ignore", "869M-868M"), "The band to ignore is 8.69e+08 to 8.68e+08 Hz; its lower edge must come first"),
        (("--min-duration-s", 2, "--max-duration-s", 1), "min_duration_s is 2.0, above max_duration_s, which is 1.0"),
        (("--min-bandwidth-hz", "wide"), "'wide' is no number of Hz. Write it like 2400000, 2.4e6, 250k or 433.92M"),
        (("--steady-s", 0), "steady_s is 0.0; it must be above 0"),
    ],
)
def test_impossible_limits_are_told(options, message, tmp_path, capsys):
    assert lmsc(write_bursts(tmp_path / "in"), "--out", tmp_path / "o", *options) == 1
    printed = capsys.readouterr()
    assert message in printed.err + printed.out
    assert not (tmp_path / "o").exists()


def test_resuming_with_other_limits_is_refused(tmp_path, capsys):
    path = write_bursts(tmp_path / "in")
    assert lmsc(path, "--out", tmp_path / "o", "--model", "energy") == 0
    assert lmsc(path, "--out", tmp_path / "o", "--model", "energy", "--min-snr-db", 3, "--resume") == 1
    assert "limits" in capsys.readouterr().err


def test_a_signal_without_snr_is_as_strong_as_needed(tmp_path):
    recording = open_recording(write_bursts(tmp_path))
    box = SignalBox(start_sample=0, stop_sample=9, low_hz=0, high_hz=1)
    assert SignalLimits(min_snr_db=99).allow(box, recording)
    with pytest.raises(ConfigError, match="min_snr_db is nan"):
        SignalLimits(min_snr_db=float("nan"))


def test_a_burst_is_no_steady_signal(tmp_path, capsys):
    path = write_bursts(tmp_path / "in")
    assert lmsc(path, "--model", "energy", "--follow", "--steady-s", 1) == 0
    assert {json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()} == {"ended"}
