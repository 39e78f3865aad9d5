"""Samples that cannot be what they are said to be are told; sound ones of any type and level are not."""

import bz2
import io
import tarfile
import wave

import numpy as np
import pytest

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording import open_raw, open_recording, open_stream
from lmsc_unet.signals.recording.datatypes import encode, parse_datatype
from lmsc_unet.signals.recording.sanity import remarks_on
from tests.signals.sigmf_files import DATATYPES, metadata, noise, write_pair


def written(path, content, datatype):
    path.write_bytes(content)
    return open_raw(path, datatype=datatype, sample_rate_hz=1e6)


def samples_of(datatype, rms=0.1, num_samples=20_000):
    samples = noise(num_samples, power=rms**2)
    samples[5_000:9_000] += rms * 3 * np.exp(2j * np.pi * 0.1 * np.arange(4_000)).astype(np.complex64)
    return samples if datatype.startswith("c") else samples.real.copy()


@pytest.mark.parametrize(
    ("datatype", "rms"),
    [(name, rms) for rms in (0.2, 0.02, 0.003) for name in DATATYPES if not (name.endswith("8") and rms < 0.01)],
)
def test_sound_samples_of_every_type_and_level_give_no_remark(datatype, rms, tmp_path):  # D10
    layout = parse_datatype(datatype)
    content = encode(samples_of(datatype, rms), layout).tobytes()
    assert remarks_on(written(tmp_path / "x", content, datatype)) == []


@pytest.mark.parametrize("shift", [4, 8])
def test_numbers_of_fewer_bits_that_were_moved_up_give_no_remark(shift, tmp_path):
    numbers = np.rint(np.random.default_rng(0).normal(0, 12, 40_000)).astype("<i2") << shift
    assert remarks_on(written(tmp_path / "x", numbers.tobytes(), "ci16_le")) == []


@pytest.mark.parametrize(
    ("written_as", "read_as"),
    [
        ("ci16_be", "ci16_le"),
        ("ci16_le", "ci16_be"),
        ("ri16_be", "ri16_le"),
        ("cu16_be", "cu16_le"),
        ("ci32_be", "ci32_le"),
        ("ci8", "ci16_le"),
        ("cu8", "ci16_le"),
        ("ci8", "cu8"),
        ("cu8", "ci8"),
        ("ci16_le", "ci8"),
        ("ci16_le", "cu8"),
        ("ci16_be", "ci8"),
        ("cf32_le", "ci16_le"),
        ("cf32_le", "ci8"),
        ("cf32_le", "ci32_le"),
    ],
)
@pytest.mark.parametrize("rms", [0.1, 0.03])
def test_another_type_or_byte_order_is_told(written_as, read_as, rms, tmp_path):  # D10 f
    content = encode(samples_of(written_as, rms), parse_datatype(written_as)).tobytes()
    (remark,) = remarks_on(written(tmp_path / "x", content, read_as))
    assert f"do not look like {read_as} but like {written_as}: most detections will be wrong" in remark


def test_floats_of_another_length_are_told(tmp_path):  # D10 f
    content = encode(samples_of("cf32_le"), parse_datatype("cf32_le")).tobytes()
    (remark,) = remarks_on(written(tmp_path / "x", content, "cf64_le"))
    assert "do not look like cf64_le but like another type" in remark


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (np.zeros(20_000, "<i2"), "every sample that was checked is zero"),
        (np.tile(np.array([7, -3], "<i2"), 10_000), "every sample that was checked is the same"),
        (np.clip(np.random.default_rng(0).normal(0, 2e4, 20_000), -32768, 32767).astype("<i2"), "% of the numbers"),
    ],
)
def test_silent_stuck_and_clipped_samples_are_told(numbers, message, tmp_path):  # D10 h
    (remark,) = remarks_on(written(tmp_path / "x", numbers.tobytes(), "ci16_le"))
    assert message in remark


def wav():
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        file.writeframes(bytes(4_000))
    return stream.getvalue()


def tar():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as file:
        file.addfile(tarfile.TarInfo("a.sigmf-meta"))
    return stream.getvalue()


CONTAINERS = [
    (bz2.compress(bytes(5_000)), "this is a bzip2 file, whose bytes are not samples. Unpack it first"),
    (wav(), "this is a WAV file: its header"),
    (b"RF64" + wav()[4:], "this is an RF64 file"),
    (b"PK\x03\x04" + bytes(999), "this is a zip file"),
    (b"\x93NUMPY" + bytes(999), "this is a NumPy file"),
    (tar(), "this is a tar archive"),
]


@pytest.mark.parametrize(("content", "message"), CONTAINERS, ids=[message[:18] for _, message in CONTAINERS])
def test_files_of_other_formats_are_not_read_as_samples(content, message, tmp_path):  # D10 d, e
    with pytest.raises(DataError, match=message):
        written(tmp_path / "x", content, "cu8")
    with pytest.raises(DataError, match=message):
        open_recording(write_pair(tmp_path, metadata("cu8"), content))
    stream = open_stream(io.BytesIO(content), datatype="cu8", sample_rate_hz=1e6)
    with pytest.raises(DataError, match=message):
        list(stream.chunks())


def test_a_wav_file_whose_header_the_metadata_names_is_read(tmp_path):
    meta = metadata("ci16_le", captures=[{"core:sample_start": 0, "core:header_bytes": 44}])
    assert open_recording(write_pair(tmp_path, meta, wav())).num_samples == 1_000


@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1e12, 1e30])
@pytest.mark.parametrize("is_piped", [False, True])
def test_amplitudes_far_from_1_are_brought_near_it(scale, is_piped, tmp_path):  # D10 g
    content = (noise(5_000).astype(np.complex128) * scale).astype(np.complex64).tobytes()
    if is_piped:
        stream = open_stream(io.BytesIO(content), datatype="cf32_le", sample_rate_hz=1e6)
        samples = np.concatenate(list(stream.chunks()))
    else:
        recording = written(tmp_path / "x", content, "cf32_le")
        samples = np.concatenate(list(recording.chunks(chunk_samples=999)))
    gain = np.abs(samples).mean() / np.abs(noise(5_000)).mean()
    assert 0.1 < gain < 10
    np.testing.assert_allclose(samples, noise(5_000) * gain, rtol=1e-3)
