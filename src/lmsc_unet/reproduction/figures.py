"""Table 1, Figure 4 (learning curves) and Figure 6 (features of the last decoder block), measured here."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from torch import Tensor, nn

from lmsc_unet.benchmark.benchmark import benchmark
from lmsc_unet.benchmark.plan import Plan
from lmsc_unet.complexity.costs import make_report
from lmsc_unet.complexity.paper import PRINTED
from lmsc_unet.datasets.load import load_pair
from lmsc_unet.inference.overlays import to_display
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.reproduction.context import Outcome, ReportContext
from lmsc_unet.reproduction.predictions import choose, iou_of_filled, pairs_of
from lmsc_unet.reproduction.work import load
from lmsc_unet.training.checkpoint_callback import read_metrics
from lmsc_unet.training.load_model import as_network
from lmsc_unet.training.pictures import COLOURS, save

MODELS = {"unet": "U-Net", "lmsc-unet-plain": "LMSC-UNet without BRB", "lmsc-unet": "LMSC-UNet"}


def make_costs(stage: ReportContext) -> dict[str, Any]:
    """A row per model of the paper's Table 1, as plain data."""
    budget = stage.budget
    plan = Plan(
        models=tuple(MODELS),
        backends=budget.backends,
        precisions=("fp32",),
        threads=(1,),
        size_px=budget.benchmark_side_px,
        rounds=budget.benchmark_rounds,
        cold=False,
    )
    timed = benchmark(plan)
    counted = make_report(MODELS, size_px=256, num_classes=2)
    return {
        "kind": "costs",
        "budget": stage.budget_name,
        "size_px": plan.size_px,
        "rounds": plan.rounds,
        "threads": plan.threads[0],
        "rows": [
            {
                "title": MODELS[cost.model],
                "model": cost.model,
                "parameters": cost.parameters,
                "macs_exact": cost.macs_exact,
                "macs_paper_counter": cost.macs_paper,
                "state_mib": cost.state_mib,
                "ms": {
                    row.backend: {"median": row.ms_median, "p5": row.ms_p5, "p95": row.ms_p95}
                    for row in timed
                    if row.model == cost.model
                },
                "paper": {
                    "parameters_m": cost.paper_parameters_m,
                    "macs_g": cost.paper_macs_g,
                    "size_mb": cost.paper_size_mb,
                    "ms": PRINTED[cost.model].inference_ms,
                },
            }
            for cost in counted.rows
        ],
    }


PARTS = (("train", "training"), ("val", "validation"))
ROWS = (("loss", "Dice + Focal loss"), ("dice", "foreground Dice"))
HIGHEST_LOSS = 1.5
"""Upper end of the loss axis; a validation after the first steps may be millions above."""


def make_curves(stage: ReportContext) -> dict[str, Any]:
    """Draws figures/figure4.png: a column per model, losses above and scores below."""
    shown = [outcome for outcome in stage.outcomes if outcome.scored]
    section = {"kind": "figure", **stage.facts(), "models": [outcome.experiment.title for outcome in shown]}
    if not shown:
        return section
    figure = Figure(figsize=(3.6 * len(shown), 5.6), layout="constrained")
    for axes, (score, title) in zip(figure.subplots(2, len(shown), sharey="row", squeeze=False), ROWS, strict=True):
        for axis, outcome in zip(axes, shown, strict=True):
            _draw_curves(axis, outcome, score)
            axis.set_title(f"{outcome.experiment.title}: {title}", fontsize=9)
    path = stage.figure_path("figure4")
    save(figure, path, dpi=110)
    return section | {"file": path.relative_to(stage.out).as_posix()}


def curves_of(outcome: Outcome, column: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Epochs "E" and a column of metrics.csv in every fold "F E"; NaN for missing values."""
    folds = [read_metrics(one.job.folder / "metrics.csv") for one in outcome.scored]
    length = max(len(rows) for rows in folds)
    values = np.full((len(folds), length), np.nan)
    for fold, rows in enumerate(folds):
        values[fold, : len(rows)] = [np.nan if row[column] is None else row[column] for row in rows]
    is_known = ~np.isnan(values).all(axis=0)
    return np.arange(1, length + 1)[is_known].astype(float), values[:, is_known]


def _draw_curves(axis: Axes, outcome: Outcome, score: str) -> None:
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


NUM_CHANNELS = 4
"""Number of channels shown beside the average."""
REFERENCE = "lmsc-unet"
"""The model that selects the image (the median of its scores)."""


def make_features(stage: ReportContext) -> dict[str, Any]:
    """Draws figures/figure6.png: a row per placement, with a common colour scale."""
    shown = [outcome for outcome in stage.outcomes if outcome.scored]
    section = {"kind": "figure", **stage.facts(), "models": [outcome.experiment.title for outcome in shown]}
    reference = [outcome for outcome in shown if outcome.experiment.model == REFERENCE]
    chosen = choose(iou_of_filled(reference[0])) if reference else {}
    if not chosen:
        return section
    name = chosen.get("median", chosen["best"])  # the better one of two images
    samples, label_map = pairs_of(stage, {"median": name})
    image, _ = load_pair(samples[name], label_map)
    maps = {}
    for outcome in shown:
        scored = outcome.scored_on(name)
        if scored is not None:
            module, spec = load(scored.job.folder / f"{scored.job.epoch}.ckpt", scored.job.model)
            maps[outcome.experiment.title] = strongest(last_features(module, spec, image))
    path = stage.figure_path("figure6")
    save(_draw_features(image, maps), path, dpi=100)
    return section | {"file": path.relative_to(stage.out).as_posix(), "chosen": {"median": name}}


def last_features(module: nn.Module, spec: Any, image: NDArray[Any]) -> NDArray[np.float32]:
    """The output of the last decoder block for an image, "C H W"."""
    kept: list[Tensor] = []
    decoder = module.get_submodule("decoder")
    assert isinstance(decoder, nn.ModuleList)
    hook = decoder[-1].register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    try:
        Predictor(as_network(module), spec).predict_at_network_size(image)
    finally:
        hook.remove()
    features: NDArray[np.float32] = kept[-1][0].float().cpu().numpy()
    return features


def strongest(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The average over channels, then the channels with the highest mean; "1 + n H W"."""
    order = np.argsort(-features.mean(axis=(1, 2)))[:NUM_CHANNELS]
    return np.concatenate([features.mean(axis=0, keepdims=True), features[order]])


def _draw_features(image: NDArray[Any], maps: dict[str, NDArray[np.float32]]) -> Figure:
    highest = float(np.percentile(np.concatenate([one.ravel() for one in maps.values()]), 99.5)) or 1.0
    scale = ScalarMappable(Normalize(0, highest), "viridis")
    num_columns = 2 + NUM_CHANNELS
    figure = Figure(figsize=(2.0 * num_columns, 2.15 * len(maps)), layout="constrained")
    grid = figure.subplots(len(maps), num_columns, squeeze=False)
    for axes, (title, features) in zip(grid, maps.items(), strict=True):
        axes[0].imshow(to_display(image))
        axes[0].set_title(title, fontsize=8)
        names = ("average", *(f"channel {place + 1}" for place in range(len(features) - 1)))
        for axis, name, pixels in zip(axes[1:], names, features, strict=False):
            axis.imshow(pixels, norm=scale.norm, cmap=scale.cmap)
            axis.set_title(name, fontsize=8)
        for axis in axes:
            axis.set_axis_off()
    figure.colorbar(scale, ax=grid, shrink=0.4, label="activation")
    return figure
