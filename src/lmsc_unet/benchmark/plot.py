"""Latency against accuracy: each row of a model whose score is known is a point."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lmsc_unet.benchmark.row import Row

LEAST_SPAN = 0.06
"""Of the Dice axis."""


def points(rows: Sequence[Row], scores: Mapping[str, float], exported: frozenset[str]) -> list[tuple[Row, float]]:
    """The rows to show, each with its Dice: batches of 1, and no INT8 made by the benchmark, whose score none knows."""
    return [
        (row, scores[row.model])
        for row in rows
        if row.model in scores and row.batch == 1 and (row.precision != "int8" or row.model in exported)
    ]


def draw(shown: Sequence[tuple[Row, float]], path: Path) -> None:
    """Writes a PNG; one colour a model, one marker a backend and precision."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    models = list(dict.fromkeys(row.model for row, _ in shown))
    for row, score in shown:
        colour = f"C{models.index(row.model) % 10}"
        axes.scatter(row.ms_median, score, color=colour)
        label = f"{row.backend} {row.precision}" + (f", {row.threads} threads" if row.threads > 1 else "")
        axes.annotate(label, (row.ms_median, score), xytext=(4, 4), textcoords="offset points", fontsize=7, rotation=45)
    for place, model in enumerate(models):
        axes.scatter([], [], color=f"C{place % 10}", label="/".join(Path(model).parts[-2:]))
    axes.set_xscale("log")
    axes.set_xlabel("ms an image (median)")
    axes.set_ylabel("Dice per image, held-out images")
    axes.margins(0.15)
    low, high = axes.get_ylim()
    missing = max(0.0, LEAST_SPAN - (high - low)) / 2  # differences below a point of Dice must not look large
    axes.set_ylim(low - missing, high + missing)
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(loc="best", fontsize=8)
    figure.savefig(path, dpi=120)
