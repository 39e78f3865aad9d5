import io
import json
import subprocess
import sys
import tarfile
import zipfile

import numpy as np
import pytest

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording import open_raw, open_recording, open_recordings, open_stream
from tests.signals.archives import SUFFIXES, pack
from tests.signals.sigmf_files import metadata, noise, write_pair


def everything(recording, **options):
    return np.concatenate([chunk for one in recording.captures for chunk in recording.chunks(one, **options)])


@pytest.mark.parametrize("chunk_samples", [1, 7, 100, 1000])
def test_chunks_joined_are_the_whole(chunk_samples, tmp_path):
    samples = noise(100)
    recording = open_recording(write_pair(tmp_path, metadata(), samples))
    np.testing.assert_array_equal(everything(recording, chunk_samples=chunk_samples), samples)
    assert (recording.name, recording.num_samples, recording.duration_s) == ("one", 100, 0.1)


def test_either_file_of_the_pair_may_be_named(tmp_path):
    write_pair(tmp_path, metadata(), noise(10))
    assert open_recording(tmp_path / "one.sigmf-data").num_samples == 10


def test_captures_have_their_own_centre_frequency(tmp_path):
    samples = noise(100)
    captures = [
        {"core:sample_start": 0, "core:frequency": 868e6},
        {"core:sample_start": 30, "core:frequency": 869e6},
    ]
    recording = open_recording(write_pair(tmp_path, metadata(captures=captures), samples))
    assert [(one.start_sample, one.num_samples, one.center_hz) for one in recording.captures] == [
        (0, 30, 868e6),
        (30, 70, 869e6),
    ]
    np.testing.assert_array_equal(np.concatenate(list(recording.chunks(recording.captures[1]))), samples[30:])


def test_neighbouring_captures_of_one_frequency_are_one_stretch(tmp_path):
    captures = [{"core:sample_start": start} for start in (0, 30, 60)]
    recording = open_recording(write_pair(tmp_path, metadata(captures=captures), noise(100)))
    assert [one.num_samples for one in recording.captures] == [100]


def test_samples_before_the_first_capture_are_read_too(tmp_path):
    captures = [{"core:sample_start": 40, "core:frequency": 1e6}]
    recording = open_recording(write_pair(tmp_path, metadata(captures=captures), noise(100)))
    assert [(one.num_samples, one.center_hz) for one in recording.captures] == [(40, 0.0), (60, 1e6)]


def test_headers_between_captures_and_a_trailer_are_passed_over(tmp_path):
    samples = noise(20)
    data = b"HEAD" + samples[:5].tobytes() + b"MIDDLE" + samples[5:].tobytes() + b"END"
    captures = [
        {"core:sample_start": 0, "core:header_bytes": 4},
        {"core:sample_start": 5, "core:header_bytes": 6},
    ]
    (tmp_path / "data.bin").write_bytes(data)
    meta = metadata(captures=captures, dataset="data.bin", trailing_bytes=3)
    np.testing.assert_array_equal(everything(open_recording(write_pair(tmp_path, meta, None))), samples)


@pytest.mark.parametrize("suffix", [".sigmf", ".sigmf.gz", ".sigmf.xz", ".sigmf.zip"])
def test_archives_of_every_kind_read_as_their_pair(suffix, tmp_path):
    import sigmf

    samples = noise(3000)
    pair = write_pair(tmp_path / "pair", metadata(), samples)
    sigmf.fromfile(pair).archive(str(tmp_path / f"all{suffix}"))
    recording = open_recording(tmp_path / f"all{suffix}")
    np.testing.assert_array_equal(everything(recording, chunk_samples=999), samples)
    assert recording.name == "all"


def test_a_collection_gives_each_of_its_recordings(tmp_path):
    for name, length in (("left", 10), ("right", 20)):
        write_pair(tmp_path, metadata(), noise(length), name=name)
    streams = [{"name": "left", "hash": "0"}, ["right", "0"]]  # the second as in SigMF 1.0.0
    path = tmp_path / "both.sigmf-collection"
    path.write_text(json.dumps({"collection": {"core:version": "1.2.0", "core:streams": streams}}))
    assert [(one.name, one.num_samples) for one in open_recordings(path)] == [("left", 10), ("right", 20)]
    with pytest.raises(DataError, match="2 recordings are in it, and one is needed"):
        open_recording(path)


def test_a_raw_file_needs_a_datatype_and_a_rate(tmp_path):
    path = tmp_path / "radio.iq"
    path.write_bytes(bytes([128, 128, 255, 0]))
    recording = open_recordings(path, datatype="cu8", sample_rate_hz=2e6, center_hz=100e6)[0]
    np.testing.assert_allclose(everything(recording), [0, 127 / 128 - 1j])
    assert recording.captures[0].center_hz == 100e6
    with pytest.raises(DataError, match="Give --datatype"):
        open_recordings(path)
    with pytest.raises(DataError, match=r"sample rate is missing.*--sample-rate-hz"):
        open_raw(path, datatype="cu8", sample_rate_hz=None)


def test_a_pipe_gives_the_same_samples_however_it_is_cut(tmp_path):
    class Drip(io.BytesIO):
        def read1(self, size=-1):
            return super().read(min(size, 5))  # cuts through the middle of samples

    samples = noise(50)
    stream = open_stream(Drip(samples.tobytes() + b"12"), datatype="cf32_le", sample_rate_hz=1.0)
    np.testing.assert_array_equal(np.concatenate(list(stream.chunks())), samples)


@pytest.mark.parametrize(
    ("data", "datatype", "message"),
    [
        (b"", "cu8", "not one sample came"),
        (b"1", "cu8", "not one sample came"),
        (np.array([np.nan, 1], "<f4").tobytes(), "cf32_le", "NaN or infinite"),
        (b"12", None, "Give --datatype"),
        (b"12", "cx8", "is no SigMF datatype"),
    ],
)
def test_a_bad_pipe_is_told(data, datatype, message):
    with pytest.raises(DataError, match=message):
        list(open_stream(io.BytesIO(data), datatype=datatype, sample_rate_hz=1.0).chunks())


def test_memory_does_not_grow_with_the_recording(tmp_path):
    size = 400 * 2**20
    path = write_pair(tmp_path, metadata("ci16_le"), None)
    with (tmp_path / "one.sigmf-data").open("wb") as file:
        file.truncate(size)  # a hole on the disk, but pages in memory once it is read
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from lmsc_unet.signals.recording import open_recording\n"
        "recording = open_recording(Path(sys.argv[1]))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "count = sum(chunk.size for chunk in recording.chunks())\n"
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    count, grown_kib = map(int, done.stdout.split())
    assert count == size // 4
    assert grown_kib < 100 * 1024


@pytest.mark.parametrize("kind", SUFFIXES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_how_an_archive_is_packed_is_told_by_its_bytes_and_not_by_its_name(suffix, kind, tmp_path):  # B5
    samples = noise(1000)
    path = pack(write_pair(tmp_path / "x", metadata(), samples), tmp_path / f"all{suffix}", kind)
    np.testing.assert_array_equal(everything(open_recording(path)), samples)


def test_what_macos_packs_beside_the_files_is_no_recording(tmp_path):
    samples = noise(100)
    pair = write_pair(tmp_path / "x", metadata(), samples)
    path = pack(pair, tmp_path / "x.sigmf.zip")
    with zipfile.ZipFile(path, "a") as archive:
        for ending in ("meta", "data"):
            archive.writestr(f"__MACOSX/one/._one.sigmf-{ending}", b"Mac OS X")
    np.testing.assert_array_equal(everything(open_recording(path)), samples)


def test_the_archive_is_read_where_it_lies(tmp_path):
    samples = noise(100)
    pair = write_pair(tmp_path / "x", metadata(), samples)
    path = tmp_path / "x.sigmf"
    with tarfile.open(path, "w") as tar:
        for file in (pair, pair.with_suffix(".sigmf-data")):
            tar.add(file, arcname=f"../../outside/{file.name}")  # no name in an archive is used as a path
    recording = open_recording(path)
    assert recording.data == path
    np.testing.assert_array_equal(everything(recording), samples)
