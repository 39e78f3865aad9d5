"""`lmsc benchmark` as a function: a plan in, one row for each lane out."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lmsc_unet.benchmark.cold import Cold, measure_cold
from lmsc_unet.benchmark.files import Files, own_kinds
from lmsc_unet.benchmark.halves import HALVES, HalfPrecision, compare_halves
from lmsc_unet.benchmark.plan import ON_GPU, ON_PROCESSOR, Case, Plan, Variant, reference_variant
from lmsc_unet.benchmark.rows import BenchmarkRow as Row
from lmsc_unet.benchmark.rows import known_scores, make_table_1
from lmsc_unet.benchmark.running import open_lane, why_skipped
from lmsc_unet.core.provenance import provenance
from lmsc_unet.core.timing import Times, time_by_turns
from lmsc_unet.inference.backends import find_backend
from lmsc_unet.inference.backends.open_vino import size_mib


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All that one run found."""

    rows: list[Row]
    """One for each lane."""
    skipped: tuple[str, ...]
    """Backends that were asked for and are not here, each with its reason."""
    halves: tuple[HalfPrecision, ...]
    """What the half-precision rows keep of float32's classes."""


def benchmark(plan: Plan, start: Callable[[int], Callable[[], None]] | None = None) -> list[Row]:
    """The rows of `measure` alone."""
    return measure(plan, start).rows


def measure(plan: Plan, start: Callable[[int], Callable[[], None]] | None = None) -> Measured:
    """Measures all lanes of a plan by turns.

    Args:
        plan: What is measured.
        start: Told the number of rounds; gives what is called after each.

    Raises:
        ConfigError: a backend is not installed, or a setting cannot be.
        ModelError: a model cannot be loaded.
    """
    for backend in plan.backends:
        if backend in ON_PROCESSOR and backend != "torch":
            find_backend(backend)
    skipped = {backend: reason for backend in plan.backends if (reason := why_skipped(backend))}
    own = own_kinds(plan.models)
    variants = tuple(
        variant
        for variant in plan.variants
        if variant.backend not in skipped and (variant.model not in own or own[variant.model].fits(variant))
    )
    with tempfile.TemporaryDirectory(prefix="lmsc-benchmark-") as name:
        made = Files(folder=Path(name), size_px=plan.size_px)
        files = {variant: made.find(variant) for variant in variants}
        cold = {variant: _cold(variant, files[variant], plan) for variant in variants}
        halves = tuple(compare_halves(files, plan.size_px))
        lanes = list(plan.lanes(variants))
        runs = [open_lane(lane, files[lane.variant], plan.size_px) for lane in lanes]
        times = time_by_turns(runs, plan.rounds, start(plan.rounds) if start is not None else None)
        sizes_mib = {variant: size_mib(file) for variant, file in files.items()}
    rows = to_rows(dict(zip(lanes, times, strict=True)), cold, sizes_mib)
    return Measured(rows=rows, skipped=tuple(skipped.values()), halves=halves)


def to_rows(
    times: Mapping[Case, Times], cold: Mapping[Variant, Cold | None], sizes_mib: Mapping[Variant, float]
) -> list[Row]:
    """Rows in the order of the lanes; milliseconds of a batch become those of an image."""
    reference = reference_variant()
    rows = []
    for lane, taken in times.items():
        against = times[Case(variant=reference, batch=lane.batch, threads=lane.threads)]
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


def to_report(plan: Plan, measured: Measured) -> dict[str, Any]:
    """All with the plan and the machine, as benchmark.json holds it."""
    return {
        "plan": asdict(plan),
        "provenance": provenance(),
        "table_1": make_table_1(measured.rows, plan.size_px),
        "rows": [asdict(row) for row in measured.rows],
        "scores": known_scores(plan.models),
        "halves": [asdict(half) for half in measured.halves],
        "skipped": list(measured.skipped),
    }


def _cold(variant: Variant, file: Path, plan: Plan) -> Cold | None:
    """Not of half precision, which is no file of its own, nor of a GPU."""
    if not plan.cold or variant.backend in ON_GPU or variant.precision in HALVES:
        return None
    return measure_cold(variant, file, plan.threads[0], plan.size_px)
