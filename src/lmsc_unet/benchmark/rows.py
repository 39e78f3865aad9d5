"""The output of `lmsc benchmark`: rows, known scores, the paper's Table 1, text tables and the plot."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lmsc_unet.catalog import CATALOG
from lmsc_unet.complexity.costs import make_report
from lmsc_unet.complexity.paper import PRINTED, PrintedCost
from lmsc_unet.core.tables import Table, to_markdown
from lmsc_unet.export.saving import report_path
from lmsc_unet.inference.loading import find_file


@dataclass(frozen=True, kw_only=True)
class BenchmarkRow:
    """One model in one backend, precision, batch and number of threads; times are per image."""

    model: str
    """The model's name as given."""
    backend: str
    """A key of `PRECISIONS`."""
    precision: str
    """fp32, fp16, bf16 or int8."""
    batch: int
    """Images per call."""
    threads: int
    """Threads for the work."""
    ms_median: float
    """Milliseconds per image."""
    ms_p5: float
    """5th percentile."""
    ms_p95: float
    """95th percentile."""
    images_per_s: float
    """Images per second, by the median."""
    peak_rss_mib: float | None
    """Peak memory of a process that makes one mask; None if not measured."""
    file_mib: float
    """The file's size."""
    cold_start_s: float | None
    """Time from the start of a process to its first mask; None if not measured."""
    speedup_over_unet_eager: float
    """Speed relative to U-Net in eager PyTorch float32, at the same batch and threads."""


def over_unet(rows: Sequence[BenchmarkRow]) -> list[float | None]:
    """Speed of each row relative to U-Net in float32 on the same backend; None if that was not measured."""
    unet_ms = {
        (row.backend, row.batch, row.threads): row.ms_median
        for row in rows
        if row.model == "unet" and row.precision == "fp32"
    }
    found = (unet_ms.get((row.backend, row.batch, row.threads)) for row in rows)
    return [None if ms is None else ms / row.ms_median for ms, row in zip(found, rows, strict=True)]


KEYS = {
    "summary.json": ("best", "per_image", "dice"),
    "parity": ("scores_exported", "dc"),
    "bundled": ("scores", "dice"),
}
"""Type of file -> the path of the score in it."""


def known_scores(models: Sequence[str]) -> dict[str, float]:
    """Model -> Dice per image on held-out images, if known."""
    found = {model: _score(model) for model in models if model not in CATALOG}
    return {model: score for model, score in found.items() if score is not None}


def _score(model: str) -> float | None:
    file = find_file(model)
    for path, kind in (
        (file.parent / "summary.json", "summary.json"),
        (report_path(file), "parity"),
        (file.with_suffix(".json"), "bundled"),
    ):
        is_its_own = kind != "summary.json" or file.suffix == ".ckpt"
        score = _read(path, KEYS[kind]) if is_its_own else None
        if score is not None:
            return score
    return None


def _read(path: Path, keys: Sequence[str]) -> float | None:
    """A number in a JSON file; None if the file or the number is missing."""
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))
        for key in keys:
            value = value[key]
        return float(value)
    except (OSError, ValueError, KeyError, TypeError):
        return None


NUM_CLASSES = 2
"""The paper's number of classes for operations; times are for one logit."""


def make_table_1(rows: Sequence[BenchmarkRow], size_px: int) -> list[dict[str, Any]]:
    """A mapping for each catalog model among the rows, with its float32 times by backend.

    The times are for the smallest batch and the fewest threads.
    """
    names = [name for name in dict.fromkeys(row.model for row in rows) if name in CATALOG]
    report = make_report(names, size_px=size_px, num_classes=NUM_CLASSES)
    return [
        asdict(cost)
        | {"paper_ms": PRINTED.get(cost.model, PrintedCost()).inference_ms, "ms": _times_ms(cost.model, rows)}
        for cost in report.rows
    ]


def _times_ms(model: str, rows: Sequence[BenchmarkRow]) -> dict[str, float]:
    times: dict[str, tuple[int, int, float]] = {}
    for row in rows:
        if row.model == model and row.precision == "fp32":
            found = (row.batch, row.threads, row.ms_median)
            times[row.backend] = min(times.get(row.backend, found), found)
    return {backend: ms for backend, (_, _, ms) in times.items()}


HEADINGS = (
    *("model", "backend", "precision", "batch", "threads", "ms", "p5", "p95", "images/s"),
    *("MiB peak", "MiB file", "cold s", "x U-Net eager", "x U-Net fp32 there"),
)


def speed_table(rows: Sequence[BenchmarkRow]) -> Table:
    """Every row with its speed relative to U-Net: in eager PyTorch, and in float32 on the same backend."""
    cells = tuple(_cells(row, ratio) for row, ratio in zip(rows, over_unet(rows), strict=True))
    return Table(title="Speed, interleaved in one run", headings=HEADINGS, rows=cells, left=("backend", "precision"))


def table_1(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The paper's Table 1 beside the counts and times measured here."""
    backends = list(dict.fromkeys(backend for row in rows for backend in row["ms"]))
    headings = (
        *("model", "parameters", "paper M", "GMACs exact", "GMACs paper's counter", "paper GMACs"),
        *("MiB", "paper MB", *(f"ms {backend}" for backend in backends), "paper ms"),
    )
    cells = tuple(
        (
            *(row["model"], f"{row['parameters']:,}", _number(row["paper_parameters_m"])),
            *(f"{row['macs_exact'] / 1e9:.2f}", f"{row['macs_paper'] / 1e9:.2f}", _number(row["paper_macs_g"])),
            *(f"{row['state_mib']:.2f}", _number(row["paper_size_mb"])),
            *(_number(row["ms"].get(backend), ".1f") for backend in backends),
            _number(row["paper_ms"]),
        )
        for row in rows
    )
    return Table(title="The paper's Table 1, float32, beside this machine", headings=headings, rows=cells)


def report_to_markdown(report: Mapping[str, Any]) -> str:
    """The contents of benchmark.json with the machine, as quoted in documents."""
    origin = report["provenance"]
    machine, plan = origin["machine"], report["plan"]
    rows = [BenchmarkRow(**row) for row in report["rows"]]
    about = (
        f"{machine['cpu']}, {machine['cores']} cores, {plan['size_px']} x {plan['size_px']} px, medians of "
        f"{plan['rounds']} turns in one run; {origin['date'][:10]}, commit {origin['commit']}."
    )
    halves = [
        f"{half['model']} in {half['precision']} on {half['backend']}: {100 * half['same_class_share']:.3f} % of the "
        "pixels keep float32's class."
        for half in report["halves"]
    ]
    parts = [
        about,
        to_markdown([table_1(report["table_1"])]),
        to_markdown([speed_table(rows)]),
        *halves,
        *report["skipped"],
    ]
    return "\n\n".join(parts)


def _cells(row: BenchmarkRow, ratio: float | None) -> tuple[str, ...]:
    times = (f"{value:.1f}" for value in (row.ms_median, row.ms_p5, row.ms_p95, row.images_per_s))
    fixed = (row.model, row.backend, row.precision, str(row.batch), str(row.threads))
    costs = (_number(row.peak_rss_mib, ".0f"), f"{row.file_mib:.2f}", _number(row.cold_start_s, ".2f"))
    return (*fixed, *times, *costs, f"{row.speedup_over_unet_eager:.1f}", _number(ratio, ".1f"))


def _number(value: float | None, form: str = "g") -> str:
    return "-" if value is None else f"{value:{form}}"


LEAST_SPAN = 0.06
"""Smallest range of the Dice axis."""


def points(
    rows: Sequence[BenchmarkRow], scores: Mapping[str, float], exported: frozenset[str]
) -> list[tuple[BenchmarkRow, float]]:
    """The rows to plot with their Dice: batch 1, without INT8 from the benchmark, whose score is unknown."""
    return [
        (row, scores[row.model])
        for row in rows
        if row.model in scores and row.batch == 1 and (row.precision != "int8" or row.model in exported)
    ]


def draw(shown: Sequence[tuple[BenchmarkRow, float]], path: Path) -> None:
    """Writes a PNG with a colour per model and a marker per backend and precision."""
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
    axes.set_xlabel("ms per image (median)")
    axes.set_ylabel("Dice per image, held-out images")
    axes.margins(0.15)
    low, high = axes.get_ylim()
    missing = max(0.0, LEAST_SPAN - (high - low)) / 2  # differences below a point of Dice must not look large
    axes.set_ylim(low - missing, high + missing)
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(loc="best", fontsize=8)
    figure.savefig(path, dpi=120)
