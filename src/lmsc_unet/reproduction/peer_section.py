"""The section on peers: scores, costs and time in one runtime, and a Pareto plot."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

from lmsc_unet.core.timing import time_by_turns
from lmsc_unet.reproduction.context import ReportContext
from lmsc_unet.reproduction.peer_costs import INPUT, measure
from lmsc_unet.reproduction.statistics import compare_with_first, make_scores
from lmsc_unet.training.pictures import COLOURS, save

THREADS = 1


def make_peers(stage: ReportContext) -> dict[str, Any]:
    """Scores of each network beside LMSC-UNet, costs, milliseconds in ONNX Runtime, and figures/peers.png."""
    section = make_scores(stage, compare_with_first)
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
    """Indices of the Pareto-optimal points (time, score)."""
    return [
        number
        for number, (ms, score) in enumerate(points)
        if not any(a <= ms and b >= score and (a, b) != (ms, score) for a, b in points)
    ]


def draw_pareto(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Mean IoU over milliseconds, numbered from the best; Pareto-optimal points are connected."""
    shown = sorted(
        (row for row in rows if row["scores"]), key=lambda row: -(row["scores"]["paper"]["miou"]["mean"] or 0)
    )
    points = [(row["ms"]["median"], row["scores"]["paper"]["miou"]["mean"] or 0.0) for row in shown]
    figure = Figure(figsize=(10, 5), layout="constrained")
    axis = figure.subplots()
    front = sorted(points[number] for number in pareto(points))
    axis.plot([ms for ms, _ in front], [score for _, score in front], color="0.7", lw=1.2, zorder=1)
    for number, (row, (ms, score)) in enumerate(zip(shown, points, strict=True), start=1):
        colour = COLOURS[3 if row["model"] == "lmsc-unet" else 0]
        axis.scatter(ms, score, color=colour, s=40, zorder=2, label=f"{number:2d}  {row['title']}  {score:.3f}")
        axis.annotate(str(number), (ms, score), xytext=(4, 4), textcoords="offset points", fontsize=9, color=colour)
    axis.set(xscale="log", xlabel="milliseconds per image, ONNX Runtime float32", ylabel="mIoU, foreground per image")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(ScalarFormatter())
    axis.xaxis.set_minor_locator(NullLocator())
    axis.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=9, frameon=False, handlelength=0, handletextpad=0.8)
    return figure


def _runner(file: Path, side_px: int) -> Callable[[], None]:
    """Runs one image through a file on one thread."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = THREADS
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).normal(size=(1, 3, side_px, side_px)).astype(np.float32)

    def run() -> None:
        session.run(None, {INPUT: pixels})

    return run
