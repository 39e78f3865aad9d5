"""The scores of a report as tables to print; each number under the average that it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of text."""

    title: str
    """What it shows."""
    headings: tuple[str, ...]
    """One for each column."""
    rows: tuple[tuple[str, ...], ...]
    """Cells, row by row."""


def to_tables(report: Mapping[str, Any]) -> tuple[Table, ...]:
    """The paper's row, the foreground and the mean of all classes, each class, and each group of images."""
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
    return Table(title="Means over classes", headings=_headings("classes"), rows=rows)


def _classes(report: Mapping[str, Any]) -> Table:
    rows = tuple(
        (name, label, *(share(report["classes"][name][average][key]) for key, _ in SCORES))
        for name in report["class_names"]
        for average, label in AVERAGES
    )
    return Table(title="Each class against all others", headings=_headings("class"), rows=rows)


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
    """Four decimals; a dash where there is no score."""
    return "-" if value is None else f"{value:.4f}"


def interval(ends: Sequence[float] | None) -> str:
    """Both ends; a dash where there is no interval."""
    return "-" if ends is None else f"{ends[0]:.4f} to {ends[1]:.4f}"
