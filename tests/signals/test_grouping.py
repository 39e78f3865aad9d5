"""Pieces wait until nothing can belong to them, and not for ever."""

import pytest

from lmsc_unet.errors import ConfigError
from lmsc_unet.signals.detection.grouping import Grouper, Grouping
from lmsc_unet.signals.detection.joining import Joining
from tests.signals.pieces import extents, piece

JOINING = Joining(frames_per_row=1, row_s=1e-3)
PULSES = [piece(10, 12, 50, 52), piece(15, 16, 50, 52)]


def test_a_transmission_comes_when_no_pulse_can_follow():
    grouper = Grouper(Grouping(), JOINING)
    assert not list(grouper.feed(PULSES, 20, 20))
    assert extents(grouper.feed([], 40, 40)) == [(10, 16, 50, 52)]
    assert not list(grouper.finish(40))


def test_it_waits_for_a_signal_that_began_before_but_not_for_ever():
    grouper = Grouper(Grouping(), JOINING)
    assert not list(grouper.feed(PULSES, 100, 5))
    assert len(list(grouper.feed([], 5000, 5))) == 1


def test_what_is_left_comes_at_the_end():
    grouper = Grouper(Grouping(), JOINING)
    assert not list(grouper.feed(PULSES, 20, 20))
    assert extents(grouper.finish(20)) == [(10, 16, 50, 52)]


@pytest.mark.parametrize(
    ("grouping", "number"),
    [
        (Grouping(), 1),
        (Grouping(joins=False), 3),  # an image has the times of the whole transmission
        (Grouping(by_product_db=None), 2),
        (Grouping(joins=False, by_product_db=None), 3),
        (Grouping(by_product_db=25), 2),
    ],
)
def test_each_rule_can_be_turned_off(grouping, number):
    image = piece(10, 16, 200, 202, 12)
    grouper = Grouper(grouping, JOINING)
    assert len([*grouper.feed([*PULSES, image], 100, 100), *grouper.finish(100)]) == number


def test_a_distance_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="by_product_db is -3"):
        Grouping(by_product_db=-3)
