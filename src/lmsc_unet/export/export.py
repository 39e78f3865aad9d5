"""`lmsc export` as a function: a run in, one file out that was compared with the run on real images."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx

from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.export.graph import to_graph
from lmsc_unet.export.images import Parts, find_parts, is_data_folder
from lmsc_unet.export.int8 import Judge, calibration_crops, make_int8
from lmsc_unet.export.options import ExportOptions
from lmsc_unet.export.parity import Parity, as_report, compare_networks
from lmsc_unet.export.saving import check_target, replacing, report_path, write_model
from lmsc_unet.export.source import Source, open_source
from lmsc_unet.export.tolerance import as_limits, failures
from lmsc_unet.prediction.backends import open_network
from lmsc_unet.prediction.files import write_text
from lmsc_unet.prediction.modelfile import Description
from lmsc_unet.prediction.network import Network
from lmsc_unet.prediction.runtime import Runtime
from lmsc_unet.training.loading import as_network

Start = Callable[[int], Callable[[], None]]
"""Told how many images a comparison has; gives what is called after each."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What became of an export."""

    file: Path
    """The model file."""
    report: dict[str, Any]
    """What stands in the JSON file beside it."""


def export(
    model: Path, out: Path, options: ExportOptions, *, overwrite: bool = False, start: Start | None = None
) -> Exported:
    """Exports a run, compares the file with the run, and puts it in its place only if it passes.

    Raises:
        ModelError: the model cannot be loaded, or the export is beyond its tolerance.
        DataError: the images cannot be used.
        ConfigError: settings that cannot be, or no images to compare on.
        OutputError: the file is there, or cannot be written.
    """
    check_target(out, overwrite=overwrite)
    source = open_source(model)
    parts = find_parts(_comparison_data(source, options), source)
    comparison = Comparison(source=source, parts=parts, threads=options.threads, start=start)
    graph, description = to_graph(source.network, source.spec, options.opset), describe(source, parts, options)
    with replacing(out) as partial:

        def judge(graph: onnx.ModelProto, description: Description) -> Parity:
            write_model(graph, description, partial)
            return comparison.compare(partial, description)

        if options.int8:
            description, parity, notes = _int8(graph, description, comparison, options, judge)
        else:
            parity, notes = judge(graph, description), {"warnings": []}
        _refuse(out, parts, parity, description)
        report = _report(comparison, parity, description, notes)
        write_text(report_path(out), json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return Exported(file=out, report=report)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The original, and the images on which files are compared with it."""

    source: Source
    """The trained network and where it comes from."""
    parts: Parts
    """The images."""
    threads: int | None
    """Threads of the exported network."""
    start: Start | None
    """Told how many images come."""

    @cached_property
    def original(self) -> Network:
        """The trained network in PyTorch."""
        return as_network(self.source.network)

    def open_file(self, path: Path, description: Description) -> Network:
        """The exported network, as prediction opens it."""
        return open_network(path, description, Runtime(backend="onnxruntime", threads=self.threads))

    def compare(self, path: Path, description: Description) -> Parity:
        """How far a file is from the original."""
        advance = self.start(len(self.parts.held_out)) if self.start is not None else None
        return compare_networks(
            self.original,
            self.open_file(path, description),
            self.source.spec,
            self.parts.held_out,
            self.parts.label_map,
            advance=advance,
        )


def _int8(
    graph: onnx.ModelProto, description: Description, comparison: Comparison, options: ExportOptions, judge: Judge
) -> tuple[Description, Parity, dict[str, Any]]:
    """The INT8 file written by `judge`: what it says of itself, how far it is from the original, what to report."""
    source = comparison.source
    crops, warnings = calibration_crops(source, source.data, options)
    chosen = make_int8(
        graph,
        description,
        crops,
        options,
        judge=judge,
        open_file=comparison.open_file,
        original=comparison.original,
    )
    described = replace(description, precision="int8", float_layers=chosen.float_layers)
    return described, chosen.parity, {**chosen.notes, "warnings": warnings}


def describe(source: Source, parts: Parts, options: ExportOptions) -> Description:
    """What the file will say of itself."""
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


def _comparison_data(source: Source, options: ExportOptions) -> Path:
    """The folder of images with masks on which both networks are compared."""
    calibrated = options.calibrate
    has_masks = calibrated is not None and calibrated.is_dir() and is_data_folder(calibrated, source)
    root = options.data or source.data or (calibrated if has_masks else None)
    if root is None:
        raise ConfigError(
            f"{source.checkpoint}: an export is compared with the original on real images, and this one does not say "
            "which it was trained on. Name a folder with images/ and masks/ by --data."
        )
    return root


def _warnings(parts: Parts) -> list[str]:
    if parts.is_held_out:
        return []
    return [f"{parts.root}: nothing says which of these images the model was trained on; all were compared."]


def _refuse(out: Path, parts: Parts, parity: Parity, description: Description) -> None:
    wrong = failures(parity, description.precision)
    if wrong:
        raise ModelError(
            f"{out}: not written, as the export is not the model: {'; '.join(wrong)}. "
            f"Compared on {len(parts.held_out)} images of {parts.root}."
        )


def _report(comparison: Comparison, parity: Parity, description: Description, notes: dict[str, Any]) -> dict[str, Any]:
    source, parts = comparison.source, comparison.parts
    return {
        "model": source.spec.name,
        "checkpoint": str(source.checkpoint),
        "checkpoint_sha256": source.checkpoint_sha256,
        "precision": description.precision,
        "float_layers": list(description.float_layers),
        "data": str(parts.root),
        "held_out": parts.is_held_out,
        "backend": "onnxruntime",
        "tolerance": as_limits(description.precision, parity),
        **as_report(parity),
        **notes,
        "warnings": _warnings(parts) + notes["warnings"],
    }
