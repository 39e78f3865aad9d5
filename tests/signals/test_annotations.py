import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lmsc_unet.errors import DataError, OutputError
from lmsc_unet.signals.annotations import annotated, check_annotatable, read_boxes, write_annotated
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.recording import RecordingWarning, open_recording, open_recordings
from tests.signals.archives import pack
from tests.signals.sigmf_files import metadata, noise, write_pair

FOREIGN = {"core:sample_start": 40, "core:comment": "by hand", "other:key": [1, {"deep": True}]}


def source(folder, **fields):
    meta = metadata(annotations=[FOREIGN], author="someone", **fields)
    meta["global"]["core:extensions"] = [{"name": "other", "version": "0.1.0", "optional": True}]
    meta["global"]["other:kept"] = {"deep": [1, 2]}
    return write_pair(folder, meta, noise(100))


def found(**more):
    return SignalBox(start_sample=5, stop_sample=50, low_hz=-100.0, high_hz=50.5, **more)


def is_valid(path: Path) -> bool:
    validator = Path(sys.executable).parent / "sigmf_validate"
    return subprocess.run([validator, path], capture_output=True).returncode == 0


def test_what_is_written_reads_back_and_passes_the_validator(tmp_path):
    recording = open_recording(source(tmp_path / "in"))
    path = tmp_path / "out" / "one.sigmf-meta"
    boxes = [found(label="QAM64", snr_db=12.345, confidence=0.98765), found(label="FM")]
    write_annotated(path, recording, boxes)
    assert is_valid(path)
    path.with_suffix(".sigmf-data").write_bytes(recording.data.read_bytes())
    read = read_boxes(open_recording(path))
    assert read[:2] == [found(label="QAM64", snr_db=12.35, confidence=0.9877), found(label="FM")]


def test_every_field_of_the_standard_is_there(tmp_path):
    write_annotated(tmp_path / "new.sigmf-meta", open_recording(source(tmp_path / "in")), [found(confidence=0.5)])
    entry = json.loads((tmp_path / "new.sigmf-meta").read_text())["annotations"][0]
    assert entry["core:sample_start"] == 5
    assert entry["core:sample_count"] == 45
    assert (entry["core:freq_lower_edge"], entry["core:freq_upper_edge"]) == (-100.0, 50.5)
    assert (entry["core:label"], entry["core:generator"], entry["lmsc:confidence"]) == ("signal", "lmsc-unet", 0.5)
    assert len(entry["core:uuid"]) == 36


def test_the_source_stays_and_all_that_it_held_is_kept(tmp_path):
    path = source(tmp_path / "in")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    write_annotated(tmp_path / "out.sigmf-meta", open_recording(path), [found()])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    new = json.loads((tmp_path / "out.sigmf-meta").read_text())
    assert new["annotations"][1] == FOREIGN
    assert new["global"]["other:kept"] == {"deep": [1, 2]}
    assert new["global"]["core:author"] == "someone"
    assert [one["name"] for one in new["global"]["core:extensions"]] == ["other", "lmsc"]
    with pytest.raises(OutputError, match="the source recording, which is never changed"):
        write_annotated(path, open_recording(path), [found()])


def test_a_second_run_writes_the_same_bytes(tmp_path):
    recording = open_recording(source(tmp_path / "in"))
    for name in ("a", "b"):
        write_annotated(tmp_path / f"{name}.sigmf-meta", recording, [found()])
    assert (tmp_path / "a.sigmf-meta").read_bytes() == (tmp_path / "b.sigmf-meta").read_bytes()


def test_a_long_label_is_cut_to_20_characters_and_told_in_the_comment(tmp_path):
    write_annotated(tmp_path / "x.sigmf-meta", open_recording(source(tmp_path / "in")), [found(label="x" * 30)])
    entry = json.loads((tmp_path / "x.sigmf-meta").read_text())["annotations"][0]
    assert (entry["core:label"], entry["core:comment"]) == ("x" * 20, "x" * 30)


def test_a_raw_file_gets_metadata_that_passes_the_validator(tmp_path):
    raw = tmp_path / "radio.bin"
    raw.write_bytes(noise(100).tobytes())
    recording = open_recordings(raw, datatype="cf32_le", sample_rate_hz=1e6, center_hz=100e6)[0]
    beside, apart = tmp_path / "radio.bin.sigmf-meta", tmp_path / "out" / "radio.sigmf-meta"
    for path in (beside, apart):
        write_annotated(path, recording, [SignalBox(start_sample=0, stop_sample=9, low_hz=99.9e6, high_hz=100e6)])
        assert is_valid(path)
    again = open_recording(beside)
    assert (again.num_samples, read_boxes(again)[0].low_hz) == (100, 99.9e6)


@pytest.mark.parametrize(
    ("entry", "label"),
    [
        ({"core:label": "FM", "core:description": "QAM16"}, "FM"),
        ({"core:description": "QAM16"}, "QAM16"),  # the RF signal dataset has it there
        ({"core:label": ""}, "signal"),
        ({}, "signal"),
    ],
)
def test_the_label_is_read_where_it_stands(entry, label, tmp_path):
    meta = metadata(annotations=[{"core:sample_start": 0} | entry])
    assert read_boxes(open_recording(write_pair(tmp_path, meta, noise(10))))[0].label == label


def test_without_edges_or_a_count_a_box_spans_the_band_and_the_capture(tmp_path):
    captures = [{"core:sample_start": 0, "core:frequency": 1e6}, {"core:sample_start": 60, "core:frequency": 2e6}]
    meta = metadata(captures=captures, annotations=[{"core:sample_start": 10}, {"core:sample_start": 70}])
    boxes = read_boxes(open_recording(write_pair(tmp_path, meta, noise(100))))
    assert [(one.start_sample, one.stop_sample, one.low_hz) for one in boxes] == [
        (10, 60, 999_500),
        (70, 100, 1_999_500),
    ]


def test_edges_at_baseband_in_a_recording_at_radio_frequency_are_moved(tmp_path):
    entry = {"core:sample_start": 0, "core:freq_lower_edge": -100, "core:freq_upper_edge": 100}
    meta = metadata(captures=[{"core:sample_start": 0, "core:frequency": 868e6}], annotations=[entry])
    recording = open_recording(write_pair(tmp_path, meta, noise(100)))
    with pytest.warns(RecordingWarning, match="baseband edges, but its capture is at 868000000.0 Hz"):
        box = read_boxes(recording)[0]
    assert (box.low_hz, box.high_hz) == (868e6 - 100, 868e6 + 100)


def test_an_offset_counts_in_reading_and_writing(tmp_path):
    entry = {"core:sample_start": 1010, "core:sample_count": 20}
    meta = metadata(offset=1000, captures=[{"core:sample_start": 1000}], annotations=[entry])
    recording = open_recording(write_pair(tmp_path, meta, noise(100)))
    assert [(one.start_sample, one.stop_sample) for one in read_boxes(recording)] == [(10, 30)]
    write_annotated(tmp_path / "new.sigmf-meta", recording, [found()])
    starts = [one["core:sample_start"] for one in json.loads((tmp_path / "new.sigmf-meta").read_text())["annotations"]]
    assert starts == [1005, 1010]


def test_metadata_that_was_never_valid_is_not_written_on(tmp_path):
    recording = open_recording(write_pair(tmp_path, metadata(author=5), noise(10)))
    with pytest.raises(DataError, match=r"global/core:author is not valid SigMF \(5 is not of type 'string'\)"):
        write_annotated(tmp_path / "new.sigmf-meta", recording, [])
    assert not (tmp_path / "new.sigmf-meta").exists()


def test_entries_out_of_order_are_put_in_order(tmp_path):  # D9
    captures = [{"core:sample_start": 50, "core:frequency": 2e6}, {"core:sample_start": 0, "core:frequency": 1e6}]
    meta = metadata(captures=captures, annotations=[{"core:sample_start": 60}, {"core:sample_start": 2}])
    write_annotated(tmp_path / "new.sigmf-meta", open_recording(write_pair(tmp_path, meta, noise(100))), [found()])
    assert is_valid(tmp_path / "new.sigmf-meta")
    whole = json.loads((tmp_path / "new.sigmf-meta").read_text())
    assert whole["captures"] == captures[::-1]
    assert [entry["core:sample_start"] for entry in whole["annotations"]] == [2, 5, 60]


def test_metadata_without_its_samples_beside_it_says_so(tmp_path):  # B9
    recording = open_recording(pack(source(tmp_path / "in"), tmp_path / "one.sigmf.gz"))
    write_annotated(tmp_path / "out/one.sigmf-meta", recording, [found()])
    with pytest.raises(DataError, match="this is metadata only"):
        open_recording(tmp_path / "out/one.sigmf-meta")


@pytest.mark.parametrize("value", ["high", [], None, True])
def test_an_snr_that_is_no_number_is_none(value, tmp_path):
    meta = metadata(annotations=[{"core:sample_start": 0, "lmsc:snr_db": value, "lmsc:confidence": value}])
    box = read_boxes(open_recording(write_pair(tmp_path, meta, noise(10))))[0]
    assert box.snr_db in (None, 1.0)
    assert box.confidence in (None, 1.0)


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        (metadata(extensions={"antenna": 1}), "global/core:extensions is not valid SigMF"),  # R2, D6
        (metadata(extensions=True), "global/core:extensions is not valid SigMF"),
        (metadata(extensions=["a"]), "global/core:extensions/0 is not valid SigMF"),
        (metadata(annotations=["x"]), "annotations/0 is not valid SigMF"),
        (metadata(annotations=[None]), "annotations/0 is not valid SigMF"),
        (metadata() | {"annotations": None}, "annotations is not valid SigMF"),
        (metadata(annotations=[{"core:sample_start": "a"}]), "annotations/0/core:sample_start is not valid"),
        (metadata(annotations=[{"core:comment": "a"}]), "annotations/0 is not valid SigMF"),
        (metadata(annotations=[{"core:sample_start": 1, "core:sample_count": -5}]), "core:sample_count is not"),
        (metadata(annotations=[{"core:sample_start": 1, "core:label": 5}]), "core:label is not valid SigMF"),
        (metadata(annotations=[{"core:sample_start": 1, "x:deep": json.loads("[" * 900 + "]" * 900)}]), "too deeply"),
    ],
)
def test_metadata_that_can_take_no_annotations_is_told_before_anything_is_searched(meta, message, tmp_path):  # D9
    recording = open_recording(write_pair(tmp_path, meta, noise(10)))
    with pytest.raises(DataError, match=message):
        check_annotatable(recording)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("optional", {"name": "antenna", "version": "0.0.1", "optional": True}),
        ("required", {"name": "antenna", "version": "0.0.1", "optional": False}),
        ("v1", {"name": "antenna", "version": "v1", "optional": True}),
    ],
)
def test_older_forms_are_written_in_todays(value, expected, tmp_path):  # D6, D14
    meta = metadata("CF32_LE", version="v0.0.1", extensions={"antenna": value}, captures=[{"core:frequency": 1e6}])
    whole = annotated(open_recording(write_pair(tmp_path, meta, noise(10))), ())
    assert expected in whole["global"]["core:extensions"]
    assert (whole["global"]["core:version"], whole["global"]["core:datatype"]) == ("0.0.1", "cf32_le")
    assert whole["captures"] == [{"core:frequency": 1e6, "core:sample_start": 0}]
