"""The steps of an export between graph and final file: write, compare, quantise, finish."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lmsc_unet.evaluation.parity import Parity, compare_networks
from lmsc_unet.export.formats import FORMATS
from lmsc_unet.export.int8 import calibration_crops, compare_speed, make_int8
from lmsc_unet.export.options import ExportOptions
from lmsc_unet.export.outputs import check_same, described, with_outputs
from lmsc_unet.inference.backends import KINDS, open_network
from lmsc_unet.inference.metadata import Description
from lmsc_unet.inference.outputs import Network
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.quantization.calibration import Parts, draw_crops
from lmsc_unet.quantization.cle import equalize_cross_layer
from lmsc_unet.quantization.fuse_upconv import fold_batch_norm
from lmsc_unet.training.load_model import TrainedRun, as_network

PROBES = 4
"""Crops for checking the end of the graph."""
Start = Callable[[int], Callable[[], None]]
"""Called with the number of images of a comparison; returns a function that is called after each."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The original, and the images on which files are compared with it."""

    source: TrainedRun
    """The trained network and its origin."""
    parts: Parts
    """The images."""
    threads: int | None
    """Threads of the exported network."""
    start: Start | None
    """Called with the number of images."""

    @cached_property
    def original(self) -> Network:
        """The trained network in PyTorch."""
        return as_network(self.source.network)

    def open_file(self, path: Path, description: Description, threads: int | None = None) -> Network:
        """Opens the exported network like prediction, on the default backend of its file type."""
        runtime = Runtime(backend=KINDS[path.suffix].backends[0], threads=threads or self.threads)
        return open_network(path, description, runtime)

    def compare(self, path: Path, description: Description) -> Parity:
        """The difference between a file and the original."""
        advance = self.start(len(self.parts.held_out)) if self.start is not None else None
        return compare_networks(
            self.original,
            self.open_file(path, description),
            self.source.spec,
            self.parts.held_out,
            self.parts.label_map,
            advance=advance,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class ExportJob:
    """An export in progress."""

    graph: Any
    """The float32 graph."""
    description: Description
    """The metadata of the float32 file."""
    comparison: Comparison
    """The comparison with the original."""
    options: ExportOptions
    """The options."""
    file: Path
    """The temporary path of the file."""

    def write(self, graph: Any, description: Description, file: Path | None = None) -> None:
        """Writes a graph as a file of the requested type, replacing the previous one."""
        FORMATS[self.options.to].write(graph, description, file or self.file)

    def judge(self, graph: Any, description: Description) -> Parity:
        """Writes a graph and compares the file with the original."""
        self.write(graph, description)
        return self.comparison.compare(self.file, description)


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedExport:
    """A file that is written and compared, but not yet moved into place."""

    graph: Any
    """Its graph."""
    description: Description
    """Its metadata."""
    parity: Parity
    """Its difference from the original."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """Further entries of the report."""
    warnings: tuple[str, ...] = ()
    """Warnings for the user."""


def make_float_file(work: ExportJob) -> FinishedExport:
    """The float32 file."""
    parity = work.judge(work.graph, work.description)
    return FinishedExport(graph=work.graph, description=work.description, parity=parity)


def make_int8_file(work: ExportJob) -> FinishedExport:
    """Makes the INT8 file, and compares its speed with float32.

    Raises:
        ModelError: no choice of layers is within the tolerance.
        ConfigError: no calibration images are named.
        DataError: the named images cannot be used.
    """
    comparison, source = work.comparison, work.comparison.source
    crops, warnings = calibration_crops(source, source.data, work.options)
    network = fold_batch_norm(source.network)
    equalize_cross_layer(network, crops)
    chosen = make_int8(
        FORMATS[work.options.to].make(network, source.spec, work.options, work.graph),
        work.description,
        crops,
        work.options,
        judge=work.judge,
        open_file=comparison.open_file,
        original=comparison.original,
        network=source.network,
    )
    description = replace(work.description, precision="int8", float_layers=chosen.float_layers)
    speed = compare_speed(work, description, crops[0])
    return FinishedExport(
        graph=chosen.model,
        description=description,
        parity=chosen.parity,
        notes={**chosen.notes, "speedup_over_float32": speed.ratio},
        warnings=(*warnings, *speed.warnings),
    )


def put_outputs(work: ExportJob, finished: FinishedExport) -> None:
    """Writes the file again with the requested outputs; its masks must equal those of the logits.

    Raises:
        ModelError: they differ.
    """
    comparison, options = work.comparison, work.options
    spec = finished.description.spec
    crops = draw_crops(comparison.parts.held_out, spec, PROBES)
    by_logits = comparison.open_file(work.file, finished.description)
    before = [by_logits(crop) for crop in crops]
    description = described(finished.description, options.outputs)
    work.write(with_outputs(finished.graph, spec, options.outputs), description)
    check_same(before, comparison.open_file(work.file, description), spec, crops)
