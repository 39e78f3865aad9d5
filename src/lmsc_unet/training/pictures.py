"""Pictures of a run: learning curves, and predictions on a few validation images."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from lmsc_unet.core.storage import write_bytes
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.load import load_pair
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.inference.overlays import colour_table, to_display
from lmsc_unet.inference.predictor import Predictor

SHOWN_IMAGES = 4
COLOURS = mpl.color_sequences["tab10"]


def draw_curves(rows: Sequence[dict[str, float | None]], path: Path) -> None:
    """Loss and Dice of training and validation per epoch, as in the paper's Figure 4."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    loss, score = figure.subplots(1, 2)
    for axis, name, title in ((loss, "loss", "Dice + Focal loss"), (score, "dice", "foreground Dice")):
        for part, colour in (("train", COLOURS[0]), ("val", COLOURS[1])):
            points = [(row["epoch"], row[f"{part}_{name}"]) for row in rows if row.get(f"{part}_{name}") is not None]
            axis.plot(*zip(*points, strict=True), color=colour, label=part) if points else None
        axis.set(title=title, xlabel="epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
    score.set_ylim(0, 1)
    save(figure, path, dpi=120)


def draw_predictions(predictor: Predictor, samples: Sequence[Sample], label_map: LabelMap, path: Path) -> None:
    """Input, truth and prediction of a few validation images, evenly spaced in their order.

    With several classes, a legend names their colours.
    """
    chosen = [samples[i] for i in np.unique(np.linspace(0, len(samples) - 1, SHOWN_IMAGES).round().astype(int))]
    figure = Figure(figsize=(9, 3.1 * len(chosen)), layout="constrained")
    for row, sample in zip(figure.subplots(len(chosen), 3, squeeze=False), chosen, strict=True):
        image, truth = load_pair(sample, label_map)
        mask = predictor.predict(image).mask
        table = class_colours(label_map.num_classes)
        panels = ((to_display(image), sample.name), (table[truth], "truth"), (table[mask], "prediction"))
        for axis, (panel, title) in zip(row, panels, strict=True):
            axis.imshow(panel)
            axis.set_title(title[-40:], fontsize=9)
            axis.set_axis_off()
    _add_legend(figure, label_map.class_names)
    save(figure, path, dpi=80)


def _add_legend(figure: Figure, class_names: Sequence[str]) -> None:
    """Adds a legend of the class colours if there are several."""
    if len(class_names) == 2:
        return
    colours = class_colours(len(class_names)) / 255
    patches = [Patch(color=colours[class_id], label=name) for class_id, name in enumerate(class_names)]
    figure.legend(handles=patches[1:], loc="outside lower center", ncols=6, frameon=False)


def save(figure: Figure, path: Path, dpi: int) -> None:
    """Writes a figure as a small lossless PNG, atomically.

    Raises:
        OutputError: the disk is full or the folder is not writable.
    """
    figure.set_dpi(dpi)
    picture = BytesIO()
    FigureCanvasAgg(figure).print_png(picture, pil_kwargs={"optimize": True})
    write_bytes(path, picture.getvalue())


def class_colours(num_classes: int) -> NDArray[np.uint8]:
    """RGB of each class id "256 3": as in overlays and masks, but white for a single foreground class; 255 is grey."""
    table = colour_table()
    if num_classes == 2:
        table[1] = 255
    return table
