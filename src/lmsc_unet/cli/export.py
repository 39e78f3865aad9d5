"""`lmsc export`: a file that runs without PyTorch, verified against its model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lmsc_unet.core.progress import progress
from lmsc_unet.export.options import ExportOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lmsc_unet.export.export import ExportResult


def export(
    model: Path,
    /,
    *,
    out: Path,
    options: Annotated[ExportOptions, Parameter(name="*")] = ExportOptions(),  # noqa: B008 - frozen
    overwrite: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Write a trained model as a file that runs without PyTorch, and verify on real images that its output is the same.

    The file is written only if it passes; MODEL.parity.json beside it contains the comparison.

    Args:
        model: Run folder of `lmsc train`, or a checkpoint.
        out: The file, ending in .onnx; with --to openvino in .xml.
        options: What to export, and how to verify it.
        overwrite: Replace the file.
    """
    from lmsc_unet.inference.backends.open_vino import size_mib

    exported = _with_bar(model, out, options, overwrite=overwrite)
    _print_report(exported.report)
    print(f"{exported.file}: {size_mib(exported.file):.2f} MiB. Try: {_next(exported)}")
    return 0


def _next(exported: "ExportResult") -> str:
    """The next command to try."""
    if exported.report["task"] == "recording":
        return f"lmsc detect RECORDING --model {exported.file} --out signals"
    return f"lmsc predict {exported.file} IMAGE --out masks"


def _with_bar(model: Path, out: Path, options: ExportOptions, *, overwrite: bool) -> "ExportResult":
    from contextlib import ExitStack

    from lmsc_unet.export.export import export as export_model

    with ExitStack() as bars:

        def start(number: int) -> Any:
            bars.close()
            return bars.enter_context(progress("comparing", number)).advance

        return export_model(model, out, options, overwrite=overwrite, start=start)


def _print_report(report: "Mapping[str, Any]") -> None:
    from lmsc_unet.core.tables import Table, print_tables

    for warning in report["warnings"]:
        print(f"lmsc: warning: {warning}", file=sys.stderr)
    seen = "held out from training" if report["held_out"] else "seen in training or not"
    print(f"{report['precision']} against PyTorch on {report['images']} images, {seen}")
    limits, before, after = report["tolerance"], report["scores_original"], report["scores_exported"]
    other, allowed = 100 * report["other_class_share"], 100 * (1 - limits["same_class_share"])
    rows = [
        ("largest difference of logits", f"{report['largest_difference']:.2g}", _limit(limits)),
        ("mean difference of logits", f"{report['mean_difference']:.2g}", ""),
        ("pixels of another class", f"{other:.4f} %", f"{allowed:.2g} %"),
    ]
    for name, label in (("miou", "mean IoU, foreground"), ("dc", "Dice per image"), ("acc", "accuracy")):
        if before[name] is not None:
            found = f"{before[name]:.4f} -> {after[name] or 0:.4f}"
            rows.append((label, found, f"-{limits['lost_iou']:.2g}" if name == "miou" else ""))
    print_tables(Table(headings=("", "found", "allowed"), rows=tuple(rows)))
    if "speedup_over_float32" in report:
        print(f"{report['speedup_over_float32']:.2f} times as fast as float32 here, one thread, interleaved")
    if report.get("fine_tuned"):
        print(f"Fine-tuned in 8 bits; without it {'; '.join(report['all_int8_failed'])}")
    if report["float_layers"]:
        number = len(report["float_layers"])
        named = "1 layer is" if number == 1 else f"{number} layers are"
        print(f"{named} in float32, as 8 bits cost accuracy there; the .parity.json beside the file names them")
        if report["all_int8_failed"]:
            print(f"With all layers in 8 bits: {'; '.join(report['all_int8_failed'])}")


def _limit(limits: "Mapping[str, Any]") -> str:
    return f"{limits['largest_difference']:.2g}" if "largest_difference" in limits else ""
