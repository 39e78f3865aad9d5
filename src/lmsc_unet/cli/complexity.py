"""`lmsc complexity`: what the networks cost, beside what the paper printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from lmsc_unet.complexity.report import Table


def complexity(
    *names: str,
    size_px: int = 256,
    classes: int = 2,
    layers: Annotated[bool, Parameter(negative="")] = False,
    format: Literal["table", "json", "markdown"] = "table",
) -> None:
    """Print parameters, memory and multiply-accumulates (MACs), beside what the paper printed.

    MACs are counted twice: exactly, and as the paper's tool counts them (ptflops 0.7.0).

    Args:
        names: Models to count; without a name all of `lmsc models`.
        size_px: Side of the square input image; the paper's is 256.
        classes: Logits a pixel; the paper's counts are with 2.
        layers: Show each layer as well.
        format: How to print it.
    """
    from lmsc_unet.catalog import CATALOG
    from lmsc_unet.complexity.report import make_report, to_json, to_markdown, to_tables

    report = make_report(names or CATALOG, size_px=size_px, num_classes=classes)
    if format == "json":
        print(to_json(report, with_layers=layers))
    elif format == "markdown":
        print(to_markdown(to_tables(report, with_layers=layers)))
    else:
        _print_tables(to_tables(report, with_layers=layers))


def _print_tables(tables: list[Table]) -> None:
    import rich.table
    from rich.console import Console

    for table in tables:
        drawn = rich.table.Table(title=table.title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        columns = list(zip(*table.cells, strict=True))
        widths = [_width(heading, cells) for heading, cells in zip(table.headings, columns, strict=True)]
        for heading, width in zip(table.headings, widths, strict=True):
            drawn.add_column(heading, justify="left" if heading == table.headings[0] else "right", width=width)
        for cells in table.cells:
            drawn.add_row(*cells)
        whole = sum(widths) + 2 * len(widths)
        Console(width=max(Console().width, whole)).print(drawn)  # a number is never cut, however narrow the window


def _width(heading: str, cells: tuple[str, ...]) -> int:
    """Enough for the longest cell; the heading may break between words."""
    return max(len(text) for text in (*heading.split(), *cells))
