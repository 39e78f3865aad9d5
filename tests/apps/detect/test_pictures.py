"""Thumbnails of any length, and axes that say what is there."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from lmsc_unet.apps.detect.picture import LEFT_PX, TOP_PX, WIDTH_PX, Panel, Thumbnail, draw_panel, make_ticks, with_unit
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import Grid


@settings(max_examples=60)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=30), st.integers(2, 40))
def test_a_thumbnail_stays_small_and_keeps_the_place_and_height_of_a_peak(blocks, num_lines):
    rows = np.zeros((sum(blocks), 3), np.float32)
    peak = len(rows) * 2 // 3
    rows[peak, 1] = 30
    thumbnail = Thumbnail(num_lines)
    for block in np.split(rows, np.cumsum(blocks)[:-1]):
        thumbnail.add(block)
    lines = thumbnail.lines()
    assert thumbnail.num_rows == len(rows)
    assert len(lines) <= 2 * num_lines
    assert len(lines) == -(-len(rows) // thumbnail.rows_per_line)
    assert np.unravel_index(lines.argmax(), lines.shape) == (peak // thumbnail.rows_per_line, 1)
    assert lines.max() >= 7  # at least a quarter, whatever was joined


@pytest.mark.parametrize(
    ("low", "high", "labels", "unit"),
    [
        (-500e3, 500e3, ("-400", "-200", "0", "200", "400"), "kHz"),
        (867.5e6, 868.5e6, ("867.6", "867.8", "868.0", "868.2", "868.4"), "MHz"),
        (-0.5, 0.5, ("-0.4", "-0.2", "0.0", "0.2", "0.4"), "Hz"),
        (2.4e9, 2.42e9, ("2.400", "2.405", "2.410", "2.415", "2.420"), "GHz"),
        (0, 0.3, ("0.0", "0.1", "0.2", "0.3"), "Hz"),
    ],
)
def test_ticks_are_round_and_short(low, high, labels, unit):
    ticks = make_ticks(low, high, "Hz", number=5)
    assert (ticks.labels, ticks.unit) == (labels, unit)
    assert all(low <= value <= high + 1e-9 for value in ticks.values)


@pytest.mark.parametrize(("value", "text"), [(2.4e6, "2.4 MHz"), (0, "0 Hz"), (868.3e6, "868.3 MHz"), (-1e3, "-1 kHz")])
def test_numbers_have_prefixes(value, text):
    assert with_unit(value, "Hz") == text


def test_a_box_is_drawn_where_its_signal_is_bright():
    grid = Grid(stft=Stft(), sample_rate_hz=1e6, center_hz=868e6)
    lines = np.full((200, 256), -5, np.float32)
    lines[50:100, 64:128] = 35
    box = SignalBox(
        start_sample=50 * 256, stop_sample=100 * 256, low_hz=grid.hz(64), high_hz=grid.hz(128), label="x" * 40
    )
    panel = Panel(title="one", lines=lines, rows_per_line=1, num_rows=200, grid=grid, first_sample=0, boxes=[box])
    bare = draw_panel(Panel(**{**panel.__dict__, "boxes": []}))
    drawn = draw_panel(panel)
    rows, columns = np.nonzero((drawn != bare).any(axis=2))
    assert (rows.max() - TOP_PX, columns.min() - LEFT_PX) == pytest.approx((100 * 3, 64 * WIDTH_PX / 256), abs=3)
    bright = drawn[TOP_PX + 75 * 3, LEFT_PX + 96 * 3]
    assert bright[0] > 200
    assert bright[2] < 100


@pytest.mark.parametrize("number", [61, 400, 4_000])
def test_a_picture_with_many_boxes_still_shows_the_spectrogram(number):  # D15
    grid = Grid(stft=Stft(), sample_rate_hz=1e6)
    rng = np.random.default_rng(0)
    starts, columns = rng.integers(0, 250, number) * 256, rng.integers(0, 250, number)
    boxes = [
        SignalBox(
            start_sample=int(start), stop_sample=int(start) + 1_500, low_hz=grid.hz(low), high_hz=grid.hz(low + 6)
        )
        for start, low in zip(starts, columns, strict=True)
    ]
    lines = rng.uniform(-5, 35, (256, 256)).astype(np.float32)
    panel = Panel(title="many", lines=lines, rows_per_line=1, num_rows=256, grid=grid, first_sample=0, boxes=boxes)
    bare = draw_panel(Panel(**{**panel.__dict__, "boxes": []})).astype(float)
    drawn = draw_panel(panel).astype(float)
    assert (drawn != bare).any()
    inside = (slice(TOP_PX, TOP_PX + 700), slice(LEFT_PX, LEFT_PX + WIDTH_PX), 1)
    assert np.corrcoef(drawn[inside].ravel(), bare[inside].ravel())[0, 1] > 0.5
