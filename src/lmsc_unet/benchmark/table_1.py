"""The paper's Table 1 on this machine: parameters, operations, size and time, each beside what the paper printed."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from lmsc_unet.benchmark.row import Row
from lmsc_unet.catalog import CATALOG
from lmsc_unet.complexity.paper import PRINTED, PrintedCost
from lmsc_unet.complexity.report import make_report

NUM_CLASSES = 2
"""What the paper counted with; times are of one logit."""


def make_table_1(rows: Sequence[Row], size_px: int) -> list[dict[str, Any]]:
    """One mapping for each model of the catalog among the rows, with its float32 times by backend.

    The times are those of the smallest batch and the fewest threads.
    """
    names = [name for name in dict.fromkeys(row.model for row in rows) if name in CATALOG]
    report = make_report(names, size_px=size_px, num_classes=NUM_CLASSES)
    return [
        asdict(cost)
        | {"paper_ms": PRINTED.get(cost.model, PrintedCost()).inference_ms, "ms": _times_ms(cost.model, rows)}
        for cost in report.rows
    ]


def _times_ms(model: str, rows: Sequence[Row]) -> dict[str, float]:
    times: dict[str, tuple[int, int, float]] = {}
    for row in rows:
        if row.model == model and row.precision == "fp32":
            found = (row.batch, row.threads, row.ms_median)
            times[row.backend] = min(times.get(row.backend, found), found)
    return {backend: ms for backend, (_, _, ms) in times.items()}
