"""What comes and goes with a stronger signal, far below it, is left out; nothing of other times is."""

import pytest

from lmsc_unet.signals.detection.byproducts import without_by_products
from tests.signals.pieces import extents, piece

LAST = 1000
STRONG = piece(100, 200, 50, 60, 50)


@pytest.mark.parametrize(
    ("weak", "is_kept"),
    [
        (piece(100, 200, 190, 200, 35), False),  # its image: the same times, 15 dB down
        (piece(100, 200, 100, 200, 45), True),  # 5 dB down and much wider: another signal
        (piece(150, 154, 120, 200, 30), False),  # a click
        (piece(40, 160, 190, 200, 20), True),  # begins before it
        (piece(150, 400, 190, 200, 20), True),  # lasts longer
        (piece(300, 400, 190, 200, 20), True),  # another time
        (piece(202, 230, 52, 58, 20), False),  # the transmitter's carrier after it
        (piece(202, 400, 52, 58, 20), True),  # too long for that
    ],
)
def test_what_is_left_out_beside_a_burst(weak, is_kept):
    assert len(without_by_products([weak, STRONG], LAST)) == 1 + is_kept


@pytest.mark.parametrize("weak_db", [40, 30, 20])
def test_a_weak_signal_beside_a_strong_one_that_is_always_on_is_kept(weak_db):  # D4
    broadcaster = piece(0, LAST, 50, 60, 60)
    assert len(without_by_products([broadcaster, piece(0, LAST, 190, 200, weak_db)], LAST)) == 2
    assert len(without_by_products([broadcaster, piece(300, 400, 190, 200, weak_db)], LAST)) == 2


def test_its_skirts_are_left_out_even_then():
    assert len(without_by_products([piece(0, LAST, 50, 60, 60), piece(300, 400, 62, 70, 30)], LAST)) == 1


def test_a_part_of_the_same_band_is_added():
    found = without_by_products([STRONG, piece(120, 210, 55, 62, 45)], LAST)
    assert extents(found) == [(100, 210, 50, 62)]


def test_the_distance_can_be_said():
    weak = piece(100, 200, 190, 200, 35)
    assert len(without_by_products([STRONG, weak], LAST, by_product_db=20)) == 2
