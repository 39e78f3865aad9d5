"""Frequencies and rates as radio people write them."""

import pytest

from lmsc_unet.core.units import parse_band, parse_hz
from lmsc_unet.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "hz"),
    [
        ("2400000", 2.4e6),
        ("2.4e6", 2.4e6),
        ("250k", 250e3),
        ("433.92M", 433.92e6),
        ("433.92 MHz", 433.92e6),
        ("1.1G", 1.1e9),
        ("-100kHz", -1e5),
        ("2m", 2e6),
        (".5M", 5e5),
        ("2.4Msps", 2.4e6),
    ],
)
def test_prefixes_count(text, hz):
    assert parse_hz(text) == pytest.approx(hz)


@pytest.mark.parametrize("text", ["", "k", "1,5M", "2T", "0x10", "M433"])
def test_other_text_is_refused(text):
    with pytest.raises(ConfigError, match="is no number of Hz"):
        parse_hz(text)


@pytest.mark.parametrize(
    ("text", "band"),
    [("433.9M-434M", (433.9e6, 434e6)), ("-100k--5e1k", (-1e5, -5e4)), ("1e-3-2", (1e-3, 2.0))],
)
def test_a_band_has_two_edges(text, band):
    assert parse_band(text) == pytest.approx(band)
