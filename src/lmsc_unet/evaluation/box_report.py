"""Box scores as plain data, table, CSV and picture."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lmsc_unet.core.tables import Table
from lmsc_unet.evaluation.detection import BoxScores
from lmsc_unet.evaluation.report import share

COLUMNS = ("detector", "by", "group", "true", "found", "precision", "recall", "f1", "map_50", "map_50_95")
PLOT_PX, HEIGHT_PX, MARGIN_PX = 420, 260, 56
COLOURS = ((120, 120, 120), (0, 114, 178), (213, 94, 0), (0, 158, 115))
INK, FAINT, PAPER = (20, 20, 20), (225, 225, 225), (255, 255, 255)


def to_row(line: BoxScores) -> dict[str, Any]:
    """One line as plain data; None if a score is 0/0."""
    counts = line.counts
    scores = {
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "map_50": line.map_50,
        "map_50_95": line.map_50_95,
    }
    numbers = {"true": counts.tp + counts.fn, "found": counts.tp + counts.fp}
    known = {name: None if math.isnan(value) else round(value, 6) for name, value in scores.items()}
    return {"detector": line.detector, "by": line.by, "group": line.group, **numbers, **known}


def boxes_csv(lines: Sequence[BoxScores]) -> str:
    """boxes.csv: a line per detector and group; empty if a score is 0/0."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(to_row, lines))
    return text.getvalue()


def boxes_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The table to print."""
    cells = tuple(
        (row["detector"], row["by"], row["group"], str(row["true"]), str(row["found"]), *map(share, _scores(row)))
        for row in rows
    )
    headings = (*COLUMNS[:8], "mAP@0.5", "mAP@[.5:.95]")
    return Table(title="Boxes, matched at an IoU of 0.5, whatever their labels", headings=headings, rows=cells)


def draw_boxes(lines: Sequence[BoxScores]) -> NDArray[np.uint8]:
    """Recall and precision by SNR, and F1 by template, with a colour per detector; RGB "H W 3"."""
    rows = [to_row(line) for line in lines]
    charts = (("snr_db", "recall", "SNR (dB)"), ("snr_db", "precision", "SNR (dB)"), ("template", "f1", "template"))
    panels = [_draw_chart(rows, by, score, title) for by, score, title in charts if any(r["by"] == by for r in rows)]
    if not panels:
        panels = [_draw_chart(rows, "all", "f1", "boxes")]
    return np.concatenate(panels, axis=1)


def _scores(row: Mapping[str, Any]) -> list[float | None]:
    return [row[name] for name in COLUMNS[5:]]


def _draw_chart(rows: Sequence[Mapping[str, Any]], by: str, score: str, title: str) -> NDArray[np.uint8]:
    """A point per group, from 0 to 1, connected if the groups are ordered."""
    here = [row for row in rows if row["by"] == by]
    groups = list(dict.fromkeys(row["group"] for row in here))
    canvas = Image.new("RGB", (PLOT_PX + 2 * MARGIN_PX, HEIGHT_PX + 2 * MARGIN_PX), PAPER)
    pen = ImageDraw.Draw(canvas)
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        pen.line((MARGIN_PX, y, MARGIN_PX + PLOT_PX, y), FAINT)
        pen.text((MARGIN_PX - 6, y), f"{tenth / 10:.1f}", INK, _font(11), anchor="rm")
    for index, group in enumerate(groups):
        pen.text((_x(index, groups), MARGIN_PX + HEIGHT_PX + 6), group.replace(" and more", "+"), INK, _font(10), "ma")
    pen.text((MARGIN_PX, 8), f"{score.replace('f1', 'F1')} by {title}", INK, _font(14))
    for number, detector in enumerate(dict.fromkeys(row["detector"] for row in rows)):
        colour = COLOURS[number % len(COLOURS)]
        points = [
            (_x(groups.index(row["group"]), groups), _y(row[score]))
            for row in here
            if row["detector"] == detector and row[score] is not None
        ]
        if by == "snr_db":  # templates are unordered
            pen.line(points, colour, width=2)
        legend_px = (MARGIN_PX + 5 + 130 * number, 38)
        for x, y in (*points, legend_px):
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)
        pen.text((legend_px[0] + 10, legend_px[1]), detector, colour, _font(12), anchor="lm")
    return np.asarray(canvas)


def _x(index: int, groups: Sequence[str]) -> float:
    return MARGIN_PX + (index + 0.5) * PLOT_PX / len(groups)


def _y(value: float) -> float:
    return MARGIN_PX + HEIGHT_PX * (1 - value)


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
