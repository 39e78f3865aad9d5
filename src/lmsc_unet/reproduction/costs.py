"""Table 1: parameters, operations, size and time of an image, measured here, beside the paper's."""

from typing import Any

from lmsc_unet.benchmark.benchmark import benchmark
from lmsc_unet.benchmark.plan import Plan
from lmsc_unet.complexity.paper import PRINTED
from lmsc_unet.complexity.report import make_report
from lmsc_unet.reproduction.stage import Stage

MODELS = {"unet": "U-Net", "lmsc-unet-plain": "LMSC-UNet without BRB", "lmsc-unet": "LMSC-UNet"}


def make_costs(stage: Stage) -> dict[str, Any]:
    """One row for each model of the paper's Table 1, as plain data."""
    budget = stage.budget
    plan = Plan(
        models=tuple(MODELS),
        backends=budget.backends,
        precisions=("fp32",),
        threads=(1,),
        size_px=budget.benchmark_side_px,
        rounds=budget.benchmark_rounds,
        cold=False,
    )
    timed = benchmark(plan)
    counted = make_report(MODELS, size_px=256, num_classes=2)
    return {
        "kind": "costs",
        "budget": stage.budget_name,
        "size_px": plan.size_px,
        "rounds": plan.rounds,
        "threads": plan.threads[0],
        "rows": [
            {
                "title": MODELS[cost.model],
                "model": cost.model,
                "parameters": cost.parameters,
                "macs_exact": cost.macs_exact,
                "macs_paper_counter": cost.macs_paper,
                "state_mib": cost.state_mib,
                "ms": {
                    row.backend: {"median": row.ms_median, "p5": row.ms_p5, "p95": row.ms_p95}
                    for row in timed
                    if row.model == cost.model
                },
                "paper": {
                    "parameters_m": cost.paper_parameters_m,
                    "macs_g": cost.paper_macs_g,
                    "size_mb": cost.paper_size_mb,
                    "ms": PRINTED[cost.model].inference_ms,
                },
            }
            for cost in counted.rows
        ],
    }
