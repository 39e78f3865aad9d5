"""Scores of instances as plain data, and as a table."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lmsc_unet.core.tables import Table
from lmsc_unet.evaluation.intervals import Bootstrap, instance_intervals
from lmsc_unet.evaluation.report import interval, share
from lmsc_unet.metrics.averages import mean_of_defined
from lmsc_unet.metrics.instances import THRESHOLDS, InstanceCounts, instance_scores, total_instances

LABELS: Mapping[str, str] = {
    "pq": "PQ = DQ x SQ",
    "dq": "DQ: F1 at IoU 0.5",
    "sq": "SQ: mean IoU of matched objects",
    "aji": "AJI",
    **{f"f1_{round(100 * threshold)}": f"F1 at IoU {threshold}" for threshold in THRESHOLDS[1:]},
}
"""Scores as the table calls them; F1 at the first threshold is DQ."""
AVERAGES = ("per_image", "pooled")


def report_instances(images: InstanceCounts, bootstrap: Bootstrap, *, are_numbered: bool) -> dict[str, Any]:
    """Shares in 0..1 by average, from stacked counts; NaN if a score is always 0/0.

    Keys: images, truth, true and predicted (numbers of objects), pooled, per_image, intervals, and left_out (the images
    that a mean excludes because their score is 0/0).
    """
    together, each = total_instances(images), instance_scores(images)
    return {
        "images": len(images.num_true),
        "truth": "numbered" if are_numbered else "connected",
        "true": int(together.num_true),
        "predicted": int(together.num_predicted),
        "pooled": {name: float(share) for name, share in instance_scores(together).items()},
        "per_image": {name: float(mean_of_defined(shares)) for name, shares in each.items()},
        "intervals": {"level": bootstrap.level, **instance_intervals(images, bootstrap)},
        "left_out": {name: int(np.isnan(shares).sum()) for name, shares in each.items()},
    }


def instances_table(report: Mapping[str, Any]) -> Table:
    """The table to print, from `report_instances`."""
    level = f"{100 * report['intervals']['level']:.0f} % interval"
    rows = tuple(
        (
            label,
            *(text for average in AVERAGES for text in _cells(report, average, name)),
            str(report["images"] - report["left_out"][name]),
        )
        for name, label in LABELS.items()
    )
    return Table(
        title=f"Instances: {report['true']} true, {report['predicted']} predicted",
        headings=("score", "per image", level, "pooled", level, "images"),
        rows=rows,
    )


def _cells(report: Mapping[str, Any], average: str, name: str) -> tuple[str, str]:
    return share(report[average][name]), interval(report["intervals"][average][name])
