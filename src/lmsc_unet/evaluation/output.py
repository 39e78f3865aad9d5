"""The folder of `lmsc evaluate --out`: scores.json, per_image.csv, and a picture of the worst and best images."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lmsc_unet.core.storage import check_folder, resolve_inside, write_text
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.errors import OutputError
from lmsc_unet.evaluation.box_report import boxes_csv, draw_boxes
from lmsc_unet.evaluation.detection import BoxScores
from lmsc_unet.evaluation.segmentation import Evaluation, ImageComparison, compare
from lmsc_unet.imageio import write_png
from lmsc_unet.inference.overlays import to_display
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.metrics.averages import set_scores
from lmsc_unet.metrics.counts import IGNORE

RIGHT, MISSED, FALSE, CONFUSED = (0, 158, 115), (230, 97, 0), (86, 180, 233), (204, 121, 167)
"""RGB of true positives, misses, false positives, wrong class (distinguishable for colour-blind readers)."""
LEGEND = (("right", RIGHT), ("missed", MISSED), ("false alarm", FALSE), ("another class", CONFUSED))
FILL_SHARE = 0.6
"""The share of the error's colour in a pixel."""
CELL_PX, GAP_PX, LINE_PX = 300, 12, 22
"""The side of a cell, the gap between cells, the height of a text line."""
INK, PAPER = (20, 20, 20), (255, 255, 255)


def draw_worst_and_best(
    evaluation: Evaluation, predictor: Predictor, label_map: LabelMap, *, num_each: int = 4
) -> NDArray[np.uint8]:
    """The images with the lowest and highest foreground Dice, each plain and with its errors; RGB "H W 3"."""
    dice = set_scores(evaluation.counts)["dice"]
    worst, best = rank(dice, num_each)
    num_columns = max(len(worst), 2)  # the legend needs two
    rows = []
    for title, chosen in (("Worst images by foreground Dice", worst), ("Best images by foreground Dice", best)):
        cells = []
        for index in chosen:
            sample = evaluation.samples[index]
            cells.append(_cell(compare(predictor, sample, label_map), f"{dice[index]:.3f}  {sample.name}"))
        rows.append(_row(title, cells, num_columns))
    return np.concatenate([_legend(rows[0].shape[1], evaluation), *rows])


def rank(scores: NDArray[np.float64], num_each: int) -> tuple[list[int], list[int]]:
    """Indices of the worst and the best images; none is in both lists, and images without a score are in neither."""
    order = [int(index) for index in np.argsort(scores, kind="stable") if not np.isnan(scores[index])]
    num_worst = min(num_each, (len(order) + 1) // 2)
    num_best = min(num_each, len(order) - num_worst)
    return order[:num_worst], order[::-1][:num_best]


def colour_errors(pair: ImageComparison) -> NDArray[np.uint8]:
    """The image in grey, with true positives, misses and false positives of the foreground coloured; RGB "H W 3"."""
    grey = np.asarray(Image.fromarray(to_display(pair.image)).convert("L"))
    drawn = np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    is_there, is_said = (pair.truth > 0) & (pair.truth != IGNORE), pair.prediction > 0
    is_same = pair.truth == pair.prediction
    for colour, where in (
        (RIGHT, is_there & is_same),
        (MISSED, is_there & ~is_said),
        (FALSE, is_said & (pair.truth == 0)),
        (CONFUSED, is_there & is_said & ~is_same),
    ):
        drawn[where] = ((1 - FILL_SHARE) * drawn[where] + FILL_SHARE * np.array(colour)).astype(np.uint8)
    drawn[pair.truth == IGNORE] //= 3
    return drawn


def _cell(pair: ImageComparison, caption: str) -> NDArray[np.uint8]:
    """The image above its errors, and a text line."""
    panels = [fitted(panel) for panel in (to_display(pair.image), colour_errors(pair))]
    return np.concatenate([text_line(caption, CELL_PX), *panels])


def fitted(panel: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scales a panel to a square cell, keeping its proportions."""
    height_px, width_px = panel.shape[:2]
    scale = CELL_PX / max(height_px, width_px)
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    scaling = Image.Resampling.BOX if scale < 1 else Image.Resampling.NEAREST
    cell = np.full((CELL_PX, CELL_PX, 3), PAPER, dtype=np.uint8)
    cell[: size[1], : size[0]] = np.asarray(Image.fromarray(panel).resize(size, scaling))
    return cell


def _row(title: str, cells: Sequence[NDArray[np.uint8]], num_columns: int) -> NDArray[np.uint8]:
    empty = np.full((2 * CELL_PX + LINE_PX, CELL_PX, 3), PAPER, dtype=np.uint8)
    filled = [*cells, *[empty] * (num_columns - len(cells))]
    gap = np.full((len(empty), GAP_PX, 3), PAPER, dtype=np.uint8)
    row = np.concatenate([part for cell in filled for part in (gap, cell)] + [gap], axis=1)
    return np.concatenate([text_line(title, row.shape[1], size=15, left_px=GAP_PX), row, row[:GAP_PX] * 0 + 255])


def _legend(width_px: int, evaluation: Evaluation) -> NDArray[np.uint8]:
    """A coloured square and a word for each kind of error."""
    entries = LEGEND if len(evaluation.class_names) > 2 else LEGEND[:3]
    canvas = Image.new("RGB", (width_px, LINE_PX + GAP_PX), PAPER)
    pen = ImageDraw.Draw(canvas)
    for place, (word, colour) in enumerate(entries):
        left_px = GAP_PX + 130 * place
        pen.rectangle((left_px, GAP_PX, left_px + 14, GAP_PX + 14), fill=colour)
        pen.text((left_px + 22, GAP_PX), word, INK, ImageFont.load_default(13))
    return np.asarray(canvas)


def text_line(text: str, width_px: int, *, size: int = 13, left_px: int = 0) -> NDArray[np.uint8]:
    """A text line as a picture of the given width."""
    canvas = Image.new("RGB", (width_px, LINE_PX), PAPER)
    ImageDraw.Draw(canvas).text((left_px, 3), text, INK, ImageFont.load_default(size))
    return np.asarray(canvas)


SCORES_FILE, TABLE_FILE, PICTURE_FILE = "scores.json", "per_image.csv", "worst_and_best.png"
BOXES_FILE, BOXES_PICTURE = "boxes.csv", "boxes.png"


def check_output(out: Path, *, overwrite: bool) -> None:
    """Rejects a folder with the results of another evaluation, or with someone else's files.

    Raises:
        OutputError: the folder holds such files.
    """
    check_folder(out)
    taken = [
        name for name in (SCORES_FILE, TABLE_FILE, PICTURE_FILE, BOXES_FILE, BOXES_PICTURE) if (out / name).exists()
    ]
    if SCORES_FILE in taken and not overwrite:
        raise OutputError(
            f"{out}: this folder holds the scores of another evaluation. Replace them by --overwrite, "
            "or name another folder by --out."
        )
    if taken and SCORES_FILE not in taken:
        raise OutputError(
            f"{out}: the folder holds {', '.join(taken)}, which no `lmsc evaluate` wrote. Name another by --out."
        )


def write_output(out: Path, report: Mapping[str, Any], per_image: str, picture: NDArray[np.uint8]) -> None:
    """Writes the three files; the scores come first, since they identify the folder.

    Raises:
        OutputError: the disk is full or the folder is not writable.
    """
    write_text(
        resolve_inside(out, SCORES_FILE), json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    )
    write_text(resolve_inside(out, TABLE_FILE), per_image)
    write_png(resolve_inside(out, PICTURE_FILE), picture)


def write_boxes(out: Path, lines: Sequence[BoxScores]) -> None:
    """Writes box scores as table and picture; nothing if there are none.

    Raises:
        OutputError: the disk is full or the folder is not writable.
    """
    for path in (resolve_inside(out, BOXES_FILE), resolve_inside(out, BOXES_PICTURE)):
        path.unlink(missing_ok=True)  # from a replaced evaluation
    if lines:
        write_text(resolve_inside(out, BOXES_FILE), boxes_csv(lines))
        write_png(resolve_inside(out, BOXES_PICTURE), draw_boxes(lines))
