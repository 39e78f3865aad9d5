"""`lmsc export` as a function: exports a run to one file and compares it with the run on real images."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lmsc_unet.core.storage import write_text
from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.evaluation.parity import as_limits, as_report, failures
from lmsc_unet.export.formats import FORMATS, find_format
from lmsc_unet.export.options import ExportOptions
from lmsc_unet.export.saving import check_target, replacing, report_path
from lmsc_unet.export.work import (
    Comparison,
    ExportJob,
    FinishedExport,
    Start,
    make_float_file,
    make_int8_file,
    put_outputs,
)
from lmsc_unet.inference.backends import KINDS
from lmsc_unet.inference.metadata import Description
from lmsc_unet.quantization.calibration import Parts, find_parts, is_data_folder
from lmsc_unet.training.load_model import TrainedRun, open_trained_run


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """The result of an export."""

    file: Path
    """The model file."""
    report: dict[str, Any]
    """The contents of the JSON file beside it."""


def export(
    model: Path, out: Path, options: ExportOptions, *, overwrite: bool = False, start: Start | None = None
) -> ExportResult:
    """Exports a run, compares the file with it, and moves the file into place only if it passes.

    Raises:
        ModelError: the model cannot be loaded, or the export exceeds its tolerance.
        DataError: the images cannot be used.
        ConfigError: invalid settings, a missing package, or no images to compare on.
        OutputError: the file exists already, or cannot be written.
    """
    form = find_format(options)
    check_target(out, form.suffix, overwrite=overwrite)
    source = open_trained_run(model)
    parts = find_parts(_comparison_data(source, options), source)
    comparison = Comparison(source=source, parts=parts, threads=options.threads, start=start)
    graph, description = form.make(source.network, source.spec, options, None), describe(source, parts, options)
    with replacing(out, form.companions) as partial:
        work = ExportJob(graph=graph, description=description, comparison=comparison, options=options, file=partial)
        finished = make_int8_file(work) if options.int8 else make_float_file(work)
        _refuse(out, parts, finished)
        if options.outputs != "logits":
            put_outputs(work, finished)
        report = _report(comparison, finished, options)
        write_text(report_path(out), json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return ExportResult(file=out, report=report)


def describe(source: TrainedRun, parts: Parts, options: ExportOptions) -> Description:
    """The file's metadata."""
    return Description(
        spec=source.spec,
        task="image" if source.spec.spectrogram is None else "recording",
        data=options.trained_on or (source.data or parts.root).resolve().name,
        licence=options.licence,
        commit=source.commit,
        checkpoint_sha256=source.checkpoint_sha256,
        made_by=f"lmsc-unet {version('lmsc-unet')}",
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _comparison_data(source: TrainedRun, options: ExportOptions) -> Path:
    """The folder of images with masks on which both networks are compared."""
    calibrated = options.calibrate
    has_masks = calibrated is not None and calibrated.is_dir() and is_data_folder(calibrated, source)
    root = options.data or source.data or (calibrated if has_masks else None)
    if root is None:
        raise ConfigError(
            f"{source.checkpoint}: an export is compared with the original on real images, and this one does not say "
            "which it was trained on. Name a folder with images/ and masks/, or of recordings, by --data."
        )
    return root


def _warnings(parts: Parts) -> list[str]:
    if parts.is_held_out:
        return []
    return [f"{parts.root}: nothing says which of these images the model was trained on; all were compared."]


def _refuse(out: Path, parts: Parts, finished: FinishedExport) -> None:
    wrong = failures(finished.parity, finished.description.precision)
    if wrong:
        raise ModelError(
            f"{out}: not written, as the export is not the model: {'; '.join(wrong)}. "
            f"Compared on {len(parts.held_out)} images of {parts.root}."
        )


def _report(comparison: Comparison, finished: FinishedExport, options: ExportOptions) -> dict[str, Any]:
    source, parts, description = comparison.source, comparison.parts, finished.description
    return {
        "model": source.spec.name,
        "task": description.task,
        "checkpoint": str(source.checkpoint),
        "checkpoint_sha256": source.checkpoint_sha256,
        "format": options.to,
        "outputs": options.outputs,
        "precision": description.precision,
        "float_layers": list(description.float_layers),
        "data": str(parts.root),
        "held_out": parts.is_held_out,
        "backend": KINDS[FORMATS[options.to].suffix].backends[0],
        "tolerance": as_limits(description.precision, finished.parity),
        **as_report(finished.parity),
        **finished.notes,
        "warnings": _warnings(parts) + list(finished.warnings),
    }
