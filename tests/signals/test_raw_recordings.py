"""Files of samples without SigMF metadata: WAV, raw files and what their names say, compressed files."""

import gzip
import lzma
import struct
import wave
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np
import pytest
import sigmf
from hypothesis import given, settings
from hypothesis import strategies as st

from lmsc_unet.errors import DataError
from lmsc_unet.signals.annotations import read_boxes, write_annotated
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.recording import open_recording, open_recordings
from lmsc_unet.signals.recording.file_names import is_raw_name, read_hints
from lmsc_unet.signals.recording.times import format_utc
from tests.signals.archives import SUFFIXES, pack
from tests.signals.sigmf_files import metadata, noise, write_pair

NOON = "2020-01-01T12:00:00.000000Z"
SYSTEMTIME = struct.pack("<8H", 2020, 1, 3, 1, 12, 0, 0, 0)
SPECTRAVUE = 2 * SYSTEMTIME + struct.pack("<4I", 433_920_000, 48_000, 0, 0) + bytes(20)
XML = (
    '<?xml version="1.0"?><SDR-XML-Root Description="Saved recording data"><Definition RadioCenterFreq="433920000" '
    'SampleRate="48000" UTCSeconds="1577880000"/></SDR-XML-Root>'
).encode("utf-16-le")
PERSEUS = struct.pack("<3I", 433_920_000, 0, 1_577_880_000) + bytes(22)
NUMBERS = np.random.default_rng(0).integers(-3_000, 3_000, 2_000).astype("<i2")


def chunk(name, content):
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def write_wav(path, content, *chunks, kind=1, channels=2, bits=16, after=b""):
    """A WAV file with further chunks before and behind its samples."""
    block = channels * bits // 8
    fields = struct.pack("<HHIIHH", kind, channels, 48_000, 48_000 * block, block, bits)
    body = b"WAVE" + chunk(b"fmt ", fields) + b"".join(chunks) + chunk(b"data", content) + after
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def everything(recording):
    return np.concatenate(list(recording.chunks()))


@pytest.mark.parametrize(
    ("kind", "dtype", "name"),
    [(1, "u1", "cu8"), (1, "<i2", "ci16_le"), (1, "<i4", "ci32_le"), (3, "<f4", "cf32_le"), (3, "<f8", "cf64_le")],
)
def test_a_wav_file_of_two_channels_is_i_and_q(kind, dtype, name, tmp_path):  # D14
    numbers = np.random.default_rng(0).integers(0, 100, 2_000).astype(dtype)
    path = write_wav(tmp_path / "a.wav", numbers.tobytes(), kind=kind, bits=8 * numbers.itemsize)
    recording = open_recording(path)
    raw = tmp_path / "a.iq"
    numbers.tofile(raw)
    assert (recording.datatype.name, recording.sample_rate_hz) == (name, 48_000)
    np.testing.assert_array_equal(
        everything(recording), everything(open_recordings(raw, datatype=name, sample_rate_hz=1.0)[0])
    )


def test_24_bits_are_read_as_32(tmp_path):
    numbers = np.random.default_rng(0).integers(-(2**23), 2**23, 2_000).astype("<i4")
    narrow = numbers.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    after = chunk(b"auxi", SPECTRAVUE)
    recording = open_recording(write_wav(tmp_path / "a.wav", narrow, bits=24, after=after))
    assert (recording.num_samples, recording.captures[0].center_hz) == (1_000, 433.92e6)
    np.testing.assert_allclose(everything(recording).view(np.float32), numbers / 2**23, atol=1e-7)


def test_the_standard_library_reads_the_same(tmp_path):
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 1_024_000, 0, "NONE", ""))
        file.writeframes(NUMBERS.tobytes())
    recording = open_recording(path)
    assert recording.sample_rate_hz == 1_024_000
    np.testing.assert_allclose(everything(recording).view(np.float32), NUMBERS / 32_768)


@pytest.mark.parametrize(
    "chunks",
    [[chunk(b"auxi", SPECTRAVUE)], [chunk(b"LIST", b"odd"), chunk(b"auxi", XML)], [chunk(b"rcvr", PERSEUS)]],
    ids=["HDSDR, SDRuno", "SDR Console", "Perseus"],
)
@pytest.mark.parametrize("is_after", [False, True])
def test_the_header_of_a_wav_file_tells_frequency_and_time(chunks, is_after, tmp_path):  # D14
    before, after = ([], b"".join(chunks)) if is_after else (chunks, b"")
    recording = open_recording(write_wav(tmp_path / "a.wav", NUMBERS.tobytes(), *before, after=after))
    assert recording.num_samples == 1_000
    assert recording.captures[0].center_hz == 433.92e6
    assert format_utc(recording.utc(0)) == NOON


def test_what_is_given_and_the_header_count_before_the_name(tmp_path):
    path = write_wav(tmp_path / "SDRSharp_20210101_130000Z_100MHz_IQ.wav", NUMBERS.tobytes())
    assert open_recording(path).captures[0].center_hz == 100e6
    assert format_utc(open_recording(path).utc(0)) == "2021-01-01T13:00:00.000000Z"
    write_wav(path, NUMBERS.tobytes(), chunk(b"auxi", SPECTRAVUE))
    assert open_recording(path).captures[0].center_hz == 433.92e6
    (recording,) = open_recordings(path, sample_rate_hz=96e3, center_hz=7.0)
    assert (recording.sample_rate_hz, recording.captures[0].center_hz) == (96e3, 7.0)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_length_that_a_stream_could_not_know_means_the_rest(size, tmp_path):
    path = write_wav(tmp_path / "a.wav", NUMBERS.tobytes())
    content = path.read_bytes()
    path.write_bytes(content.replace(b"data" + struct.pack("<I", 4_000), b"data" + struct.pack("<I", size)))
    assert open_recording(path).num_samples == 1_000


def test_rf64_has_its_length_in_64_bits(tmp_path):
    fields = struct.pack("<HHIIHH", 1, 2, 48_000, 192_000, 4, 16)
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, 4_000, 0, 0))
    body = (
        b"WAVE" + ds64 + chunk(b"fmt ", fields) + b"data" + b"\xff" * 4 + NUMBERS.tobytes() + chunk(b"auxi", SPECTRAVUE)
    )
    path = tmp_path / "a.wav"
    path.write_bytes(b"RF64" + b"\xff" * 4 + body)
    recording = open_recording(path)
    assert recording.num_samples == 1_000
    assert recording.captures[0].center_hz == 433.92e6


def test_results_of_a_wav_file_open_with_its_samples(tmp_path):
    path = write_wav(tmp_path / "a.wav", NUMBERS.tobytes(), chunk(b"auxi", SPECTRAVUE), after=chunk(b"LIST", b"end!"))
    recording = open_recording(path)
    box = SignalBox(start_sample=10, stop_sample=90, low_hz=433.9e6, high_hz=433.91e6)
    write_annotated(tmp_path / "a.wav.sigmf-meta", recording, [box])
    theirs = sigmf.fromfile(tmp_path / "a.wav.sigmf-meta").read_samples()
    np.testing.assert_array_equal(theirs, everything(recording))
    again = open_recording(path)  # by its metadata now
    assert again.metadata["captures"][0]["core:datetime"] == NOON
    np.testing.assert_array_equal(everything(again), everything(recording))
    assert [one.start_sample for one in read_boxes(again)] == [10]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bits": 12}, "2 channels of 12 bits in the format 1. I/Q samples are two"),
        ({"kind": 2}, "in the format 2"),
        ({"channels": 3}, "has 3 channels"),
    ],
)
def test_other_wav_files_are_refused(changes, message, tmp_path):
    path = write_wav(tmp_path / "a.wav", bytes(240), **changes)
    with pytest.raises(DataError, match=message):
        open_recording(path)


@pytest.mark.filterwarnings("ignore::lmsc_unet.signals.recording.recording.RecordingWarning")
@settings(deadline=None)
@given(content=st.binary(max_size=200), place=st.integers(0, 200))
def test_no_damage_of_a_wav_file_is_more_than_a_line(content, place, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    whole = write_wav(folder / "damaged.wav", NUMBERS.tobytes(), chunk(b"auxi", SPECTRAVUE)).read_bytes()
    path = folder / "damaged.wav"
    path.write_bytes(whole[:place] + content + whole[place + len(content) :])
    with suppress(DataError):
        open_recording(path)


NAMES = [
    ("g001_433.92M_250k.cu8", "cu8", 250e3, 433.92e6, None),
    ("g001_433.92M_250k.cu8.gz", "cu8", 250e3, 433.92e6, None),
    ("gqrx_20200101_120000_433920000_1000000_fc.raw", "cf32_le", 1e6, 433.92e6, NOON),
    ("SDRSharp_20200101_120000Z_433920000Hz_IQ.wav", None, None, 433.92e6, NOON),
    ("HDSDR_20200101_120000Z_433920kHz_RF.wav", None, None, 433.92e6, NOON),
    ("01-Jan-2020 120000.000 433.920MHz.wav", None, None, 433.92e6, None),
    ("2020-01-01_12-00-00_16000000SPS_2274000000Hz.s8", "ci8", 16e6, 2.274e9, NOON),
    ("2020-01-01_12-00-00-500_2400000SPS_1000Hz.cf32", "cf32_le", 2.4e6, 1e3, "2020-01-01T12:00:00.500000Z"),
    ("radio.C16", "ci16_le", None, None, None),
    ("radio.cfile", "cf32_le", None, None, None),
    ("radio.s16", "ri16_le", None, None, None),
    ("868M_1000k.iq", None, None, None, None),  # rtl_433 names no .iq
    ("20203301_129999Z.cs8", "ci8", None, None, None),  # no time
    (f"{'9' * 99}M_0k.cu8", "cu8", None, None, None),  # no numbers of a receiver
    (f"gqrx_20200101_120000_0_{'9' * 99}_fc.raw", "cf32_le", None, None, NOON),
]


@pytest.mark.parametrize(("name", "datatype", "rate_hz", "center_hz", "time"), NAMES)
def test_names_tell_what_they_say(name, datatype, rate_hz, center_hz, time, tmp_path):  # D14
    hints = read_hints(tmp_path / name)
    assert (hints.datatype, hints.sample_rate_hz, hints.center_hz) == (datatype, rate_hz, center_hz)
    assert (hints.start_utc and format_utc(hints.start_utc)) == time


def test_names_of_samples_are_known():
    assert [name for name in ("a.CU8", "a.cs16.gz", "gqrx_20200101_120000_1_2_fc.raw") if not is_raw_name(name)] == []
    assert [name for name in ("a.raw", "a.s16", "a.gz", "a.txt", "cu8") if is_raw_name(name)] == []


def test_a_portapack_writes_rate_and_frequency_beside_its_samples(tmp_path):  # D14
    path = tmp_path / "BBD_0001.C16"
    NUMBERS.tofile(path)
    path.with_suffix(".TXT").write_text("sample_rate=500000\ncenter_frequency=433920000\nlatitude=nan\n=\n")
    (recording,) = open_recordings(path)
    assert (recording.datatype.name, recording.sample_rate_hz) == ("ci16_le", 500e3)
    assert recording.captures[0].center_hz == 433.92e6


@pytest.mark.parametrize(("suffix", "packed"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_a_compressed_raw_file_is_unpacked(suffix, packed, tmp_path):  # D10 d, D14
    path = tmp_path / f"g_433.92M_250k.cs16{suffix}"
    path.write_bytes(packed(NUMBERS.tobytes()))
    (recording,) = open_recordings(path)
    np.testing.assert_allclose(everything(recording).view(np.float32), NUMBERS / 32_768)
    wav = write_wav(tmp_path / "a.wav", NUMBERS.tobytes(), chunk(b"auxi", SPECTRAVUE))
    again = tmp_path / f"a.wav{suffix}"
    again.write_bytes(packed(wav.read_bytes()))
    assert open_recording(again).captures[0].center_hz == 433.92e6
    path.write_bytes(packed(NUMBERS.tobytes())[:-9])
    with pytest.raises(DataError, match="the compressed file is damaged"):
        open_recordings(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_archive_may_hold_two_recordings(suffix, tmp_path):  # D14
    left = write_pair(tmp_path / "in", metadata(), noise(10), name="left")
    right = write_pair(tmp_path / "in", metadata(), noise(20, seed=1), name="right")
    path = pack(left, tmp_path / f"both{suffix}", others=(right, right.with_suffix(".sigmf-data")))
    found = open_recordings(path)
    assert [(one.name, one.num_samples) for one in found] == [("left", 10), ("right", 20)]
    np.testing.assert_array_equal(everything(found[1]), noise(20, seed=1))
    with pytest.raises(DataError, match="2 recordings are in it"):
        open_recording(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_data_of_an_archive_may_have_another_name(suffix, tmp_path):  # D14: core:dataset
    captures = [{"core:sample_start": 0, "core:header_bytes": 16}]
    meta = write_pair(tmp_path / "in", metadata(dataset="a.bin", captures=captures, trailing_bytes=8), None)
    samples = tmp_path / "in" / "a.bin"
    samples.write_bytes(bytes(16) + noise(30).tobytes() + bytes(8))
    recording = open_recording(pack(meta, tmp_path / f"a{suffix}", others=(samples,)))
    np.testing.assert_array_equal(everything(recording), noise(30))


def test_the_time_of_a_raw_file_can_be_said(tmp_path):
    path = tmp_path / "a.cu8"
    path.write_bytes(bytes(4_000))
    start = datetime(2020, 1, 1, 12, tzinfo=UTC)
    (recording,) = open_recordings(path, sample_rate_hz=1e3, start_utc=start)
    assert format_utc(recording.utc(1_000)) == "2020-01-01T12:00:01.000000Z"
