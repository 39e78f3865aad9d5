"""`lmsc benchmark`: how fast models are on this machine, beside U-Net in eager PyTorch."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lmsc_unet.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lmsc_unet.benchmark.benchmark import Row


def benchmark(
    *models: str,
    backends: str = "",
    precisions: str = "fp32,int8",
    batch: str = "1",
    threads: str = "1",
    size_px: int = 256,
    rounds: int = 20,
    cold: bool = True,
    out: Path | None = None,
    format: Literal["table", "json", "markdown"] = "table",
) -> None:
    """Time models in one run by turns, each beside U-Net in eager PyTorch.

    Models by name have weights that were never trained, and INT8 made here is calibrated on noise: for speed alone.

    Args:
        models: Names of `lmsc models`, run folders, checkpoints or exported files; unet and lmsc-unet if not given.
        backends: torch, onnxruntime, openvino, with commas between; all that are installed if not given.
        precisions: fp32, bf16, int8, with commas between; each backend takes those that it has.
        batch: Images at once, with commas between.
        threads: Threads, with commas between.
        size_px: Side of the square image.
        rounds: How often each row is timed.
        cold: Measure cold start and peak memory too.
        out: Folder for benchmark.json.
        format: How to print the rows.
    """
    from importlib.util import find_spec

    from lmsc_unet.benchmark.benchmark import benchmark as measure
    from lmsc_unet.benchmark.benchmark import to_report
    from lmsc_unet.benchmark.plan import PRECISIONS, Plan
    from lmsc_unet.prediction.files import write_text

    plan = Plan(
        models=models or Plan().models,
        backends=_words(backends) or tuple(name for name in PRECISIONS if find_spec(name)),
        precisions=_words(precisions),
        batches=_numbers("batch", batch),
        threads=_numbers("threads", threads),
        size_px=size_px,
        rounds=rounds,
        cold=cold,
    )
    with progress("timing", rounds) as bar:
        rows = measure(plan, lambda _number: bar.advance)
    if out is not None:
        report = to_report(plan, rows)
        write_text(out / "benchmark.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    PRINTERS[format](rows)


def _print_json(rows: "Sequence[Row]") -> None:
    print(json.dumps([asdict(row) for row in rows], indent=2))


def _print_markdown(rows: "Sequence[Row]") -> None:
    print("| " + " | ".join(HEADINGS) + " |")
    print("|" + "---|" * 3 + "---:|" * (len(HEADINGS) - 3))
    for row in rows:
        print("| " + " | ".join(_cells(row)) + " |")


def _print_table(rows: "Sequence[Row]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for place, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if place < 3 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    console = Console(highlight=False)
    console.width = max(console.width, 130)  # a number is never cut
    console.print(table)


HEADINGS = (
    *("model", "backend", "precision", "batch", "threads", "ms", "p5", "p95", "images/s"),
    *("MiB peak", "MiB file", "cold s", "x U-Net eager"),
)
PRINTERS = {"json": _print_json, "markdown": _print_markdown, "table": _print_table}


def _cells(row: "Row") -> tuple[str, ...]:
    times = (f"{value:.1f}" for value in (row.ms_median, row.ms_p5, row.ms_p95, row.images_per_s))
    peak = "-" if row.peak_rss_mib is None else f"{row.peak_rss_mib:.0f}"
    cold = "-" if row.cold_start_s is None else f"{row.cold_start_s:.2f}"
    fixed = (row.model, row.backend, row.precision, str(row.batch), str(row.threads))
    return (*fixed, *times, peak, f"{row.file_mib:.2f}", cold, f"{row.speedup_over_unet_eager:.1f}")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _numbers(name: str, text: str) -> tuple[int, ...]:
    from lmsc_unet.errors import ConfigError

    try:
        return tuple(int(word) for word in _words(text))
    except ValueError as error:
        raise ConfigError(f"{name} is {text!r}; it must be numbers with commas between, as 1,8.") from error
