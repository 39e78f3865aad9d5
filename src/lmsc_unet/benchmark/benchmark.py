"""`lmsc benchmark` as a function: a row per case of a plan, and the effect of half precision on classes."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lmsc_unet.benchmark.cold import Cold, measure_cold
from lmsc_unet.benchmark.files import Files, own_kinds
from lmsc_unet.benchmark.plan import ON_GPU, ON_PROCESSOR, Case, Plan, Variant, reference_variant
from lmsc_unet.benchmark.rows import BenchmarkRow as Row
from lmsc_unet.benchmark.rows import known_scores, make_table_1
from lmsc_unet.benchmark.running import open_lane, open_variant, why_skipped
from lmsc_unet.catalog import CATALOG
from lmsc_unet.core.provenance import provenance
from lmsc_unet.core.timing import Times, time_by_turns
from lmsc_unet.evaluation.parity import TOLERANCES, Difference, compare_logits
from lmsc_unet.inference.backends import KINDS, find_backend, read_description
from lmsc_unet.inference.backends.open_vino import size_mib
from lmsc_unet.inference.preprocess import find_limits, normalize
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.quantization.calibration import Pixels
from lmsc_unet.synthetic.tissue.writer import draw_tissue
from lmsc_unet.training.load_model import load_module

HALVES = ("bf16", "fp16")
NUM_IMAGES = 4


@dataclass(frozen=True, kw_only=True)
class HalfPrecision:
    """One model on one backend in half precision, compared with float32."""

    model: str
    """The model's name as given."""
    backend: str
    """The common backend."""
    precision: str
    """bf16 or fp16."""
    same_class_share: float
    """The share of pixels that keep their class."""
    is_within: bool
    """Whether that is within the tolerance."""


def compare_halves(files: Mapping[Variant, Path], size_px: int) -> Iterator[HalfPrecision]:
    """Compares each half-precision variant of a trained model with float32 on the same backend."""
    for variant, file in files.items():
        if variant.precision not in HALVES or variant.model in CATALOG:
            continue
        difference = _difference(variant, file, _spec(file), size_px)
        least = TOLERANCES["bfloat16"].same_class_share
        share = 1 - difference.flipped_share
        yield HalfPrecision(
            model=variant.model,
            backend=variant.backend,
            precision=variant.precision,
            same_class_share=share,
            is_within=share >= least,
        )


def warnings(halves: tuple[HalfPrecision, ...]) -> list[str]:
    """Warnings about rows that change too many classes."""
    allowed = 100 * (1 - TOLERANCES["bfloat16"].same_class_share)
    return [
        f"{half.model} in {half.precision} on {half.backend} changes the class of "
        f"{100 * (1 - half.same_class_share):.2f} % of the pixels (allowed: {allowed:.2g} %); take float32 or int8."
        for half in halves
        if not half.is_within
    ]


def _difference(variant: Variant, file: Path, spec: ModelSpec, size_px: int) -> Difference:
    half, _ = open_variant(Case(variant=variant, batch=1, threads=1), file)
    full, _ = open_variant(Case(variant=replace(variant, precision="fp32"), batch=1, threads=1), file)
    return sum((compare_logits(full(one), half(one), spec) for one in _images(spec, size_px)), Difference())


def _spec(file: Path) -> ModelSpec:
    return read_description(file).spec if file.suffix in KINDS else load_module(file)[1]


def _images(spec: ModelSpec, size_px: int) -> Iterator[Pixels]:
    rng = np.random.default_rng(0)
    for _ in range(NUM_IMAGES):
        image = draw_tissue(rng, size_px).image
        pixels = np.resize(np.moveaxis(image, -1, 0), (spec.input_channels, size_px, size_px)).transpose(1, 2, 0)
        yield normalize(pixels, find_limits(pixels, spec), spec)[np.newaxis]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The results of one run."""

    rows: list[Row]
    """One row per case."""
    skipped: tuple[str, ...]
    """Requested backends that are not available, with reasons."""
    halves: tuple[HalfPrecision, ...]
    """The share of float32's classes that half-precision rows keep."""


def benchmark(plan: Plan, start: Callable[[int], Callable[[], None]] | None = None) -> list[Row]:
    """The rows of `measure` alone."""
    return measure(plan, start).rows


def measure(plan: Plan, start: Callable[[int], Callable[[], None]] | None = None) -> Measured:
    """Measures all cases of a plan in interleaved rounds.

    Args:
        plan: The cases.
        start: Called with the number of rounds; returns a function that is called after each round.

    Raises:
        ConfigError: a backend is not installed, or a setting is invalid.
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
    """Rows in the order of the cases; milliseconds per batch become milliseconds per image."""
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
    """All results with the plan and the machine, for benchmark.json."""
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
    """Measures the cold start; not for half precision, which has no file, nor for GPUs."""
    if not plan.cold or variant.backend in ON_GPU or variant.precision in HALVES:
        return None
    return measure_cold(variant, file, plan.threads[0], plan.size_px)
