"""All scores of an evaluation as plain data for JSON, and as tables."""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from lmsc_unet.core.tables import Table
from lmsc_unet.evaluation.intervals import Bootstrap, intervals
from lmsc_unet.evaluation.segmentation import Evaluation
from lmsc_unet.metrics import averages
from lmsc_unet.metrics.counts import stack
from lmsc_unet.metrics.instances import instance_scores

PER_IMAGE_SCORES = ("accuracy", "iou", "dice", "precision", "recall")
"""The foreground scores per image in per_image.csv; f1 is dice."""


def make_report(evaluation: Evaluation, bootstrap: Bootstrap) -> dict[str, Any]:
    """Shares in 0..1 by average; None if a score is always 0/0.

    Keys: images, score_at, class_names, paper, pooled, per_image, classes, intervals, left_out, and groups if samples
    have them. `left_out` counts the images that a per-image mean excludes because their score is 0/0.
    """
    counts, names = evaluation.counts, evaluation.class_names
    missing = averages.left_out(counts)
    of_paper = {c: missing[score] for c, (average, score) in averages.PAPER_ROW.items() if average == "per_image"}
    report = {
        "images": len(evaluation.samples),
        "score_at": evaluation.score_at,
        "class_names": list(names),
        "paper": averages.paper(counts),
        "pooled": averages.pooled(counts),
        "per_image": averages.per_image(counts),
        "classes": averages.class_table(counts, names),
        "intervals": {
            "level": bootstrap.level,
            "method": "bootstrap over images",
            "draws": bootstrap.num_draws,
            "seed": bootstrap.seed,
            **intervals(counts, bootstrap),
        },
        "left_out": {
            "paper": of_paper,
            "per_image": missing,
            "classes": averages.class_left_out(counts, names),
        },
    }
    rows = {"groups": group_rows(evaluation)} if any(sample.group is not None for sample in evaluation.samples) else {}
    return {key: without_nan(value) for key, value in (report | rows).items()}


def group_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The paper's scores per group of images, such as an organ or a patient."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, sample in enumerate(evaluation.samples):
        places[sample.group or ""].append(place)
    return [
        {"group": name, "images": len(of_group)}
        | averages.paper(stack([evaluation.counts[place] for place in of_group]))
        for name, of_group in sorted(places.items())
    ]


def per_image_csv(evaluation: Evaluation) -> str:
    """A line per image: name, foreground scores, and the counts of each class; then scores of instances, if any.

    A score of 0/0 is empty.
    """
    counts = evaluation.counts
    scores = averages.set_scores(counts)
    kinds = ("tp", "fp", "fn", "tn")
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    of_objects = {} if evaluation.instances is None else instance_scores(evaluation.instances)
    of_classes = (f"{kind}_{name}" for name in evaluation.class_names for kind in kinds)
    writer.writerow(["name", *PER_IMAGE_SCORES, *of_classes, *of_objects])
    for index, sample in enumerate(evaluation.samples):
        shares = [_text(scores[name][index]) for name in PER_IMAGE_SCORES]
        numbers = (getattr(counts, kind)[index, k] for k in range(counts.num_classes) for kind in kinds)
        writer.writerow([sample.name, *shares, *numbers, *(_text(column[index]) for column in of_objects.values())])
    return stream.getvalue()


def _text(share: float) -> str:
    return "" if math.isnan(share) else f"{share:.6f}"


def without_nan(value: Any) -> Any:
    """Replaces NaN, which is not JSON, by None in plain data."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


PAPER_COLUMNS = (
    ("acc", "accuracy, pooled"),
    ("miou", "mIoU: foreground IoU, mean over images"),
    ("f1", "F1: foreground, pooled"),
    ("dc", "DC: foreground Dice, mean over images"),
)
SCORES = (
    ("accuracy", "accuracy"),
    ("iou", "IoU"),
    ("dice", "Dice = F1"),
    ("precision", "precision"),
    ("recall", "recall"),
)
AVERAGES = (("pooled", "pooled"), ("per_image", "per image"))


def to_tables(report: Mapping[str, Any]) -> tuple[Table, ...]:
    """The paper's scores, foreground and all-class means, each class, and each group of images."""
    groups = (_groups(report),) if "groups" in report else ()
    return (_paper(report), _sets(report), _classes(report), *groups)


def _paper(report: Mapping[str, Any]) -> Table:
    intervals, missing = report["intervals"], report["left_out"]["paper"]
    rows = tuple(
        (
            label,
            share(report["paper"][key]),
            interval(intervals["paper"][key]),
            f"{report['images'] - missing.get(key, 0)}",
        )
        for key, label in PAPER_COLUMNS
    )
    level = f"{100 * intervals['level']:.0f} % interval"
    return Table(title="As the paper averages", headings=("score", "share", level, "images"), rows=rows)


def _sets(report: Mapping[str, Any]) -> Table:
    rows = tuple(
        (name, label, *(share(report[average].get(f"{key}{suffix}")) for key, _ in SCORES))
        for name, suffix in (("foreground", ""), ("all classes", "_all_classes"))
        for average, label in AVERAGES
    )
    return Table(title="Means over classes", headings=_headings("classes"), rows=rows, left=("average",))


def _classes(report: Mapping[str, Any]) -> Table:
    rows = tuple(
        (name, label, *(share(report["classes"][name][average][key]) for key, _ in SCORES))
        for name in report["class_names"]
        for average, label in AVERAGES
    )
    return Table(title="Each class against all others", headings=_headings("class"), rows=rows, left=("average",))


def _groups(report: Mapping[str, Any]) -> Table:
    rows = tuple(
        (row["group"], str(row["images"]), *(share(row[key]) for key, _ in PAPER_COLUMNS)) for row in report["groups"]
    )
    return Table(
        title="Each group of images, as the paper averages",
        headings=("group", "images", *(label.partition(":")[0].partition(",")[0] for _, label in PAPER_COLUMNS)),
        rows=rows,
    )


def _headings(first: str) -> tuple[str, ...]:
    return (first, "average", *(label for _, label in SCORES))


def share(value: float | None) -> str:
    """Four decimals; a dash without a score."""
    return "-" if value is None else f"{value:.4f}"


def interval(ends: Sequence[float] | None) -> str:
    """Both ends; a dash without an interval."""
    return "-" if ends is None else f"{ends[0]:.4f} to {ends[1]:.4f}"
