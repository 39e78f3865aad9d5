"""`lmsc benchmark` as a function: a plan in, one row for each lane out."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lmsc_unet.benchmark.cold import Cold, measure_cold
from lmsc_unet.benchmark.files import Files, fits, own_precisions
from lmsc_unet.benchmark.plan import REFERENCE, Lane, Plan, Variant
from lmsc_unet.benchmark.running import open_lane
from lmsc_unet.benchmark.timing import Times, time_by_turns
from lmsc_unet.prediction.backends import find_backend
from lmsc_unet.training.provenance import provenance


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model in one backend, precision, batch and number of threads; times are of one image."""

    model: str
    """As it was named."""
    backend: str
    """torch, onnxruntime or openvino."""
    precision: str
    """fp32, bf16 or int8."""
    batch: int
    """Images at once."""
    threads: int
    """Threads that share the work."""
    ms_median: float
    """Milliseconds an image."""
    ms_p5: float
    """5th percentile."""
    ms_p95: float
    """95th percentile."""
    images_per_s: float
    """Images a second, by the median."""
    peak_rss_mib: float | None
    """The most memory of a process that makes one mask; None where it was not measured."""
    file_mib: float
    """The file's size."""
    cold_start_s: float | None
    """From the start of a process to its first mask; None where it was not measured."""
    speedup_over_unet_eager: float
    """How many times as fast as U-Net in eager PyTorch float32, at the same batch and threads."""


def benchmark(plan: Plan, start: Callable[[int], Callable[[], None]] | None = None) -> list[Row]:
    """Measures all lanes of a plan by turns.

    Args:
        plan: What is measured.
        start: Told the number of rounds; gives what is called after each.

    Raises:
        ConfigError: a backend is not installed, or a setting cannot be.
        ModelError: a model cannot be loaded.
    """
    for backend in plan.backends:
        if backend != "torch":
            find_backend(backend)
    precisions = own_precisions(plan.models)
    variants = tuple(variant for variant in plan.variants if fits(variant, precisions))
    with tempfile.TemporaryDirectory(prefix="lmsc-benchmark-") as name:
        made = Files(folder=Path(name), size_px=plan.size_px)
        files = {variant: made.find(variant) for variant in variants}
        cold = {variant: _cold(variant, files[variant], plan) for variant in variants}
        lanes = list(plan.lanes(variants))
        runs = [open_lane(lane, files[lane.variant], plan.size_px) for lane in lanes]
        times = time_by_turns(runs, plan.rounds, start(plan.rounds) if start is not None else None)
        sizes_mib = {variant: file.stat().st_size / 2**20 for variant, file in files.items()}
    return to_rows(dict(zip(lanes, times, strict=True)), cold, sizes_mib)


def to_rows(
    times: Mapping[Lane, Times], cold: Mapping[Variant, Cold | None], sizes_mib: Mapping[Variant, float]
) -> list[Row]:
    """Rows in the order of the lanes; milliseconds of a batch become those of an image."""
    model, backend, precision = REFERENCE
    reference = Variant(model=model, backend=backend, precision=precision)
    rows = []
    for lane, taken in times.items():
        against = times[Lane(variant=reference, batch=lane.batch, threads=lane.threads)]
        start = cold[lane.variant]
        rows.append(
            Row(
                model=lane.variant.model,
                backend=lane.variant.backend,
                precision=lane.variant.precision,
                batch=lane.batch,
                threads=lane.threads,
                ms_median=taken.median_ms / lane.batch,
                ms_p5=taken.p5_ms / lane.batch,
                ms_p95=taken.p95_ms / lane.batch,
                images_per_s=1000 * lane.batch / taken.median_ms,
                peak_rss_mib=start.peak_rss_mib if start else None,
                file_mib=sizes_mib[lane.variant],
                cold_start_s=start.start_s if start else None,
                speedup_over_unet_eager=against.median_ms / taken.median_ms,
            )
        )
    return rows


def to_report(plan: Plan, rows: list[Row]) -> dict[str, Any]:
    """The rows with the plan and the machine, as benchmark.json holds them."""
    return {"plan": asdict(plan), "provenance": provenance(), "rows": [asdict(row) for row in rows]}


def _cold(variant: Variant, file: Path, plan: Plan) -> Cold | None:
    """Not of bf16, which is no file of its own."""
    if not plan.cold or variant.precision == "bf16":
        return None
    return measure_cold(variant, file, plan.threads[0], plan.size_px)
