"""What `lmsc benchmark` shows: text cells from the rows, and from what benchmark.json holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from lmsc_unet.benchmark.row import Row, over_unet
from lmsc_unet.complexity.tables import Table, to_markdown

HEADINGS = (
    *("model", "backend", "precision", "batch", "threads", "ms", "p5", "p95", "images/s"),
    *("MiB peak", "MiB file", "cold s", "x U-Net eager", "x U-Net fp32 there"),
)


def speed_table(rows: Sequence[Row]) -> Table:
    """Every row, with how many times as fast it is as U-Net: in eager PyTorch, and in float32 on the same backend."""
    cells = tuple(_cells(row, ratio) for row, ratio in zip(rows, over_unet(rows), strict=True))
    return Table(title="Speed, by turns in one run", headings=HEADINGS, cells=cells)


def table_1(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The paper's Table 1 beside what was counted and timed here."""
    backends = list(dict.fromkeys(backend for row in rows for backend in row["ms"]))
    headings = (
        *("model", "parameters", "paper M", "GMACs exact", "GMACs paper's counter", "paper GMACs"),
        *("MiB", "paper MB", *(f"ms {backend}" for backend in backends), "paper ms"),
    )
    cells = tuple(
        (
            *(row["model"], f"{row['parameters']:,}", _number(row["paper_parameters_m"])),
            *(f"{row['macs_exact'] / 1e9:.2f}", f"{row['macs_paper'] / 1e9:.2f}", _number(row["paper_macs_g"])),
            *(f"{row['state_mib']:.2f}", _number(row["paper_size_mb"])),
            *(_number(row["ms"].get(backend), ".1f") for backend in backends),
            _number(row["paper_ms"]),
        )
        for row in rows
    )
    return Table(title="The paper's Table 1, float32, beside this machine", headings=headings, cells=cells)


def report_to_markdown(report: Mapping[str, Any]) -> str:
    """What benchmark.json holds, with the machine, as the documents quote it."""
    origin = report["provenance"]
    machine, plan = origin["machine"], report["plan"]
    rows = [Row(**row) for row in report["rows"]]
    about = (
        f"{machine['cpu']}, {machine['cores']} cores, {plan['size_px']} x {plan['size_px']} px, medians of "
        f"{plan['rounds']} turns in one run; {origin['date'][:10]}, commit {origin['commit']}."
    )
    halves = [
        f"{half['model']} in {half['precision']} on {half['backend']}: {100 * half['same_class_share']:.3f} % of the "
        "pixels keep float32's class."
        for half in report["halves"]
    ]
    parts = [
        about,
        to_markdown([table_1(report["table_1"])]),
        to_markdown([speed_table(rows)]),
        *halves,
        *report["skipped"],
    ]
    return "\n\n".join(parts)


def _cells(row: Row, ratio: float | None) -> tuple[str, ...]:
    times = (f"{value:.1f}" for value in (row.ms_median, row.ms_p5, row.ms_p95, row.images_per_s))
    fixed = (row.model, row.backend, row.precision, str(row.batch), str(row.threads))
    costs = (_number(row.peak_rss_mib, ".0f"), f"{row.file_mib:.2f}", _number(row.cold_start_s, ".2f"))
    return (*fixed, *times, *costs, f"{row.speedup_over_unet_eager:.1f}", _number(ratio, ".1f"))


def _number(value: float | None, form: str = "g") -> str:
    return "-" if value is None else f"{value:{form}}"
