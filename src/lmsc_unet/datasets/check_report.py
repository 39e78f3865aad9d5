"""A check's report as plain values for JSON, and as text."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lmsc_unet.datasets.check import CheckReport
from lmsc_unet.datasets.labels import listed
from lmsc_unet.datasets.sample import Problem
from lmsc_unet.imageio import counted_endings
from lmsc_unet.metrics.counts import IGNORE

_MAX_SIZES = 8
_MAX_LINES, _MAX_NAMES = 5, 3


def report_dict(report: CheckReport) -> dict[str, Any]:
    """The whole report as lists, dicts, strings and numbers."""
    label_map = report.label_map
    return {
        "root": str(report.dataset.root),
        "layout": report.dataset.layout,
        "about": report.dataset.about,
        "usable": not report.has_errors,
        "images": len(report.dataset.samples),
        "pairs": report.num_pairs,
        "splits": dict(report.splits),
        "spare": len(report.dataset.spare),
        "passed_over": dict(report.dataset.others),
        "sizes": [{"height_px": h, "width_px": w, "images": n} for (h, w), n in report.sizes_px.most_common()],
        "depths": dict(report.counted("dtype")),
        "channels": {str(channels): count for channels, count in sorted(report.counted("channels").items())},
        "masks": None if label_map is None else {"kind": label_map.kind, "values": label_map.described()},
        "classes": list(_classes(report)),
        "ignored_share": _share(report, IGNORE),
        "problems": [
            {"severity": problem.severity, "file": str(problem.file), "reason": problem.reason}
            for problem in report.problems
        ],
        "samples": [sample.name for sample in report.dataset.samples],
    }


def report_text(report: CheckReport) -> str:
    """The report as text: contents, classes, and everything wrong."""
    facts = "\n".join(f"{word:<9} {value}" for word, value in _facts(report))
    classes = "\n".join(_class_lines(report))
    problems = "\n".join(_problem_lines(report.problems))
    return "\n\n".join(part for part in (facts, classes, problems, _verdict(report)) if part)


def _problem_lines(problems: Iterable[Problem]) -> Iterator[str]:
    """A line per problem; one shared by many files is one line with their number and the first names."""
    files: dict[tuple[str, str], list[Path]] = {}
    for problem in problems:
        files.setdefault((problem.severity, problem.reason), []).append(problem.file)
    for (severity, reason), paths in files.items():
        if len(paths) > _MAX_LINES:
            yield f"{severity}: {len(paths):,} files: {reason} They are {listed(paths, _MAX_NAMES)}."
        else:
            yield from (f"{severity}: {path}: {reason}" for path in paths)


def _facts(report: CheckReport) -> Iterator[tuple[str, str]]:
    yield "data", f"{report.dataset.root} (layout: {report.dataset.layout})"
    if report.dataset.about:
        yield "layout", report.dataset.about
    yield "pairs", f"{report.num_pairs} of {len(report.dataset.samples)} images"
    if report.dataset.spare:
        yield "spare", f"{len(report.dataset.spare)} images without masks are left out, {report.dataset.spare[0]} first"
    if report.dataset.others:
        yield "files", counted_endings(report.dataset.others)
    yield "splits", _counts(report.splits) or "none given: training makes folds, or holds a share back"
    sizes = [f"{width} x {height} px ({count})" for (height, width), count in report.sizes_px.most_common()]
    yield "sizes", listed(sizes, _MAX_SIZES) or "-"
    yield "depths", _counts(report.counted("dtype")) or "-"
    yield "channels", _counts(report.counted("channels")) or "-"
    yield "masks", f"{report.label_map.kind}: {report.label_map.described()}" if report.label_map else "-"


def _class_lines(report: CheckReport) -> Iterator[str]:
    rows = [(str(row["id"]), row["name"], f"{row['pixels']:,}", f"{row['share']:.2%}") for row in _classes(report)]
    if report.class_pixels[IGNORE]:
        rows.append(("-", "left out", f"{report.class_pixels[IGNORE]:,}", f"{_share(report, IGNORE):.2%}"))
    if not rows:
        return
    rows.insert(0, ("class", "name", "pixels", "share"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for number, name, pixels, share in rows:
        yield f"{number:>{widths[0]}}  {name:<{widths[1]}}  {pixels:>{widths[2]}}  {share:>{widths[3]}}"


def _classes(report: CheckReport) -> Iterator[dict[str, Any]]:
    for class_id, name in enumerate(report.label_map.class_names if report.label_map else ()):
        pixels = report.class_pixels[class_id]
        yield {"id": class_id, "name": name, "pixels": pixels, "share": _share(report, class_id)}


def _share(report: CheckReport, class_id: int) -> float:
    """The share of a class among valid pixels; of `IGNORE` among all."""
    pixels = report.class_pixels
    total = pixels.total() if class_id == IGNORE else pixels.total() - pixels[IGNORE]
    return pixels[class_id] / total if total else 0.0


def _counts(counter: Counter[Any]) -> str:
    return ", ".join(f"{value} ({count})" for value, count in counter.most_common())


def _verdict(report: CheckReport) -> str:
    by_severity = Counter(problem.severity for problem in report.problems)
    counts = f"{by_severity['error']} errors, {by_severity['warning']} warnings"
    return f"{counts}: {'training would refuse this dataset.' if report.has_errors else 'ready to train.'}"
