"""What a run looked like: its learning curves, and what it makes of a few validation images."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lmsc_unet.data.labels import LabelMap
from lmsc_unet.data.reading import load_pair
from lmsc_unet.data.sample import Sample
from lmsc_unet.metrics.counts import IGNORE
from lmsc_unet.prediction.files import write_bytes
from lmsc_unet.prediction.predictor import Predictor

SHOWN_IMAGES = 4
COLOURS = mpl.color_sequences["tab10"]


def draw_curves(rows: Sequence[dict[str, float | None]], path: Path) -> None:
    """Loss and Dice of training and validation by the epoch, as the paper's Figure 4."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    loss, score = figure.subplots(1, 2)
    for axis, name, title in ((loss, "loss", "Dice + Focal loss"), (score, "dice", "foreground Dice")):
        for part, colour in (("train", COLOURS[0]), ("val", COLOURS[1])):
            points = [(row["epoch"], row[f"{part}_{name}"]) for row in rows if row.get(f"{part}_{name}") is not None]
            axis.plot(*zip(*points, strict=True), color=colour, label=part) if points else None
        axis.set(title=title, xlabel="epoch")
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
    score.set_ylim(0, 1)
    save(figure, path, dpi=120)


def draw_predictions(predictor: Predictor, samples: Sequence[Sample], label_map: LabelMap, path: Path) -> None:
    """Input, truth and prediction of a few validation images, spread evenly over their order."""
    chosen = [samples[i] for i in np.unique(np.linspace(0, len(samples) - 1, SHOWN_IMAGES).round().astype(int))]
    figure = Figure(figsize=(9, 3.1 * len(chosen)), layout="constrained")
    for row, sample in zip(figure.subplots(len(chosen), 3, squeeze=False), chosen, strict=True):
        image, truth = load_pair(sample, label_map)
        mask = predictor.predict(image).mask
        panels = ((_viewable(image), sample.name), (_coloured(truth), "truth"), (_coloured(mask), "prediction"))
        for axis, (panel, title) in zip(row, panels, strict=True):
            axis.imshow(panel)
            axis.set_title(title[-40:], fontsize=9)
            axis.set_axis_off()
    save(figure, path, dpi=80)


def save(figure: Figure, path: Path, dpi: int) -> None:
    """Writes a figure as PNG, as small as it can be without loss, whole or not at all.

    Raises:
        OutputError: the disk is full or the folder may not be written.
    """
    figure.set_dpi(dpi)
    picture = BytesIO()
    FigureCanvasAgg(figure).print_png(picture, pil_kwargs={"optimize": True})
    write_bytes(path, picture.getvalue())


def _viewable(image: NDArray[Any]) -> NDArray[np.float64]:
    """The first three channels (or the first, as grey) between their 1st and 99th percentile."""
    shown = image[..., :3] if image.shape[2] >= 3 else np.repeat(image[..., :1], 3, axis=2)
    low, high = np.percentile(shown, (1, 99))
    unit: NDArray[np.float64] = np.clip((shown.astype(np.float64) - low) / max(high - low, 1e-9), 0, 1)
    return unit


def _coloured(mask: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Background black, classes in colours, pixels that are left out grey."""
    table = np.array([(0, 0, 0), *(COLOURS[i % len(COLOURS)] for i in range(254)), (0.5, 0.5, 0.5)])
    table[1] = (1, 1, 1)
    assert len(table) == IGNORE + 1
    colours: NDArray[np.float64] = table[mask]
    return colours
