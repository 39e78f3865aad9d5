"""`lmsc models`: the networks by name, or the bundled models."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from lmsc_unet.catalog import CATALOG, FastLMSCUNetConfig, ModelConfig, UNetConfig, side_multiple_px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lmsc_unet.inference.bundled import Bundled


def models(
    *, bundled: Annotated[bool, Parameter(negative="")] = False, format: Literal["table", "json"] = "table"
) -> None:
    """List the networks that can be trained: names, descriptions and parameters.

    Args:
        bundled: List the bundled trained models instead: `lmsc predict NAME IMAGE --out DIR`.
        format: Output format.
    """
    if bundled:
        from lmsc_unet.inference.bundled import list_bundled

        found = list_bundled()
        print(json.dumps([_as_row(one) for one in found], indent=2)) if format == "json" else _print_bundled(found)
    else:
        _print_networks(format)


def _print_networks(format: str) -> None:
    from lmsc_unet.complexity.arithmetic import num_parameters

    rows: list[dict[str, Any]] = [
        {
            "model": name,
            "parameters": num_parameters(config),
            "side_multiple_px": side_multiple_px(config),
            "what": _describe(config),
        }
        for name, config in CATALOG.items()
    ]
    if format == "json":
        print(json.dumps(rows, indent=2))
        return
    from lmsc_unet.core.tables import Table, print_tables

    cells = ((row["model"], f"{row['parameters']:,}", str(row["side_multiple_px"]), str(row["what"])) for row in rows)
    headings = ("model", "parameters", "sides", "what it is")
    print_tables(Table(headings=headings, rows=tuple(cells), left=headings[3:]))
    print("\nParameters: with 3 input channels and 1 logit. Sides: multiples of these px.")


def _print_bundled(found: "Sequence[Bundled]") -> None:
    from lmsc_unet.core.tables import Table, print_tables
    from lmsc_unet.inference.bundled import OPENVINO, bundled_files

    if not found:
        print("No trained models are bundled with this installation. Make one: lmsc train DATA --out RUN")
        return
    rows = [_as_row(one) for one in found]
    names = list(dict.fromkeys(name for row in rows for name in row["scores"]))
    texts = ("of", "precision", "classes")
    sources = ("trained on", "licence")
    cells = tuple(
        (
            *(row["model"], f"{row['task']}s", row["precision"], ", ".join(row["classes"])),
            *(f"{row['bytes'] / 1e6:.2f}", row["trained_on"] or "-", row["licence"] or "-"),
            *(f"{row['scores'][name]:.3f}" if name in row["scores"] else "-" for name in names),
        )
        for row in rows
    )
    headings = ("model", *texts, "MB", *sources, *names)
    print_tables(Table(headings=headings, rows=cells, left=(*texts, *sources)))
    defaults = (f"{one.file.stem.removesuffix('-int8')} is {one.name}" for one in found if one.is_default)
    print(f"\nWithout a precision: {', '.join(defaults)}.")
    own = [f"{name.removesuffix(OPENVINO)} is {name}" for name in bundled_files() if name.endswith(OPENVINO)]
    if own:
        print(f"Where OpenVINO runs them: {', '.join(own)}.")


def _as_row(one: "Bundled") -> dict[str, Any]:
    described = one.description
    return {
        "model": one.name,
        "is_default": one.is_default,
        "task": described.task,
        "precision": described.precision,
        "classes": list(described.spec.class_names),
        "bytes": one.file.stat().st_size,
        "trained_on": described.data,
        "licence": described.licence,
        "commit": described.commit,
        "made": described.made,
        "scores": dict(one.scores),
    }


def _describe(config: ModelConfig) -> str:
    channels = f"{config.widths[0]}-{config.widths[-1]} channels"
    if isinstance(config, UNetConfig):
        return f"standard U-Net of {channels}"
    levels = " ".join(map(str, sorted(config.brb_levels)))
    if isinstance(config, FastLMSCUNetConfig):
        return f"fast LMSC-UNet of {channels} behind a stem of stride {config.stem_px}"
    return f"LMSC-UNet of {channels}; {f'BRB at {levels}' if levels else 'no BRB'}"
