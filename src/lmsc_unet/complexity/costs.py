"""The complexity report: each network's costs beside the paper's values, also as JSON."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from lmsc_unet.catalog import model_config
from lmsc_unet.complexity.counting import Cost, LayerCost, count
from lmsc_unet.complexity.paper import PRINTED, PrintedCost
from lmsc_unet.core.tables import Table


@dataclass(frozen=True, kw_only=True)
class CostRow:
    """One network's costs per image; the fields are the keys of the JSON report."""

    model: str
    """The catalog's name."""
    parameters: int
    """Trainable numbers."""
    state_mib: float
    """float32 parameters and batch norm statistics."""
    macs_exact: int
    """Multiply-accumulates of the convolutions."""
    macs_paper: int
    """Operations by the paper's counter, ptflops 0.7.0."""
    paper_parameters_m: float | None
    """Millions of parameters in the paper."""
    paper_macs_g: float | None
    """Billions of MACs in the paper."""
    paper_size_mb: float | None
    """Size in the paper, whose MB are MiB."""


@dataclass(frozen=True, kw_only=True)
class ComplexityReport:
    """The costs of networks at one input size and number of classes."""

    size_px: int
    """Side of the square input."""
    num_classes: int
    """Logits per pixel."""
    rows: tuple[CostRow, ...]
    """One per network, in the given order."""
    layers: Mapping[str, tuple[LayerCost, ...]]
    """Layers by network name."""


def make_report(names: Iterable[str], *, size_px: int = 256, num_classes: int = 2) -> ComplexityReport:
    """Computes the costs of the named networks.

    Raises:
        ConfigError: a name is not in the catalog.
        SizeError: a network does not accept that size.
    """
    costs = {
        name: count(model_config(name, num_classes=num_classes), height_px=size_px, width_px=size_px) for name in names
    }
    return ComplexityReport(
        size_px=size_px,
        num_classes=num_classes,
        rows=tuple(_row(name, cost) for name, cost in costs.items()),
        layers={name: cost.layers for name, cost in costs.items()},
    )


def to_json(report: ComplexityReport, *, with_layers: bool = False) -> str:
    """A list of objects, one per network; optionally with its `layers`."""
    rows = [asdict(row) for row in report.rows]
    if with_layers:
        rows = [row | {"layers": [asdict(layer) for layer in report.layers[row["model"]]]} for row in rows]
    return json.dumps(rows, indent=2)


def _row(name: str, cost: Cost) -> CostRow:
    printed = PRINTED.get(name, PrintedCost())
    return CostRow(
        model=name,
        parameters=cost.parameters,
        state_mib=cost.state_bytes / 2**20,
        macs_exact=cost.macs_exact,
        macs_paper=cost.macs_paper,
        paper_parameters_m=printed.parameters_m,
        paper_macs_g=printed.macs_g,
        paper_size_mb=printed.size_mb,
    )


T = TypeVar("T")


def to_tables(report: ComplexityReport, *, with_layers: bool = False) -> list[Table]:
    """The table of networks; optionally one more per network with its layers."""
    setting = f"{report.size_px} x {report.size_px} px, {report.num_classes} classes"
    tables = [_table(f"One image of {setting}", _COLUMNS, report.rows)]
    if with_layers:
        tables += [_table(f"{name}, {setting}", _LAYER_COLUMNS, layers) for name, layers in report.layers.items()]
    return tables


def _table(title: str, columns: Mapping[str, Callable[[T], str]], items: Sequence[T]) -> Table:
    cells = tuple(tuple(cell(item) for cell in columns.values()) for item in items)
    return Table(title=title, headings=tuple(columns), rows=cells)


def _printed(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


_COLUMNS: Mapping[str, Callable[[CostRow], str]] = {
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
