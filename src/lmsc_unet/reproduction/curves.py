"""Figure 4: loss and score of training and validation by the epoch, with the band over folds."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lmsc_unet.reproduction.collecting import Outcome
from lmsc_unet.reproduction.stage import Stage
from lmsc_unet.training.checkpoint_callback import read_metrics
from lmsc_unet.training.pictures import COLOURS, save

PARTS = (("train", "training"), ("val", "validation"))
ROWS = (("loss", "Dice + Focal loss"), ("dice", "foreground Dice"))
HIGHEST_LOSS = 1.5
"""Where the axis of losses ends. A validation after the first few steps may lie millions beyond."""


def make_curves(stage: Stage) -> dict[str, Any]:
    """Draws figures/figure4.png: a column for each model, losses above and scores below."""
    shown = [outcome for outcome in stage.outcomes if outcome.scored]
    section = {"kind": "figure", **stage.facts(), "models": [outcome.experiment.title for outcome in shown]}
    if not shown:
        return section
    figure = Figure(figsize=(3.6 * len(shown), 5.6), layout="constrained")
    for axes, (score, title) in zip(figure.subplots(2, len(shown), sharey="row", squeeze=False), ROWS, strict=True):
        for axis, outcome in zip(axes, shown, strict=True):
            _draw(axis, outcome, score)
            axis.set_title(f"{outcome.experiment.title}: {title}", fontsize=9)
    path = stage.figure_path("figure4")
    save(figure, path, dpi=110)
    return section | {"file": path.relative_to(stage.out).as_posix()}


def curves_of(outcome: Outcome, column: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Epochs "E" and a column of metrics.csv in every fold "F E"; NaN where a fold has no value."""
    folds = [read_metrics(one.job.folder / "metrics.csv") for one in outcome.scored]
    length = max(len(rows) for rows in folds)
    values = np.full((len(folds), length), np.nan)
    for fold, rows in enumerate(folds):
        values[fold, : len(rows)] = [np.nan if row[column] is None else row[column] for row in rows]
    is_known = ~np.isnan(values).all(axis=0)
    return np.arange(1, length + 1)[is_known].astype(float), values[:, is_known]


def _draw(axis: Axes, outcome: Outcome, score: str) -> None:
    for (part, label), colour in zip(PARTS, COLOURS, strict=False):
        epochs, values = curves_of(outcome, f"{part}_{score}")
        marker = "o" if len(epochs) < 3 else None
        axis.plot(epochs, np.nanmean(values, axis=0), color=colour, label=label, marker=marker)
        axis.fill_between(epochs, np.nanmin(values, axis=0), np.nanmax(values, axis=0), color=colour, alpha=0.2, lw=0)
    axis.set_xlabel("epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.3)
    axis.set_ylim(0, 1 if score == "dice" else HIGHEST_LOSS)
    axis.legend(frameon=False, fontsize=8)
