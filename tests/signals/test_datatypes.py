import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmsc_unet.errors import DataError
from lmsc_unet.signals.recording import open_recording
from lmsc_unet.signals.recording.datatypes import decode, encode, parse_datatype
from tests.signals.sigmf_files import DATATYPES, metadata, raw_numbers, write_pair


@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize("datatype", DATATYPES)
def test_every_datatype_reads_as_the_sigmf_library_reads_it(datatype, num_channels, tmp_path):
    numbers = raw_numbers(datatype, 240)
    path = write_pair(tmp_path, metadata(datatype, num_channels=num_channels), numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sigmf

        theirs = np.asarray(sigmf.fromfile(path)[:]).reshape(-1, num_channels)
    recording = open_recording(path)
    for channel in range(num_channels):
        ours = np.concatenate(list(recording.chunks(channel=channel, chunk_samples=17)))
        assert ours.dtype == (np.complex64 if datatype.startswith("c") else np.float32)
        np.testing.assert_allclose(ours, theirs[:, channel], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("datatype", DATATYPES)
@settings(max_examples=25)  # of up to twenty numbers each
@given(values=st.lists(st.floats(-0.984375, 0.984375, width=32), min_size=2, max_size=20))
def test_what_is_encoded_reads_back_within_half_a_step(datatype, values):
    layout = parse_datatype(datatype)
    samples = np.array(values[: len(values) // 2 * 2], np.float32)
    if layout.is_complex:
        samples = samples.view(np.complex64)
    step = 0 if layout.component.kind == "f" else 0.5 / layout.full_scale
    assert np.abs(decode(encode(samples, layout), layout) - samples).max() <= step * np.sqrt(2) + 1e-6


def test_what_is_too_large_is_clipped_and_does_not_wrap():
    layout = parse_datatype("ci8")
    assert encode(np.array([2 - 2j], np.complex64), layout).tolist() == [127, -128]


@pytest.mark.parametrize(
    "name", ["", "cf16_le", "c32", "ci24_le", "cf32_le ", "f16", "cs24", "ci8_xe", "xi8", "ci16_me", None, 7]
)
def test_an_unknown_datatype_is_refused_with_examples(name):
    with pytest.raises(DataError, match=r"is no SigMF datatype\. It must be one like cf32_le"):
        parse_datatype(name)


@pytest.mark.parametrize(
    ("common", "name"),
    [
        ("cs8", "ci8"),
        ("cs16", "ci16_le"),
        ("sc16", "ci16_le"),
        ("fc32", "cf32_le"),
        ("uc8", "cu8"),
        ("CF32_LE", "cf32_le"),
        ("CS16_BE", "ci16_be"),
        ("complex64", "cf32_le"),
        ("s16", "ri16_le"),
        ("f64", "rf64_le"),
    ],
)
def test_common_names_of_datatypes_are_known(common, name):  # D14
    assert parse_datatype(common).name == name
