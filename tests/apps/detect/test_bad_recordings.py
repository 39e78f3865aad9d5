"""Every fault of a recording through `lmsc detect`: told with its message, and the others go on."""

import errno
import json
import os

import numpy as np
import pytest

from lmsc_unet.apps.detect import job
from lmsc_unet.cli.main import main
from lmsc_unet.core.storage import cannot_write
from tests.apps.detect.bursts import bursts, write_bursts
from tests.signals.archives import flip, pack, set_zip_fields
from tests.signals.sigmf_files import metadata, noise, write_pair

GOOD = noise(40_000)


def annotation(start=10, count=20, low=-100.0, high=100.0):
    edges = {"core:freq_lower_edge": low, "core:freq_upper_edge": high}
    return {"core:sample_start": start, "core:sample_count": count, **edges}


def nan_at(place):
    samples = GOOD.copy()
    samples[place] = np.nan
    return samples


def detect(path, out) -> int:
    return main(["detect", str(path), "--out", str(out)])


@pytest.mark.parametrize(
    ("meta", "data", "message"),
    [
        (metadata(), None, "the data file one.sigmf-data is missing. Put it beside the metadata"),
        (metadata(), b"", "the recording is empty: 0 bytes of data"),
        (metadata("cf16_le"), GOOD, "'cf16_le' is no SigMF datatype. It must be one like cf32_le"),
        (metadata(rate_hz=None), GOOD, "the sample rate is missing; it must be above 0. Give it with --sample-rate-hz"),
        (metadata(rate_hz=0), GOOD, "the sample rate is 0; it must be above 0"),
        (metadata(), nan_at(30_000), "1 samples from sample 30000 on are NaN or infinite"),
        (metadata(dataset="../../etc/passwd"), GOOD, "paths that could leave it are rejected"),
        (metadata(description=5), GOOD, "global/core:description is not valid SigMF"),
        ("{", GOOD, "the metadata is no JSON"),
        (metadata(dataset="one.sigmf-meta"), None, "core:dataset names the metadata itself"),  # R10
        (metadata(extensions={"antenna": None}), GOOD, "global/core:extensions is not valid SigMF"),  # R2, D6
        (metadata() | {"x:deep": json.loads("[" * 900 + "]" * 900)}, GOOD, "the metadata is nested too deeply"),
    ],
)
def test_a_recording_that_cannot_be_searched_is_told_and_the_next_goes_on(meta, data, message, tmp_path, capsys):
    path = write_pair(tmp_path / "in", meta, data)
    write_bursts(tmp_path / "in", "two")
    assert detect(tmp_path / "in", tmp_path / "out") == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert str(path) in printed.err
    assert "two: 2 signals" in printed.out
    entries = [json.loads(line) for line in (tmp_path / "out/detections.jsonl").read_text().splitlines()]
    assert [entry["status"] for entry in entries] == ["failed", "ok"]
    assert message in entries[0]["error"]
    assert json.loads((tmp_path / "out/run.json").read_text())["failed"] == 1


def test_signals_of_a_recording_whose_metadata_cannot_be_written_on_are_kept(tmp_path, capsys):  # D9
    write_bursts(tmp_path / "in", description=5)
    out = tmp_path / "out"
    assert detect(tmp_path / "in", out) == 2
    assert "Its signals are in signals.csv and spectrogram.png." in capsys.readouterr().err
    entry = json.loads((out / "detections.jsonl").read_text())
    assert (entry["status"], entry["signals"]) == ("failed", 2)
    assert entry["files"] == ["one/signals.csv", "one/spectrogram.png"]
    assert len((out / "one/signals.csv").read_text().splitlines()) == 3
    assert main(["detect", str(tmp_path / "in"), "--out", str(out), "--overwrite"]) == 2


def test_metadata_is_checked_before_the_search(tmp_path, monkeypatch):  # D9
    seen = []
    monkeypatch.setattr(job, "check_annotatable", lambda _: seen.append("checked"))
    monkeypatch.setattr(job, "search_recording", lambda *_, **__: seen.append("searched"))
    detect(write_bursts(tmp_path / "in"), tmp_path / "out")
    assert seen == ["checked", "searched"]


@pytest.mark.parametrize("error", [RuntimeError("odd"), AttributeError("x"), RecursionError("deep"), MemoryError()])
def test_whatever_happens_in_one_recording_is_a_line_and_the_others_go_on(error, tmp_path, capsys, monkeypatch):  # R2
    search = job.search_recording

    def fail_once(recording, *rest, **more):
        if recording.name == "one":
            raise error
        return search(recording, *rest, **more)

    monkeypatch.setattr(job, "search_recording", fail_once)
    for name in ("one", "two"):
        write_pair(tmp_path / "in", metadata(), GOOD[:9_000], name=name)
    assert detect(tmp_path / "in", tmp_path / "out") == 2
    assert "two: 0 signals" in capsys.readouterr().out
    entries = [json.loads(line) for line in (tmp_path / "out/detections.jsonl").read_text().splitlines()]
    assert [entry["status"] for entry in entries] == ["failed", "ok"]


@pytest.mark.parametrize(
    ("number", "is_fatal"), [(errno.ENOSPC, True), (errno.EROFS, True), (errno.ENAMETOOLONG, False)]
)
def test_only_a_disk_that_takes_no_more_stops_the_others(number, is_fatal, tmp_path, monkeypatch):  # R10
    def fail(*_args, **_more):
        raise cannot_write(tmp_path, OSError(number, "no")) from OSError(number, "no")

    monkeypatch.setattr(job, "write_found", fail)
    assert detect(write_bursts(tmp_path / "in"), tmp_path / "out") == (1 if is_fatal else 2)


def test_recordings_may_have_any_name(tmp_path):
    names = ["run.json", "detections.jsonl", "x" * 244, "a\nb", 'a"b,c', os.fsdecode(b"a\xff")]
    for name in names:
        write_pair(tmp_path / "in", metadata(), GOOD[:9_000], name=name)
    assert main(["detect", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--model", "energy"]) == 0
    assert len(list((tmp_path / "out").glob("*/signals.csv"))) == len(names)


def test_odd_archives_are_failed_lines(tmp_path, capsys):  # R8, R9
    pair = write_bursts(tmp_path / "x")
    (tmp_path / "in").mkdir()
    flip(pack(pair, tmp_path / "in/a.sigmf.gz"), 0.5)
    flip(pack(pair, tmp_path / "in/b.sigmf.xz"), 0.5)
    set_zip_fields(pack(pair, tmp_path / "in/c.sigmf.zip"), flags=1)
    pack(pair, tmp_path / "in/d.sigmf.gz")
    assert detect(tmp_path / "in", tmp_path / "out") == 2
    printed = capsys.readouterr()
    assert printed.err.count("the archive is damaged") == 3
    assert "d: 2 signals" in printed.out
    whole = json.loads((tmp_path / "out/d/d.sigmf-meta").read_text())
    assert whole["global"]["core:metadata_only"] is True  # B9: no samples lie beside it


@pytest.mark.parametrize(
    ("meta", "data", "message"),
    [
        (metadata("ci16_le"), bytes(40_003), "not a whole number of samples of 4 bytes"),
        (metadata(sha512="0" * 128), GOOD, "the metadata has 000000000000"),
        (metadata(annotations=[annotation(start=90_000)]), GOOD, "The data file is shorter than annotated"),
        (metadata(annotations=[annotation(count=90_000)]), GOOD, "samples beyond the data's end; it is clipped"),
        (metadata(annotations=[annotation(low=600.0, high=700.0)]), GOOD, "outside the recording's band"),
        (metadata(annotations=[annotation(high=900.0)]), GOOD, "extends beyond the band"),
        (metadata(annotations=[annotation(low=9.0, high=-9.0)]), GOOD, "lower edge (9.0 Hz) above its upper"),
    ],
)
def test_what_is_odd_is_warned_of_and_searched_all_the_same(meta, data, message, tmp_path, capsys):
    path = write_pair(tmp_path / "in", meta, data)
    assert detect(path, tmp_path / "out") == 0
    assert f"lmsc: warning: {path}" in (err := capsys.readouterr().err)
    assert message in err
    whole = json.loads((tmp_path / "out/one/one.sigmf-meta").read_text())
    assert whole["annotations"][: len(meta["annotations"])] == meta["annotations"]


def test_a_checksum_that_does_not_match_can_be_left_unchecked(tmp_path, capsys):
    path = write_pair(tmp_path / "in", metadata(sha512="0" * 128), GOOD)
    assert main(["detect", str(path), "--follow", "--no-checksum"]) == 0
    assert "warning" not in capsys.readouterr().err


@pytest.mark.parametrize("num_samples", [1, 3, 255, 256, 9_000])
def test_a_recording_shorter_than_one_picture_works(num_samples, tmp_path):
    path = write_pair(tmp_path / "in", metadata(), bursts()[:num_samples])
    assert detect(path, tmp_path / "out") == 0
    assert (tmp_path / "out/one/spectrogram.png").stat().st_size > 1000


def test_a_folder_without_recordings_is_told(tmp_path, capsys):
    assert detect(tmp_path, tmp_path / "out") == 1
    assert "the folder holds no .sigmf-meta" in capsys.readouterr().err
