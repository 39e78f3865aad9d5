"""`lmsc benchmark`: the speed of models on this machine, relative to U-Net in eager PyTorch."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lmsc_unet.core.progress import progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lmsc_unet.benchmark.rows import BenchmarkRow


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
    """Time models in one interleaved run, relative to U-Net in eager PyTorch; without models, the paper's Table 1.

    Models given by name are untrained, and INT8 made here is calibrated on noise: only their speed is meaningful.

    Args:
        models: Names of `lmsc models`, bundled names, run folders, checkpoints or exported files; by default the three
            networks of the paper's Table 1.
        backends: torch, onnxruntime, openvino, comma-separated, and on a GPU cuda, cuda-compile, cuda-graphs, tensorrt;
            by default all available. GPU backends are skipped, with the reason, if there is no GPU.
        precisions: fp32, fp16, bf16, int8, comma-separated; each backend uses those that it has.
        batch: Images per call, comma-separated.
        threads: Numbers of threads, comma-separated.
        size_px: Side of the square image.
        rounds: Timings per row.
        cold: Also measure cold start and peak memory.
        out: Folder for benchmark.json, and benchmark.png: speed against accuracy of models with known scores.
        format: Output format.
    """
    from importlib.util import find_spec

    from lmsc_unet.benchmark.benchmark import measure, to_report, warnings
    from lmsc_unet.benchmark.plan import ON_PROCESSOR, Plan

    plan = Plan(
        models=models or Plan().models,
        backends=_words(backends) or tuple(name for name in ON_PROCESSOR if find_spec(name)) + _on_gpu(),
        precisions=_words(precisions),
        batches=_numbers("batch", batch),
        threads=_numbers("threads", threads),
        size_px=size_px,
        rounds=rounds,
        cold=cold,
    )
    with progress("timing", rounds) as bar:
        measured = measure(plan, lambda _number: bar.advance)
    report = to_report(plan, measured)
    for line in (*measured.skipped, *warnings(measured.halves)):
        print(f"lmsc: note: {line}", file=sys.stderr)
    if out is not None:
        _write(out, report, measured.rows)
    PRINTERS[format](report)


def _on_gpu() -> tuple[str, ...]:
    """The GPU backends, if there is a GPU."""
    import torch

    from lmsc_unet.benchmark.plan import ON_GPU

    return tuple(ON_GPU) if torch.cuda.is_available() else ()


def _write(out: Path, report: "Mapping[str, Any]", rows: "Sequence[BenchmarkRow]") -> None:
    from lmsc_unet.benchmark.files import own_kinds
    from lmsc_unet.benchmark.rows import draw, points
    from lmsc_unet.core.storage import write_text

    write_text(out / "benchmark.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    exported = own_kinds(tuple(report["scores"]))
    shown = points(rows, report["scores"], frozenset(exported))
    if shown:
        draw(shown, out / "benchmark.png")
    else:
        print("lmsc: note: no plot, as none of these models has a known score.", file=sys.stderr)


def _print_json(report: "Mapping[str, Any]") -> None:
    print(json.dumps(report["rows"], indent=2))


def _print_markdown(report: "Mapping[str, Any]") -> None:
    from lmsc_unet.benchmark.rows import report_to_markdown

    print(report_to_markdown(report))


def _print_tables(report: "Mapping[str, Any]") -> None:
    from lmsc_unet.benchmark.rows import BenchmarkRow, speed_table, table_1
    from lmsc_unet.core.tables import print_tables

    print_tables(table_1(report["table_1"]), speed_table([BenchmarkRow(**row) for row in report["rows"]]))


PRINTERS = {"json": _print_json, "markdown": _print_markdown, "table": _print_tables}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _numbers(name: str, text: str) -> tuple[int, ...]:
    from lmsc_unet.errors import ConfigError

    try:
        return tuple(int(word) for word in _words(text))
    except ValueError as error:
        raise ConfigError(f"{name} is {text!r}; it must be comma-separated numbers, such as 1,8.") from error
