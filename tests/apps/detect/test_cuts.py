"""`lmsc detect --cut`: each signal as a recording of its own."""

import io
import json

import numpy as np
import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.signals.annotations import read_boxes
from lmsc_unet.signals.recording import open_recording
from tests.apps.detect.bursts import BURSTS, RATE_HZ, bursts, write_bursts
from tests.inference.networks import load_by
from tests.signals.archives import pack
from tests.signals.sigmf_files import metadata, noise, write_pair

QUICK = ("--model", "energy", "--min-snr-db", 15)


def lmsc(*arguments) -> int:
    return main(["detect", *map(str, arguments)])


def cuts(folder):
    return [open_recording(path) for path in sorted(folder.rglob("*.sigmf-meta"))]


def check_bursts(folder, *, center_hz=868e6):
    """Both bursts are there, at 0 Hz, with a margin of noise around them."""
    found = cuts(folder)
    assert len(found) == len(BURSTS)
    for recording, (start, stop, low, high) in zip(found, BURSTS, strict=True):
        (box,) = read_boxes(recording)
        capture = recording.captures[0]
        assert capture.center_hz == pytest.approx(center_hz + (low + high) / 2 * RATE_HZ, abs=5e3)
        assert box.num_samples / recording.sample_rate_hz == pytest.approx((stop - start) / RATE_HZ, rel=0.02)
        assert recording.sample_rate_hz < 5 * (high - low) * RATE_HZ
        samples = np.concatenate(list(recording.chunks()))
        inside = np.mean(np.abs(samples[box.start_sample + 20 : box.stop_sample - 20]) ** 2)
        assert 10 * np.log10(inside / np.mean(np.abs(samples[: box.start_sample - 20]) ** 2)) > 20
    return found


def test_each_signal_is_a_recording_that_points_back(tmp_path):
    captures = [{"core:sample_start": 0, "core:frequency": 868e6, "core:datetime": "2024-05-01T12:00:00Z"}]
    meta = metadata(rate_hz=RATE_HZ, captures=captures, license="https://spdx.org/licenses/CC0-1.0", offset=1_000)
    captures[0]["core:sample_start"] = 1_000
    path = write_pair(tmp_path / "in", meta, bursts())
    assert lmsc(path, "--cut", tmp_path / "c", *QUICK) == 0
    first, _ = check_bursts(tmp_path / "c")
    fields = first.metadata["global"]
    assert fields["lmsc:source"] == "one.sigmf-meta"
    assert fields["core:license"] == "https://spdx.org/licenses/CC0-1.0"
    place = fields["lmsc:source_sample_start"]
    assert 17_000 < place < 1_000 + BURSTS[0][0]
    assert first.utc(0).timestamp() % 60 == pytest.approx((place - 1_000) / RATE_HZ, abs=1e-5)
    assert first.path.name.startswith("0001_8681")
    lines = [json.loads(line) for line in (tmp_path / "c/cuts.jsonl").read_text().splitlines()]
    assert [line["path"] for line in lines] == [str(path)] * 2


def test_archives_folders_pipes_and_channels_are_cut_too(tmp_path, monkeypatch):
    path = write_bursts(tmp_path / "in")
    archive = pack(path, tmp_path / "one.sigmf.gz")
    assert lmsc(archive, "--cut", tmp_path / "a", *QUICK) == 0
    check_bursts(tmp_path / "a")
    assert lmsc(tmp_path / "in", "--cut", tmp_path / "b", *QUICK) == 0
    check_bursts(tmp_path / "b")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(bursts().tobytes())))
    pipe = ("--datatype", "cf32", "--sample-rate-hz", "1M", "--center-hz", "868M")
    assert lmsc("-", *pipe, "--cut", tmp_path / "p", "--out", tmp_path / "o", *QUICK) == 0
    check_bursts(tmp_path / "p")
    both = np.stack([noise(1 << 17, seed=1), bursts()], axis=1).reshape(-1)
    two = write_pair(tmp_path / "two", metadata(rate_hz=RATE_HZ, num_channels=2), both)
    assert lmsc(two, "--cut", tmp_path / "t", *QUICK) == 0
    found = check_bursts(tmp_path / "t", center_hz=0)
    assert found[0].metadata["global"]["lmsc:source_channel"] == 1


def test_a_models_signals_are_cut_too(tmp_path, monkeypatch):
    load_by(monkeypatch, "tests.apps.detect.bursts:load_bright_cells")
    (tmp_path / "model.fake").touch()
    assert lmsc(write_bursts(tmp_path / "in"), "--cut", tmp_path / "c", "--model", tmp_path / "model.fake") == 0
    assert {read_boxes(one)[0].label for one in check_bursts(tmp_path / "c")} == {"burst"}


def test_cuts_are_refused_replaced_and_no_input(tmp_path, capsys):
    path = write_bursts(tmp_path / "in")
    assert lmsc(path, "--cut", tmp_path / "in/c", *QUICK) == 0
    assert lmsc(path, "--cut", tmp_path / "in/c", *QUICK) == 1
    assert "this folder holds results. Go on with them by --resume, replace them by --overwrite, or name another " in (
        said := capsys.readouterr().err
    )
    assert "folder by --cut" in said
    assert lmsc(path, "--cut", tmp_path / "in/c", *QUICK, "--overwrite", "--ignore", "868M-869M") == 0
    assert len(cuts(tmp_path / "in/c")) == 1
    assert lmsc(tmp_path / "in", "--cut", tmp_path / "in/c", "--out", tmp_path / "o", *QUICK, "--overwrite") == 0
    assert len(list((tmp_path / "o").rglob("signals.csv"))) == 1
    check_bursts(tmp_path / "in/c")
    assert lmsc(path, "--cut", tmp_path / "x", "--out", tmp_path / "x", *QUICK) == 1
    assert "--out and --cut name the same folder" in capsys.readouterr().err


def test_cutting_goes_on_after_a_kill_and_ends_alike(tmp_path):
    path = write_bursts(tmp_path / "in")
    given = (path, "--out", tmp_path / "o", "--cut", tmp_path / "c", *QUICK)
    assert lmsc(*given) == 0
    before = {
        file: file.read_bytes() for file in (tmp_path / "c").rglob("*") if file.is_file() and "run" not in file.name
    }
    (tmp_path / "o/detections.jsonl").write_text("")
    next((tmp_path / "c").rglob("0002*data")).unlink()
    assert lmsc(*given, "--resume") == 0
    after = {
        file: file.read_bytes() for file in (tmp_path / "c").rglob("*") if file.is_file() and "run" not in file.name
    }
    assert after == before


def test_a_cut_can_be_searched_again(tmp_path):
    assert lmsc(write_bursts(tmp_path / "in"), "--cut", tmp_path / "c", *QUICK) == 0
    assert lmsc(tmp_path / "c", "--out", tmp_path / "o", "--model", "energy") == 0
    assert len(list((tmp_path / "o").rglob("signals.csv"))) == 2
