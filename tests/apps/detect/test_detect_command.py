"""`lmsc detect` as a user calls it."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest

from lmsc_unet.apps.detect.writers import COLUMNS
from lmsc_unet.cli.main import main
from lmsc_unet.imageio import read_image
from lmsc_unet.signals.annotations import read_boxes
from lmsc_unet.signals.recording import open_recording
from lmsc_unet.synthetic.radio.scene import SceneOptions
from lmsc_unet.synthetic.radio.writer import write_scenes
from tests.apps.detect.bursts import BURSTS, RATE_HZ, bursts, write_bursts
from tests.inference.networks import load_by
from tests.signals.sigmf_files import metadata, noise, write_pair


def lmsc(*arguments) -> int:
    return main(["detect", *map(str, arguments)])


def table(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_recording_gives_annotations_a_table_and_a_picture(tmp_path, capsys):
    path = write_bursts(tmp_path / "in")
    before = path.read_bytes()
    assert lmsc(path, "--out", tmp_path / "out") == 0
    assert "one: 2 signals in 0.131072 s of recording" in capsys.readouterr().out
    rows = table(tmp_path / "out/one/signals.csv")
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(BURSTS)
    for row, (start, stop, low, high) in zip(rows, BURSTS, strict=True):
        assert float(row["start_s"]) == pytest.approx(start / RATE_HZ, abs=3e-4)
        assert float(row["stop_s"]) == pytest.approx(stop / RATE_HZ, abs=3e-4)
        assert float(row["low_hz"]) == pytest.approx(868e6 + low * RATE_HZ, abs=2e4)
        assert float(row["bandwidth_hz"]) == pytest.approx((high - low) * RATE_HZ, rel=0.3)
        assert float(row["snr_db"]) == pytest.approx(30, abs=2)
        assert row["label"] == "signal"
    again = open_recording(tmp_path / "out/one/one.sigmf-meta")  # the samples lie beside it
    assert [box.label for box in read_boxes(again)] == ["signal", "signal"]
    picture = read_image(tmp_path / "out/one/spectrogram.png")
    assert picture.shape[2] == 3
    assert min(picture.shape[:2]) > 400
    assert path.read_bytes() == before


def test_the_new_metadata_passes_sigmfs_own_validator(tmp_path):
    lmsc(write_bursts(tmp_path / "in"), "--out", tmp_path / "out")
    tool = [sys.executable, "-m", "sigmf.validate", str(tmp_path / "out/one/one.sigmf-meta")]
    assert subprocess.run(tool, capture_output=True, check=False).returncode == 0


def test_recordings_of_one_name_never_collide(tmp_path):
    for folder in ("a", "b"):
        write_bursts(tmp_path / "in" / folder)
    write_bursts(tmp_path / "in", "raw.sigmf-data.old")
    assert lmsc(tmp_path / "in", "--out", tmp_path / "out") == 0
    assert len(list((tmp_path / "out").rglob("signals.csv"))) == 3
    assert (tmp_path / "out/a/one/signals.csv").exists()
    assert (tmp_path / "out/b/one/signals.csv").exists()


def test_a_pair_counts_once_whichever_file_is_named(tmp_path):
    path = write_bursts(tmp_path / "in")
    assert lmsc(path, path.with_suffix(".sigmf-data"), "--out", tmp_path / "out") == 0
    assert len((tmp_path / "out/detections.jsonl").read_text().splitlines()) == 1


def test_each_channel_has_a_folder_of_its_own(tmp_path):
    both = np.stack([bursts(), noise(1 << 17, seed=5)], axis=1).reshape(-1)
    path = write_pair(tmp_path / "in", metadata(rate_hz=RATE_HZ, num_channels=2), both)
    assert lmsc(path, "--out", tmp_path / "out") == 0
    assert [len(table(tmp_path / f"out/one/channel-{k}/signals.csv")) for k in (0, 1)] == [2, 0]
    assert lmsc(path, "--out", tmp_path / "second", "--channel", 1) == 0
    assert not (tmp_path / "second/one/channel-0").exists()


def test_every_capture_is_searched_at_its_own_centre(tmp_path):
    samples = np.concatenate([bursts(), bursts()])
    captures = [{"core:sample_start": k << 17, "core:frequency": 100e6 * (k + 1)} for k in (0, 1)]
    path = write_pair(tmp_path / "in", metadata(rate_hz=RATE_HZ, captures=captures), samples)
    assert lmsc(path, "--out", tmp_path / "out") == 0
    rows = table(tmp_path / "out/one/signals.csv")
    assert [round(float(row["low_hz"]) / 1e8) for row in rows] == [1, 1, 2, 2]
    assert float(rows[2]["start_s"]) == pytest.approx(float(rows[0]["start_s"]) + 0.131072, abs=1e-3)


def test_a_raw_file_becomes_a_recording(tmp_path):
    raw = tmp_path / "radio.cf32"
    bursts().tofile(raw)
    assert lmsc(raw, "--datatype", "cf32_le", "--sample-rate-hz", 1e6, "--center-hz", 1e9, "--out", tmp_path / "o") == 0
    assert float(table(tmp_path / "o/radio/signals.csv")[0]["low_hz"]) == pytest.approx(1.0001e9, abs=2e4)
    assert len(read_boxes(open_recording(tmp_path / "o/radio/radio.cf32.sigmf-meta"))) == 2


def test_a_model_is_used_in_place_of_the_energy_detector(tmp_path, monkeypatch, capsys):
    load_by(monkeypatch, "tests.apps.detect.bursts:load_bright_cells")
    model = tmp_path / "model.fake"
    model.touch()
    path = write_bursts(tmp_path / "in")
    assert lmsc(path, "--model", model, "--frames-per-row", 8, "--out", tmp_path / "out") == 0
    assert [row["label"] for row in table(tmp_path / "out/one/signals.csv")] == ["burst", "burst"]
    assert json.loads((tmp_path / "out/run.json").read_text())["model"]["sha256"]
    load_by(monkeypatch, "tests.apps.detect.bursts:load_of_images")
    assert lmsc(path, "--model", model, "--out", tmp_path / "other") == 1
    assert "was trained on images, not on recordings" in capsys.readouterr().err


def test_results_are_refused_and_replaced_on_request_and_nothing_else_is_removed(tmp_path, capsys):
    path, out = write_bursts(tmp_path / "in"), tmp_path / "out"
    assert lmsc(path, "--out", out) == 0
    assert lmsc(path, "--out", out) == 1
    assert "holds results. Go on with them by --resume" in capsys.readouterr().err
    (out / "one/notes.txt").write_text("mine")
    other = write_bursts(tmp_path / "in", "other")
    assert lmsc(other, "--out", out, "--overwrite") == 0
    assert not (out / "one/signals.csv").exists()
    assert (out / "one/notes.txt").read_text() == "mine"
    assert path.with_suffix(".sigmf-data").exists()
    assert lmsc(path, "--out", tmp_path / "in") == 1
    assert "which no `lmsc detect` wrote" in capsys.readouterr().err


def test_follow_prints_each_signal_as_a_line_and_needs_no_folder(tmp_path, capsys):
    assert lmsc(write_bursts(tmp_path / "in"), "--follow") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [set(line) for line in lines] == [{"recording", *COLUMNS, "state"}] * 2


@pytest.mark.parametrize("with_files", [False, True])
def test_standard_input_is_searched_until_it_closes(with_files, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(bursts().tobytes())))
    out = ("--out", tmp_path / "out") if with_files else ()
    assert lmsc("-", "--datatype", "cf32_le", "--sample-rate-hz", 1e6, *out) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    if with_files:
        assert len(table(tmp_path / "out/stdin/signals.csv")) == 2
        whole = json.loads((tmp_path / "out/stdin/stdin.sigmf-meta").read_text())
        assert whole["global"]["core:metadata_only"] is True
        assert len(whole["annotations"]) == 2


def test_a_signal_is_printed_while_the_pipe_is_still_open(tmp_path):
    command = [sys.executable, "-m", "lmsc_unet.cli", "detect", "-", "--datatype=cf32_le", "--sample-rate-hz=1e6"]
    command += ["--model", "energy"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(np.concatenate([bursts(), noise(1 << 20)]).tobytes())
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["label"] == "signal"
        process.stdin.close()
        assert process.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "No recording is named"),
        (["-"], "Standard input does not say what its bytes are. Give --datatype"),
        (["-", "--datatype", "cu8"], "standard input: the sample rate is missing"),
        (["-", "x"], "cannot be combined with files"),
        (["/nowhere.sigmf-meta"], "there is no such file or folder"),
        (["--datatpye", "cu8"], "There is no option --datatpye"),
        (["here", "--model", "/nowhere"], "There is no model at /nowhere"),
        (["here", "--frames-per-row", "0"], "frames_per_row is 0; it must be at least 1"),
        (["here", "--nfft", "9"], "nfft is 9; it must be even"),
        (["here", "--datatype", "ci16_le"], "--datatype is for raw files, but here/one.sigmf-meta is SigMF"),  # R28
        (["here", "--center-hz", "1e6"], "--center-hz is for raw files, but here/one.sigmf-meta is SigMF"),
        (["here", "--datatype", ""], "'' is no SigMF datatype"),
        (["here", "--sample-rate-hz", "0"], "sample_rate_hz is 0.0; it must be above 0"),  # B12
        (["here", "--center-hz", "inf"], "center_hz is inf; it must be a number of Hz"),
    ],
)
def test_a_wrong_use_is_told_and_writes_nothing(arguments, message, tmp_path, capsys, monkeypatch):
    write_bursts(tmp_path / "here")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert lmsc(*arguments, "--out", "out") == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_without_a_folder_and_without_lines_there_is_nothing_to_do(tmp_path, capsys):
    assert lmsc(write_bursts(tmp_path)) == 1
    assert "Nothing would be written" in capsys.readouterr().err


def test_a_result_that_is_searched_again_has_its_signals_once_and_the_users_annotations(tmp_path):  # D12
    mine = {"core:sample_start": 3, "core:sample_count": 9, "core:comment": "by hand"}
    path = write_bursts(tmp_path / "in", annotations=[mine])
    assert lmsc(path, "--out", tmp_path / "a", "--model", "energy") == 0
    first = json.loads((tmp_path / "a/one/one.sigmf-meta").read_text())
    assert lmsc(tmp_path / "a/one/one.sigmf-meta", "--out", tmp_path / "b", "--model", "energy") == 0
    second = json.loads((tmp_path / "b/one/one.sigmf-meta").read_text())
    assert second["annotations"] == first["annotations"]
    assert len(second["annotations"]) == 3


def test_the_truth_of_generated_scenes_stays(tmp_path):  # D12
    list(write_scenes(tmp_path / "in", SceneOptions(samples=65_536), count=1))
    (path,) = (tmp_path / "in").glob("*.sigmf-meta")
    truth = json.loads(path.read_text())["annotations"]
    assert lmsc(path, "--out", tmp_path / "o", "--model", "energy") == 0
    (found,) = (tmp_path / "o").rglob("*.sigmf-meta")
    assert all(entry in json.loads(found.read_text())["annotations"] for entry in truth)


def test_a_rate_that_is_given_stands_in_the_results_with_the_old_one_in_a_comment(tmp_path):  # D7
    path = write_bursts(tmp_path / "in")
    assert lmsc(path, "--sample-rate-hz", 2e6, "--out", tmp_path / "o", "--model", "energy") == 0
    whole = json.loads((tmp_path / "o/one/one.sigmf-meta").read_text())
    assert whole["global"]["core:sample_rate"] == 2e6
    assert whole["global"]["lmsc:comment"] == "core:sample_rate was 1000000.0; it was replaced by 2000000.0."
    edges = [entry["core:freq_upper_edge"] - 868e6 for entry in whole["annotations"]]
    assert edges == pytest.approx([0.2 * 2e6, -0.2 * 2e6], abs=2e4)
    path.write_text(path.read_text().replace('"core:sample_rate": 1000000.0, ', ""))
    assert lmsc(path, "--sample-rate-hz", 3e6, "--out", tmp_path / "p", "--model", "energy") == 0
    assert json.loads((tmp_path / "p/one/one.sigmf-meta").read_text())["global"]["core:sample_rate"] == 3e6


def test_of_many_channels_the_first_have_pictures(tmp_path, capsys):  # D15
    samples = noise(40 * 300)
    path = write_pair(tmp_path / "in", metadata("cf32_le", num_channels=40), samples)
    assert lmsc(path, "--out", tmp_path / "o", "--model", "energy") == 0
    assert len(list((tmp_path / "o").rglob("signals.csv"))) == 40
    assert len(list((tmp_path / "o").rglob("spectrogram.png"))) == 16
    assert "of its 40 channels the first 16 get a picture" in capsys.readouterr().err
    assert lmsc(path, "--out", tmp_path / "p", "--model", "energy", "--channel", 33) == 0
    assert (tmp_path / "p/one/channel-33/spectrogram.png").is_file()


def test_samples_that_cannot_be_right_are_remarked_on(tmp_path, capsys):  # D10
    (tmp_path / "x.raw").write_bytes(bytes(40_000))
    assert lmsc(tmp_path / "x.raw", "--datatype", "ci8", "--sample-rate-hz", 1e6, "--out", tmp_path / "o") == 0
    assert "every sample that was checked is zero" in capsys.readouterr().err
