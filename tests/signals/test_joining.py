"""Which pieces are one transmission, in rows of 256 samples at 250 kHz: 1 ms each, columns of 1 kHz."""

import pytest

from lmsc_unet.signals.detection.joining import Joining
from tests.signals.pieces import extents, piece

JOINING = Joining(frames_per_row=1, row_s=1e-3)
LAST = 1000


@pytest.mark.parametrize(
    ("pieces", "number"),
    [
        ([piece(10, 12, 50, 52), piece(15, 16, 50, 52), piece(24, 26, 50, 52)], 1),  # on-off keyed pulses
        ([piece(10, 12, 50, 52), piece(30, 32, 50, 52)], 2),  # a pause of 18 ms is between telegrams
        ([piece(10, 40, 50, 90), piece(45, 75, 50, 90)], 2),  # packets 40 kHz wide do not pause for 5 ms
        ([piece(10, 40, 50, 90), piece(41, 75, 50, 90)], 1),  # a notch
        ([piece(10, 12, 50, 52), piece(14, 16, 90, 92)], 2),  # another band
        ([piece(10, 12, 50, 52, 50), piece(14, 16, 50, 52, 25)], 2),  # another level
        ([piece(10, 20, 50, 55), piece(20, 30, 80, 85), piece(30, 40, 50, 55)], 1),  # two tones take turns
        ([piece(10, 60, 50, 58), piece(10, 60, 100, 108)], 1),  # two tones, faster than a row
        ([piece(10, 60, 50, 90), piece(10, 60, 100, 140)], 2),  # two wide signals of the same times
        ([piece(0, LAST, 50, 58), piece(0, LAST, 100, 108)], 2),  # neither has a start or an end of its own
        ([piece(10, 20, 50, 70), piece(20, 30, 75, 95), piece(30, 40, 100, 120)], 1),  # a chirp in three parts
    ],
)
def test_what_is_one_transmission(pieces, number):
    assert len(JOINING(pieces, LAST)) == number


def test_a_transmission_extends_over_its_pieces():
    joined = JOINING([piece(24, 26, 50, 53), piece(10, 12, 50, 52), piece(15, 16, 49, 52)], LAST)
    assert extents(joined) == [(10, 26, 49, 53)]
    assert joined[0].on_rows == 5
    assert joined[0].peak_db == pytest.approx(30, abs=0.1)


def test_a_telegrams_gaps_are_longer_in_rows_at_a_higher_rate():
    pulses = [piece(0, 4, 50, 52), piece(60, 64, 50, 52)]
    assert len(Joining(frames_per_row=1, row_s=1e-4)(pulses, LAST)) == 2
    assert len(Joining(frames_per_row=1, row_s=1e-4)([piece(0, 4, 50, 52), piece(40, 44, 50, 52)], LAST)) == 1
