"""Every bad input with the message that it gives."""

import hashlib
import io
import json
import re
import tarfile
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from lmsc_unet.errors import DataError
from lmsc_unet.signals.annotations import read_boxes
from lmsc_unet.signals.recording import RecordingWarning, open_recording, open_recordings
from lmsc_unet.signals.recording.metadata import MAX_META_BYTES
from tests.signals.archives import COMPRESSED, flip, pack, set_zip_fields
from tests.signals.sigmf_files import metadata, noise, write_pair

GOOD = noise(100)


@pytest.mark.parametrize(
    ("meta", "data", "message"),
    [
        (metadata(), None, "the data file one.sigmf-data is missing. Put it beside the metadata"),
        (metadata(metadata_only=True), None, "metadata only"),
        (metadata(), b"", "the recording is empty: 0 bytes"),
        (metadata(), b"1234567", "the recording is empty: 7 bytes.*has 8 bytes"),
        (metadata("cf16_le"), GOOD, "core:datatype: 'cf16_le' is no SigMF datatype"),
        (metadata(None), GOOD, "core:datatype: '' is no SigMF datatype"),
        (metadata(rate_hz=None), GOOD, "sample rate is missing; it must be above 0. Give it with --sample-rate-hz"),
        (metadata(rate_hz=0), GOOD, "sample rate is 0; it must be above 0"),
        (metadata(rate_hz=-1), GOOD, "sample rate is -1"),
        (metadata(rate_hz="fast"), GOOD, "sample rate is 'fast'"),
        (metadata(rate_hz=True), GOOD, "sample rate is True"),
        (metadata(num_channels=0), GOOD, "core:num_channels is 0; it must be a whole number of at least 1"),
        (metadata(num_channels=2.5), GOOD, "core:num_channels is 2.5"),
        (metadata(dataset="../../etc/passwd"), GOOD, "core:dataset names '../../etc/passwd'.*rejected"),
        (metadata(dataset="/etc/passwd"), GOOD, "core:dataset names '/etc/passwd'.*rejected"),
        (metadata(dataset=".."), GOOD, "core:dataset names '..'.*rejected"),
        (metadata(dataset="..\\x"), GOOD, "core:dataset names .*rejected"),
        (metadata(dataset=5), GOOD, "core:dataset names 5.*rejected"),
        (metadata(dataset="one.sigmf-meta"), None, "core:dataset names the metadata itself"),  # R10
        (metadata(dataset="other.bin"), GOOD, "the data file other.bin is missing"),
        (metadata(captures=[{"core:sample_start": -1}]), GOOD, "core:sample_start is -1"),
        (metadata(captures=[{"core:sample_start": "0"}]), GOOD, "core:sample_start is '0'"),
        (metadata(captures=[{"core:frequency": "868M"}]), GOOD, "core:frequency is '868M'; it must be a number of Hz"),
        (metadata(captures=[7]), GOOD, "a capture is a int"),
        (metadata(captures={"a": 1}), GOOD, "'captures' is a dict; SigMF has a list there"),
        (metadata(captures=[{"core:header_bytes": 10**9}]), GOOD, "the recording is empty"),
        ("{", GOOD, "the metadata is no JSON"),
        ("[" * 100_000, GOOD, "the metadata is no JSON"),
        ("[1]", GOOD, "the metadata is a JSON list; SigMF has an object there"),
        ('{"global": 3}', GOOD, "'global' is a int"),
        ("{}", GOOD, "is no SigMF datatype"),
    ],
)
def test_an_unusable_recording_is_refused_by_name(meta, data, message, tmp_path):
    path = write_pair(tmp_path, meta, data)
    with pytest.raises(DataError, match=message) as caught:
        open_recording(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        open_recording(tmp_path / "none.sigmf-meta")
    (tmp_path / "folder.sigmf").mkdir()
    with pytest.raises(DataError, match="this is not a file"):
        open_recording(tmp_path / "folder.sigmf")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["<c8", ">c8", "<c16"])
def test_a_sample_that_is_no_number_is_found_by_its_place(bad, dtype, tmp_path):
    samples = GOOD.astype(dtype)
    samples[73] = bad
    datatype = f"cf{np.dtype(dtype).itemsize * 4}_{'be' if dtype[0] == '>' else 'le'}"
    recording = open_recording(write_pair(tmp_path, metadata(datatype), samples))
    with pytest.raises(DataError, match="1 samples from sample 73 on are NaN or infinite"):
        list(recording.chunks(chunk_samples=30))


@pytest.mark.parametrize(
    ("meta", "data", "message"),
    [
        (metadata("ci16_le"), bytes(43), "43 bytes, which is not a whole number of samples of 4 bytes.*last 3 bytes"),
        (metadata("ci8", num_channels=3), bytes(20), "not a whole number of samples of 6 bytes.*3 channels"),
        (metadata(sha512="0" * 128), GOOD, "the metadata has 000000000000.*It is read as it is"),
        (
            metadata(captures=[{"core:sample_start": 0}, {"core:sample_start": 999}]),
            GOOD,
            "begins at sample 999, beyond",
        ),
    ],
)
def test_an_odd_recording_is_warned_of_and_read(meta, data, message, tmp_path):
    path = write_pair(tmp_path, meta, data)
    with pytest.warns(RecordingWarning, match=message):
        recording = open_recording(path)
    assert sum(chunk.size for chunk in recording.chunks()) == recording.num_samples > 0


def test_the_right_hash_passes_and_a_wrong_one_can_be_left_unchecked(tmp_path):
    right = hashlib.sha512(GOOD.tobytes()).hexdigest()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_recording(write_pair(tmp_path, metadata(sha512=right), GOOD))
        open_recording(write_pair(tmp_path, metadata(sha512="0" * 128), GOOD), is_checked=False)


@pytest.mark.parametrize("rate_hz", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_given_in_place_of_the_recordings_own_is_checked(rate_hz, tmp_path):  # B12
    with pytest.raises(DataError, match=f"the sample rate is {rate_hz}"):
        open_recording(write_pair(tmp_path, metadata(), GOOD), sample_rate_hz=rate_hz)


def annotation(start=10, count=20, low=-100.0, high=100.0, **more):
    entry = {"core:sample_start": start, "core:sample_count": count}
    edges = {"core:freq_lower_edge": low, "core:freq_upper_edge": high}
    return entry | {key: value for key, value in edges.items() if value is not None} | more


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (annotation(low=100.0, high=-100.0), r"annotation 1 has its lower edge \(100.0 Hz\) above its upper"),
        (annotation(low=None), "frequency edges .None, 100.0.; it must have both as numbers, or neither"),
        (annotation(high=None), "it must have both as numbers, or neither"),
        (annotation(high="x"), "it must have both as numbers, or neither"),
        (annotation(low=float("nan")), "it must have both as numbers, or neither"),
        (annotation(start=100), "begins at sample 100, but the data has the samples 0 to 99.*shorter than annotated"),
        (annotation(low=600.0, high=700.0), r"outside the recording's band of -500.0 to 500.0 Hz"),
        (annotation(start=-3), "core:sample_start -3; it must be a whole number"),
        (annotation(count=1.5), "core:sample_count 1.5; it must be a whole number"),
        (5, "is a int; SigMF has an object there"),
    ],
)
def test_an_annotation_that_is_no_box_is_refused(entry, message, tmp_path):
    recording = open_recording(write_pair(tmp_path, metadata(annotations=[entry]), GOOD))
    with pytest.raises(DataError, match=message):
        read_boxes(recording)


@pytest.mark.parametrize(
    ("entry", "message", "expected"),
    [
        (annotation(count=200), "extends 110 samples beyond the data's end", (10, 100, -100.0, 100.0)),
        (annotation(high=900.0), "extends beyond the band", (10, 30, -100.0, 500.0)),
    ],
)
def test_an_annotation_that_reaches_out_is_cut_with_a_warning(entry, message, expected, tmp_path):
    recording = open_recording(write_pair(tmp_path, metadata(annotations=[entry]), GOOD))
    with pytest.warns(RecordingWarning, match=message):
        box = read_boxes(recording)[0]
    assert (box.start_sample, box.stop_sample, box.low_hz, box.high_hz) == expected


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "holds no .sigmf-meta file"),
        (["a.sigmf-meta"], "holds a.sigmf-meta, but not its samples, a.sigmf-data. Pack both files"),
        (["x/a.sigmf-meta", "a.sigmf-data"], "holds x/a.sigmf-meta, but not its samples, x/a.sigmf-data"),
        (["x/a.sigmf-meta", "y/a.sigmf-meta"], "holds a.sigmf-meta twice. Name the recordings differently"),
    ],
)
def test_an_archive_holds_metadata_and_data_side_by_side(members, message, tmp_path):
    path = tmp_path / "a.sigmf"
    text = json.dumps(metadata()).encode()
    with tarfile.open(path, "w") as tar:
        for name in members:
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    with pytest.raises(DataError, match=message):
        open_recording(path)


@pytest.mark.parametrize("suffix", [".sigmf", ".sigmf.gz", ".sigmf.xz", ".sigmf.zip"])
@pytest.mark.parametrize("data", [b"", b"no archive at all", bytes(2000)])
def test_a_damaged_archive_is_told(suffix, data, tmp_path):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    with pytest.raises(DataError, match=re.escape(str(path))):
        open_recording(path)


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("place", [0.3, 0.5, 0.7, 0.9])
def test_one_flipped_bit_in_a_compressed_archive_is_noticed(suffix, place, tmp_path):  # R8, R9
    numbers = np.random.default_rng(0).normal(0, 500, 20_000).astype("<i2")
    path = pack(write_pair(tmp_path / "x", metadata("ci16_le"), numbers), tmp_path / f"a{suffix}")
    with pytest.raises(DataError, match=f"{re.escape(str(path))}: the archive is damaged"):
        open_recording(flip(path, place))


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("share", [0.01, 0.5, 0.95])
def test_a_truncated_archive_is_noticed(suffix, share, tmp_path):  # R8
    path = pack(write_pair(tmp_path / "x", metadata(), GOOD), tmp_path / f"a{suffix}")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DataError, match=re.escape(str(path))):
        open_recording(path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"flags": 1}, "is encrypted, password required"), ({"method": 99}, "compression method is not supported")],
)
def test_a_zip_that_python_cannot_open_is_told(fields, message, tmp_path):  # R8
    path = pack(write_pair(tmp_path / "x", metadata(), GOOD), tmp_path / "a.sigmf.zip")
    with pytest.raises(DataError, match=message):
        open_recording(set_zip_fields(path, **fields))


def test_metadata_that_would_take_a_gigabyte_is_refused_before_it_is_parsed(tmp_path):
    path = pack(write_pair(tmp_path / "x", " " * (MAX_META_BYTES + 1), GOOD), tmp_path / "a.sigmf.zip")
    with pytest.raises(DataError, match="bytes of metadata"):
        open_recording(path)


def test_a_full_temporary_folder_is_told(tmp_path, monkeypatch):
    path = pack(write_pair(tmp_path / "x", metadata(), GOOD), tmp_path / "a.sigmf.gz")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(DataError, match=r"has 10 bytes free\. Unpack the archive elsewhere"):
        open_recording(path)


def test_data_that_is_cut_after_it_was_opened_is_told(tmp_path):
    recording = open_recording(write_pair(tmp_path, metadata(), GOOD))
    recording.data.write_bytes(GOOD[:50].tobytes())
    with pytest.raises(DataError, match=r"samples 0 to 99 are missing .* was truncated or removed after it was opened"):
        list(recording.chunks())


@pytest.mark.parametrize(("target", "is_told"), [("passwd", True), ("one.sigmf-data", False)])
def test_data_that_is_a_link_to_something_else_out_of_the_folder_is_told(target, is_told, tmp_path):
    path = write_pair(tmp_path / "x", metadata(), None)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / target).write_bytes(GOOD.tobytes())
    path.with_suffix(".sigmf-data").symlink_to(tmp_path / "etc" / target)  # results of a search have such links
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert open_recording(path).num_samples == 100
    assert any("outside the folder" in str(one.message) for one in caught) is is_told


@pytest.mark.parametrize(
    ("streams", "message"),
    [
        ([{"name": "../one"}], "core:streams names '../one'.*rejected"),
        ([{}], "core:streams names None"),
        ([], "names no recordings"),
        ([{"name": "gone"}], "there is no such file"),
    ],
)
def test_a_collection_stays_in_its_folder(streams, message, tmp_path):
    path = tmp_path / "c.sigmf-collection"
    path.write_text(json.dumps({"collection": {"core:streams": streams}}))
    with pytest.raises(DataError, match=message):
        open_recordings(path)
