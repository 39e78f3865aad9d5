"""spectrogram.png: a recording with axes in seconds and hertz, and the detected signals outlined.

A recording of any length becomes a few hundred lines, computed while its rows pass.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lmsc_unet.signals.boxes import SignalBox, boxes_xyxy_px
from lmsc_unet.signals.noise import to_picture
from lmsc_unet.signals.settings import DbRange
from lmsc_unet.signals.stft import Grid

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """Tick positions of an axis and their labels."""

    values: tuple[float, ...]
    """In the axis' unit without prefix, such as hertz."""
    labels: tuple[str, ...]
    """In the prefixed unit."""
    unit: str
    """The prefixed unit, such as MHz."""


def make_ticks(low: float, high: float, unit: str, *, number: int = 6) -> Ticks:
    """About `number` ticks at round numbers (1, 2 or 5 times a power of ten apart) from `low` to `high`."""
    step = _round_step((high - low) / max(1, number))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = tuple(index * step for index in range(first, last + 1))
    factor, prefix = _prefix(max(abs(low), abs(high)), unit)
    decimals = max(0, math.ceil(-math.log10(step / factor) - 1e-9))
    return Ticks(
        values=values, labels=tuple(f"{value / factor:.{decimals}f}" for value in values), unit=f"{prefix}{unit}"
    )


def with_unit(value: float, unit: str) -> str:
    """A number with four digits and a prefix that suits it: `2.4 MHz`."""
    factor, prefix = _prefix(abs(value), unit)
    return f"{value / factor:.4g} {prefix}{unit}"


def _round_step(raw: float) -> float:
    raw = max(raw, 1e-30)
    power = 10.0 ** math.floor(math.log10(raw))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= raw * (1 - 1e-9)), 10 * power)


def _prefix(size: float, unit: str) -> tuple[float, str]:
    """The largest prefix with a number of at least 1; prefixes below 1, such as milli, only for seconds."""
    fitting = [(factor, prefix) for factor, prefix in _PREFIXES if size >= 0.999 * factor]
    return fitting[0] if fitting and (unit == "s" or fitting[0][0] > 1) else (1.0, "")


Rows = NDArray[np.float32]


class Thumbnail:
    """Keeps mean and maximum of groups of rows, with at most `2 * num_lines` groups (lines).

    The mean alone would hide a short burst in a long recording, the maximum alone would brighten noise; the picture
    shows the middle of the two.
    """

    def __init__(self, num_lines: int = 512) -> None:
        self.num_lines = num_lines
        self.rows_per_line = 1
        self.num_rows = 0
        self._pending: Rows | None = None
        self._mean: list[Rows] = []
        self._highest: list[Rows] = []
        self._count = 0

    def add(self, rows_db: Rows) -> None:
        """Adds the next rows "T F"."""
        self.num_rows += len(rows_db)
        rows = rows_db if self._pending is None else np.concatenate([self._pending, rows_db])
        whole = len(rows) - len(rows) % self.rows_per_line
        self._pending = rows[whole:].copy()
        if whole:
            lines = rows[:whole].reshape(-1, self.rows_per_line, rows.shape[1])
            self._mean.append(lines.mean(axis=1))
            self._highest.append(lines.max(axis=1))
            self._count += len(lines)
        while self._count >= 2 * self.num_lines:
            self._halve()

    def lines(self) -> Rows:
        """The picture so far, "lines F" in dB; its last line may contain fewer rows."""
        mean, highest = list(self._mean), list(self._highest)
        if self._pending is not None and len(self._pending):
            mean.append(self._pending.mean(axis=0, keepdims=True))
            highest.append(self._pending.max(axis=0, keepdims=True))
        if not mean:
            return np.zeros((0, 0), np.float32)
        return np.asarray((np.concatenate(mean) + np.concatenate(highest)) / 2, np.float32)

    def _halve(self) -> None:
        """Merges lines in pairs; an odd last line returns to the pending rows and loses only its inner detail."""
        mean, highest = np.concatenate(self._mean), np.concatenate(self._highest)
        even = len(mean) - len(mean) % 2
        if even < len(mean):
            assert self._pending is not None
            again = np.repeat((mean[even:] + highest[even:]) / 2, self.rows_per_line, axis=0)
            self._pending = np.concatenate([again, self._pending])
        self._mean = [mean[:even].reshape(even // 2, 2, -1).mean(axis=1)]
        self._highest = [highest[:even].reshape(even // 2, 2, -1).max(axis=1)]
        self._count = even // 2
        self.rows_per_line *= 2


WIDTH_PX, TALLEST_PX, LOWEST_PX = 768, 768, 192
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 84, 96, 34, 50
SHOWN = DbRange(low_db=-5.0, high_db=35.0)
INK, PAPER, OUTLINE, SHADOW = (20, 20, 20), (255, 255, 255), (255, 255, 255), (200, 30, 60)
VIRIDIS = (
    "440154 481769 472a7a 433d84 3d4e8a 355e8d 2e6d8e 297b8e 23898e 1f978b 21a585 2eb37c 46c06f 65cb5e 89d548 b0dd2f "
    "d8e219 fde725"
)
"""Every 15th of the 256 colours of viridis, whose brightness is monotonic."""
MAX_LABELS = 60
"""Above this number of signals, outlines are thin and unlabelled."""
_FEW_LINES, _FAINTEST = 300, 0.3
"""Above this number, outlines are transparent."""

_CORNERS = np.array([list(bytes.fromhex(colour)) for colour in VIRIDIS.split()])
_COLOUR_TABLE = np.stack(
    [np.interp(np.arange(256), np.arange(0, 256, 15), channel) for channel in _CORNERS.T], axis=1
).astype(np.uint8)


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """The contents of one picture: a capture, or everything from a pipe."""

    title: str
    """The title."""
    lines: Rows
    """The spectrogram "lines F" in dB above the noise floor, with few enough lines to draw."""
    rows_per_line: int
    """Spectrogram rows per line."""
    num_rows: int
    """The number of spectrogram rows."""
    grid: Grid
    """Time and frequency of rows and columns."""
    first_sample: int
    """The recording's sample at the first row."""
    boxes: Sequence[SignalBox]
    """The detected signals."""


def draw_panels(panels: Sequence[Panel]) -> NDArray[np.uint8]:
    """Draws panels below each other, RGB "H W 3"."""
    tallest_px = max(LOWEST_PX, TALLEST_PX // max(1, len(panels)))
    return np.concatenate([draw_panel(panel, tallest_px) for panel in panels])


def draw_panel(panel: Panel, tallest_px: int = TALLEST_PX) -> NDArray[np.uint8]:
    """Draws one spectrogram with axes, colour bar and signal outlines, RGB "H W 3"."""
    height_px = int(np.clip(3 * panel.num_rows, LOWEST_PX, tallest_px))
    canvas = Image.new("RGB", (LEFT_PX + WIDTH_PX + RIGHT_PX, TOP_PX + height_px + BOTTOM_PX), PAPER)
    canvas.paste(Image.fromarray(_colours(_stretched(panel, height_px))), (LEFT_PX, TOP_PX))
    pen = ImageDraw.Draw(canvas)
    pen.text((LEFT_PX, 6), panel.title, INK, _font(14))
    _draw_frequency_axis(pen, panel.grid, TOP_PX + height_px)
    _draw_time_axis(pen, panel, height_px)
    _draw_scale(canvas, pen, height_px)
    _draw_boxes(canvas, panel, height_px)
    return np.asarray(canvas)


def _stretched(panel: Panel, height_px: int) -> Rows:
    """The lines at the size of the plot; a last line with fewer rows is less tall."""
    full_px = round(height_px * len(panel.lines) * panel.rows_per_line / panel.num_rows)
    wide = _scaled(panel.lines, WIDTH_PX, len(panel.lines), is_smaller=panel.lines.shape[1] > WIDTH_PX)
    return _scaled(wide, WIDTH_PX, full_px, is_smaller=len(panel.lines) > full_px)[:height_px]


def _scaled(lines: Rows, width_px: int, height_px: int, *, is_smaller: bool) -> Rows:
    """Averages lines if there are more than pixels, repeats them if there are fewer."""
    scaling = Image.Resampling.BOX if is_smaller else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(np.asarray(lines, np.float32)).resize((width_px, height_px), scaling))


def _colours(level_db: Rows) -> NDArray[np.uint8]:
    return _COLOUR_TABLE[to_picture(level_db, SHOWN)]


def _draw_frequency_axis(pen: ImageDraw.ImageDraw, grid: Grid, bottom_px: int) -> None:
    ticks = make_ticks(grid.hz(0), grid.hz(grid.num_columns), "Hz", number=5)
    for value, label in zip(ticks.values, ticks.labels, strict=True):
        x = LEFT_PX + grid.column_px(value) * WIDTH_PX / grid.num_columns
        pen.line((x, bottom_px, x, bottom_px + 5), INK)
        pen.text((x, bottom_px + 7), label, INK, _font(12), anchor="ma")
    pen.text((LEFT_PX + WIDTH_PX / 2, bottom_px + 27), f"frequency ({ticks.unit})", INK, _font(13), anchor="ma")


def _draw_time_axis(pen: ImageDraw.ImageDraw, panel: Panel, height_px: int) -> None:
    grid, offset_s = panel.grid, panel.first_sample / panel.grid.sample_rate_hz
    ticks: Ticks = make_ticks(offset_s + max(0.0, grid.seconds(0)), offset_s + grid.seconds(panel.num_rows), "s")
    for value, label in zip(ticks.values, ticks.labels, strict=True):
        y = TOP_PX + grid.row_px_of_seconds(value - offset_s) * height_px / panel.num_rows
        pen.line((LEFT_PX - 5, y, LEFT_PX, y), INK)
        pen.text((LEFT_PX - 8, y), label, INK, _font(12), anchor="rm")
    pen.text((LEFT_PX - 8, TOP_PX - 6), f"time ({ticks.unit})", INK, _font(13), anchor="rs")


def _draw_scale(canvas: Image.Image, pen: ImageDraw.ImageDraw, height_px: int) -> None:
    """A colour bar, labelled in dB above the noise floor."""
    levels = np.linspace(SHOWN.high_db, SHOWN.low_db, height_px, dtype=np.float32)
    left_px = LEFT_PX + WIDTH_PX + 16
    canvas.paste(Image.fromarray(_colours(np.repeat(levels[:, np.newaxis], 12, axis=1))), (left_px, TOP_PX))
    for level_db in range(0, int(SHOWN.high_db) + 1, 10):
        y = TOP_PX + (SHOWN.high_db - level_db) / (SHOWN.high_db - SHOWN.low_db) * height_px
        pen.text((left_px + 17, y), f"{level_db} dB", INK, _font(12), anchor="lm")
    pen.text((left_px - 6, TOP_PX - 6), "over noise", INK, _font(12), anchor="ls")


def _draw_boxes(canvas: Image.Image, panel: Panel, height_px: int) -> None:
    """Outlines with shadow and label; many boxes have thin outlines, very many transparent ones."""
    places = _places(panel, height_px)
    if len(places) > MAX_LABELS:
        _draw_thin(canvas, places)
        return
    pen = ImageDraw.Draw(canvas)
    for box, place in zip(panel.boxes, places, strict=True):
        pen.rectangle((place[0] - 2, place[1] - 2, place[2] + 2, place[3] + 2), outline=SHADOW, width=2)
        pen.rectangle(place, outline=OUTLINE, width=1)
        _draw_label(pen, place, _label(box))


def _places(panel: Panel, height_px: int) -> list[tuple[float, float, float, float]]:
    """The corners of each box on the canvas."""
    edges = boxes_xyxy_px(panel.boxes, panel.grid, first_sample=panel.first_sample)
    edges *= np.array([WIDTH_PX / panel.grid.num_columns, height_px / panel.num_rows] * 2)
    limits = np.array([WIDTH_PX - 1, height_px - 1] * 2)
    return [
        (LEFT_PX + left, TOP_PX + top, LEFT_PX + max(right, left + 2), TOP_PX + max(bottom, top + 2))
        for left, top, right, bottom in np.clip(edges, 0, limits).tolist()
    ]


def _draw_thin(canvas: Image.Image, places: Sequence[tuple[float, float, float, float]]) -> None:
    lines = Image.new("L", canvas.size)
    pen = ImageDraw.Draw(lines)
    strength = round(255 * max(_FAINTEST, min(1.0, _FEW_LINES / len(places))))
    for place in places:
        pen.rectangle(place, outline=strength, width=1)
    canvas.paste(Image.new("RGB", canvas.size, SHADOW), mask=lines)


def _draw_label(pen: ImageDraw.ImageDraw, place: tuple[float, ...], text: str) -> None:
    """Draws the label above the box if there is room, otherwise inside; never beyond the plot's right edge."""
    length_px = pen.textlength(text, _font(11))
    x = min(place[0], LEFT_PX + WIDTH_PX - length_px - 5)
    y = place[1] - 15 if place[1] - 15 >= TOP_PX else place[1] + 2
    pen.rectangle((x, y, x + length_px + 5, y + 13), fill=SHADOW)
    pen.text((x + 3, y), text, PAPER, _font(11))


def _label(box: SignalBox) -> str:
    return box.label if box.snr_db is None else f"{box.label} {box.snr_db:.0f} dB"


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
