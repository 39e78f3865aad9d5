"""The complexity report as tables of text, and these in Markdown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lmsc_unet.complexity.counting import LayerCost
from lmsc_unet.complexity.report import Report, Row

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Table:
    """Text cells with their headings; the first column is names, the others are numbers."""

    title: str
    """What the table is of."""
    headings: tuple[str, ...]
    """One for each column."""
    cells: tuple[tuple[str, ...], ...]
    """Row by row."""


def to_tables(report: Report, *, with_layers: bool = False) -> list[Table]:
    """The table of networks; on request one more for each network's layers."""
    setting = f"{report.size_px} x {report.size_px} px, {report.num_classes} classes"
    tables = [_table(f"One image of {setting}", _COLUMNS, report.rows)]
    if with_layers:
        tables += [_table(f"{name}, {setting}", _LAYER_COLUMNS, layers) for name, layers in report.layers.items()]
    return tables


def to_markdown(tables: Sequence[Table]) -> str:
    """The tables in Markdown; more than one have their titles as headings."""
    titles = [f"### {table.title}\n\n" if len(tables) > 1 else "" for table in tables]
    return "\n\n".join(title + _markdown(table) for title, table in zip(titles, tables, strict=True))


def _markdown(table: Table) -> str:
    rules = ("---", *["---:"] * (len(table.headings) - 1))
    return "\n".join(f"| {' | '.join(line)} |" for line in (table.headings, rules, *table.cells))


def _table(title: str, columns: Mapping[str, Callable[[T], str]], items: Sequence[T]) -> Table:
    cells = tuple(tuple(cell(item) for cell in columns.values()) for item in items)
    return Table(title=title, headings=tuple(columns), cells=cells)


def _printed(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


_COLUMNS: Mapping[str, Callable[[Row], str]] = {
    "model": lambda row: row.model,
    "parameters": lambda row: f"{row.parameters:,}",
    "state MiB": lambda row: f"{row.state_mib:.3f}",
    "GMACs exact": lambda row: f"{row.macs_exact / 1e9:.3f}",
    "GMACs paper's counter": lambda row: f"{row.macs_paper / 1e9:.3f}",
    "paper M": lambda row: _printed(row.paper_parameters_m),
    "paper GMACs": lambda row: _printed(row.paper_macs_g),
    "paper MB": lambda row: _printed(row.paper_size_mb),
}

_LAYER_COLUMNS: Mapping[str, Callable[[LayerCost], str]] = {
    "layer": lambda layer: layer.name,
    "output": lambda layer: " x ".join(map(str, layer.output_shape)),
    "parameters": lambda layer: f"{layer.parameters:,}",
    "MMACs exact": lambda layer: f"{layer.macs_exact / 1e6:.3f}",
    "MMACs paper's counter": lambda layer: f"{layer.macs_paper / 1e6:.3f}",
}
