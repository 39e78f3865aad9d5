"""Figure 6: what the last decoder block passes on, for each placement of BRBs."""

from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor, nn

from lmsc_unet.datasets.load import load_pair
from lmsc_unet.inference.overlays import to_display
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.reproduction.predictions import choose, iou_of_filled, pairs_of
from lmsc_unet.reproduction.stage import Stage
from lmsc_unet.reproduction.work import load
from lmsc_unet.training.load_model import as_network
from lmsc_unet.training.pictures import save

NUM_CHANNELS = 4
"""The strongest that are shown beside the average."""
REFERENCE = "lmsc-unet"
"""The model whose median image is shown."""


def make_features(stage: Stage) -> dict[str, Any]:
    """Draws figures/figure6.png: a row for each placement, all in one colour scale."""
    shown = [outcome for outcome in stage.outcomes if outcome.scored]
    section = {"kind": "figure", **stage.facts(), "models": [outcome.experiment.title for outcome in shown]}
    reference = [outcome for outcome in shown if outcome.experiment.model == REFERENCE]
    chosen = choose(iou_of_filled(reference[0])) if reference else {}
    if not chosen:
        return section
    name = chosen.get("median", chosen["best"])  # of two images the better
    samples, label_map = pairs_of(stage, {"median": name})
    image, _ = load_pair(samples[name], label_map)
    maps = {}
    for outcome in shown:
        scored = outcome.scored_on(name)
        if scored is not None:
            module, spec = load(scored.job.folder / f"{scored.job.epoch}.ckpt", scored.job.model)
            maps[outcome.experiment.title] = strongest(last_features(module, spec, image))
    path = stage.figure_path("figure6")
    save(_draw(image, maps), path, dpi=100)
    return section | {"file": path.relative_to(stage.out).as_posix(), "chosen": {"median": name}}


def last_features(module: nn.Module, spec: Any, image: NDArray[Any]) -> NDArray[np.float32]:
    """What the last decoder block gives for an image, "C H W"."""
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
    """The average over channels, then the channels of highest mean; "1 + n H W"."""
    order = np.argsort(-features.mean(axis=(1, 2)))[:NUM_CHANNELS]
    return np.concatenate([features.mean(axis=0, keepdims=True), features[order]])


def _draw(image: NDArray[Any], maps: dict[str, NDArray[np.float32]]) -> Figure:
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
