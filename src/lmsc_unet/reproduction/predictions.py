"""Figures 5 and 7: input, truth and each model's errors, for images selected by a rule."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.load import find_label_map
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.evaluation.output import FALSE, MISSED, RIGHT, colour_errors
from lmsc_unet.evaluation.segmentation import ImageComparison, compare
from lmsc_unet.inference.overlays import to_display
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.metrics.averages import set_scores
from lmsc_unet.metrics.counts import count_pixels
from lmsc_unet.reproduction.context import Outcome, ReportContext, Scored
from lmsc_unet.reproduction.statistics import iou_by_image
from lmsc_unet.reproduction.work import load
from lmsc_unet.training.load_model import as_network
from lmsc_unet.training.pictures import save


def make_figure5(stage: ReportContext) -> dict[str, Any]:
    """Draws figures/figure5.png for NuInsSeg."""
    return draw_predictions(stage, "figure5")


def make_figure7(stage: ReportContext) -> dict[str, Any]:
    """Draws figures/figure7.png for the RF set."""
    return draw_predictions(stage, "figure7")


def draw_predictions(stage: ReportContext, name: str) -> dict[str, Any]:
    """Best, median and worst image of the last outcome (LMSC-UNet), a row each."""
    shown = [outcome for outcome in stage.outcomes if outcome.scored]
    section = {"kind": "figure", **stage.facts(), "models": [outcome.experiment.title for outcome in shown]}
    chosen = choose(iou_of_filled(stage.outcomes[-1]))
    if not chosen:
        return section
    samples, label_map = pairs_of(stage, chosen)
    figure = Figure(figsize=(2.5 * (2 + len(shown)), 2.75 * len(chosen)), layout="constrained")
    grid = figure.subplots(len(chosen), 2 + len(shown), squeeze=False)
    for axes, (rule, image_name) in zip(grid, chosen.items(), strict=True):
        panels = _panels(samples[image_name], label_map, shown)
        for axis, (title, pixels) in zip(axes, panels.items(), strict=False):
            axis.imshow(pixels, cmap="gray", vmin=0, vmax=255)
            axis.set_title(title, fontsize=8)
        for axis in axes:
            axis.set_axis_off()
        axes[0].set_title(f"{rule}: {image_name[-32:]}", fontsize=8)
    path = stage.figure_path(name)
    save(figure, path, dpi=100)
    colours = {"right": RIGHT, "missed": MISSED, "false": FALSE}
    file = path.relative_to(stage.out).as_posix()
    return section | {"file": file, "chosen": chosen, "colours": {k: list(v) for k, v in colours.items()}}


def iou_of_filled(outcome: Outcome) -> dict[str, float]:
    """IoU of each image with foreground: on an empty one, a single false pixel makes it 0."""
    if not outcome.scored:
        return {}
    counts = outcome.counts
    has_foreground = (counts.tp + counts.fn)[:, 1:].sum(axis=1) > 0
    filled = {name for name, is_filled in zip(outcome.names, has_foreground, strict=True) if is_filled}
    return {name: share for name, share in iou_by_image(outcome).items() if name in filled}


def choose(shares: Mapping[str, float]) -> dict[str, str]:
    """Names of the images with the highest, median and lowest score; fewer if there are fewer than three."""
    ranked = sorted((name for name, share in shares.items() if not np.isnan(share)), key=lambda name: -shares[name])
    if not ranked:
        return {}
    picks = {"best": ranked[0], "median": ranked[len(ranked) // 2], "worst": ranked[-1]}
    return {rule: name for place, (rule, name) in enumerate(picks.items()) if name not in list(picks.values())[:place]}


def pairs_of(stage: ReportContext, chosen: Mapping[str, str]) -> tuple[dict[str, Sample], LabelMap]:
    """The chosen images with their masks, and the meaning of mask values."""
    config = stage.outcomes[-1].jobs[0].config
    dataset = find_dataset(stage.source.path, config.data, pieces=config.recordings)
    label_map = find_label_map(dataset.samples, DataOptions(classes=dataset.class_names))
    return {one.name: one for one in dataset.samples if one.name in chosen.values()}, label_map


def predictor_of(scored: Scored) -> Predictor:
    """The weights by which a job was scored."""
    module, spec = load(scored.job.folder / f"{scored.job.epoch}.ckpt", scored.job.model)
    return Predictor(as_network(module), spec)


def _panels(sample: Sample, label_map: LabelMap, shown: Sequence[Outcome]) -> dict[str, NDArray[Any]]:
    """Title -> picture: the input, its truth, and the errors of each model scored on the image."""
    panels: dict[str, NDArray[Any]] = {}
    for outcome in shown:
        scored = outcome.scored_on(sample.name)
        if scored is None:
            continue
        pair = compare(predictor_of(scored), sample, label_map)
        panels = panels or {"input": to_display(pair.image), "truth": _white(pair)}
        counts = count_pixels(pair.prediction, pair.truth, label_map.num_classes)
        iou = float(set_scores(counts)["iou"])
        panels[f"{outcome.experiment.title}: IoU {iou:.3f}"] = colour_errors(pair)
    return panels


def _white(pair: ImageComparison) -> NDArray[np.uint8]:
    shown: NDArray[np.uint8] = (pair.truth > 0).astype(np.uint8) * np.uint8(255)
    return shown
