"""`lmsc complexity`: costs of the networks, beside the paper's values."""

from typing import Annotated, Literal

from cyclopts import Parameter


def complexity(
    *names: str,
    size_px: int = 256,
    classes: int = 2,
    layers: Annotated[bool, Parameter(negative="")] = False,
    format: Literal["table", "json", "markdown"] = "table",
) -> None:
    """Print parameters, memory and multiply-accumulates (MACs), beside the paper's values.

    MACs are counted twice: exactly, and like the paper's tool (ptflops 0.7.0).

    Args:
        names: Models to count; by default all of `lmsc models`.
        size_px: Side of the square input image; the paper's is 256.
        classes: Logits per pixel; the paper counts with 2.
        layers: Also show each layer.
        format: Output format.
    """
    from lmsc_unet.catalog import CATALOG
    from lmsc_unet.complexity.costs import make_report, to_json, to_tables
    from lmsc_unet.core.tables import print_tables, to_markdown

    report = make_report(names or CATALOG, size_px=size_px, num_classes=classes)
    if format == "json":
        print(to_json(report, with_layers=layers))
    elif format == "markdown":
        print(to_markdown(to_tables(report, with_layers=layers)))
    else:
        print_tables(*to_tables(report, with_layers=layers))
