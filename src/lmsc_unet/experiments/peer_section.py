"""The section of the peers: scores, costs and time in one runtime, and the Pareto plot of the two."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from lmsc_unet.complexity.timing import time_by_turns
from lmsc_unet.experiments.peer_costs import INPUT, measure
from lmsc_unet.experiments.scores import make_scores
from lmsc_unet.experiments.stage import Stage
from lmsc_unet.training.pictures import COLOURS, save

THREADS = 1


def make_peers(stage: Stage) -> dict[str, Any]:
    """Scores as in Table 2, costs, milliseconds of ONNX Runtime, and figures/peers.png."""
    section = make_scores(stage)
    side_px, rounds = stage.budget.benchmark_side_px, stage.budget.benchmark_rounds
    models = [row["model"] for row in section["rows"]]
    with tempfile.TemporaryDirectory(prefix="lmsc-peers-") as name:
        files = {model: Path(name) / f"{model}.onnx" for model in models}
        costs = {model: measure(stage.python_of(model), model, side_px, file) for model, file in files.items()}
        times = time_by_turns([_runner(file, side_px) for file in files.values()], rounds)
    for row, taken in zip(section["rows"], times, strict=True):
        ms = {"median": taken.median_ms, "p5": taken.p5_ms, "p95": taken.p95_ms}
        row.update(costs[row["model"]] | {"ms": ms})
    path = stage.figure_path("peers")
    save(draw_pareto(section["rows"]), path, dpi=110)
    facts = {"kind": "peers", "size_px": side_px, "rounds": rounds, "threads": THREADS}
    return section | facts | {"file": path.relative_to(stage.out).as_posix()}


def pareto(points: Sequence[tuple[float, float]]) -> list[int]:
    """Numbers of the points (time, score) that no other is both as fast and better than, or faster and as good."""
    return [
        number
        for number, (ms, score) in enumerate(points)
        if not any(a <= ms and b >= score and (a, b) != (ms, score) for a, b in points)
    ]


def draw_pareto(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Mean IoU over milliseconds; what no other beats in both is joined by a line."""
    shown = [row for row in rows if row["scores"]]
    points = [(row["ms"]["median"], row["scores"]["paper"]["miou"]["mean"] or 0.0) for row in shown]
    figure = Figure(figsize=(8.5, 5.2), layout="constrained")
    axis = figure.subplots()
    front = sorted(points[number] for number in pareto(points))
    axis.plot([ms for ms, _ in front], [score for _, score in front], color="0.7", lw=1.2, zorder=1)
    for row, (ms, score) in zip(shown, points, strict=True):
        is_ours = row["model"] == "lmsc-unet"
        axis.scatter(ms, score, color=COLOURS[3 if is_ours else 0], s=60 if is_ours else 30, zorder=2)
        axis.annotate(row["title"], (ms, score), xytext=(5, 4), textcoords="offset points", fontsize=7.5)
    axis.set(xscale="log", xlabel="milliseconds an image, ONNX Runtime float32", ylabel="mIoU, foreground per image")
    axis.xaxis.set_major_formatter(ScalarFormatter())
    axis.xaxis.set_minor_formatter(ScalarFormatter())
    axis.grid(alpha=0.3, which="both")
    return figure


def _runner(file: Path, side_px: int) -> Callable[[], None]:
    """One image through a file on one thread."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = THREADS
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).normal(size=(1, 3, side_px, side_px)).astype(np.float32)

    def run() -> None:
        session.run(None, {INPUT: pixels})

    return run
