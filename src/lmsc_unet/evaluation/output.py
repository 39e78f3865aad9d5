"""The folder of `lmsc evaluate --out`: scores.json, per_image.csv and a picture of the worst and best images."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.storage import check_folder, resolve_inside, write_text
from lmsc_unet.errors import OutputError
from lmsc_unet.evaluation.box_report import boxes_csv, draw_boxes
from lmsc_unet.evaluation.detection import BoxScores
from lmsc_unet.imageio import write_png

SCORES_FILE, TABLE_FILE, PICTURE_FILE = "scores.json", "per_image.csv", "worst_and_best.png"
BOXES_FILE, BOXES_PICTURE = "boxes.csv", "boxes.png"


def check_output(out: Path, *, overwrite: bool) -> None:
    """Refuses to replace the results of another evaluation, or files of another's.

    Raises:
        OutputError: the folder holds them.
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
    """Writes the three files; the scores come first, as they mark the folder.

    Raises:
        OutputError: the disk is full or the folder may not be written.
    """
    write_text(
        resolve_inside(out, SCORES_FILE), json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    )
    write_text(resolve_inside(out, TABLE_FILE), per_image)
    write_png(resolve_inside(out, PICTURE_FILE), picture)


def write_boxes(out: Path, lines: Sequence[BoxScores]) -> None:
    """Writes the scores of boxes as a table and as a picture; nothing where there are none.

    Raises:
        OutputError: the disk is full or the folder may not be written.
    """
    for path in (resolve_inside(out, BOXES_FILE), resolve_inside(out, BOXES_PICTURE)):
        path.unlink(missing_ok=True)  # of an evaluation that is replaced
    if lines:
        write_text(resolve_inside(out, BOXES_FILE), boxes_csv(lines))
        write_png(resolve_inside(out, BOXES_PICTURE), draw_boxes(lines))
