"""The steps of one export between the graph and the file that is in its place: write, compare, quantise, finish."""

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
"""Crops on which the end of the graph is checked."""
Start = Callable[[int], Callable[[], None]]
"""Told how many images a comparison has; gives what is called after each."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The original, and the images on which files are compared with it."""

    source: TrainedRun
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

    def open_file(self, path: Path, description: Description, threads: int | None = None) -> Network:
        """The exported network, as prediction opens it, on the backend that its kind of file is made for."""
        runtime = Runtime(backend=KINDS[path.suffix].backends[0], threads=threads or self.threads)
        return open_network(path, description, runtime)

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


@dataclass(frozen=True, kw_only=True, eq=False)
class ExportJob:
    """One export on its way."""

    graph: Any
    """The float32 graph."""
    description: Description
    """What the float32 file says of itself."""
    comparison: Comparison
    """What it is held against."""
    options: ExportOptions
    """What was asked for."""
    file: Path
    """Where the file is made."""

    def write(self, graph: Any, description: Description, file: Path | None = None) -> None:
        """Writes a graph as a file of the kind asked for, in place of the one before."""
        FORMATS[self.options.to].write(graph, description, file or self.file)

    def judge(self, graph: Any, description: Description) -> Parity:
        """Writes a graph and compares the file with the original."""
        self.write(graph, description)
        return self.comparison.compare(self.file, description)


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedExport:
    """A file that is written and compared, but not yet in its place."""

    graph: Any
    """Its graph."""
    description: Description
    """What it says of itself."""
    parity: Parity
    """How far it is from the original."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What else the report says."""
    warnings: tuple[str, ...] = ()
    """What the user should know."""


def make_float_file(work: ExportJob) -> FinishedExport:
    """The float32 file."""
    parity = work.judge(work.graph, work.description)
    return FinishedExport(graph=work.graph, description=work.description, parity=parity)


def make_int8_file(work: ExportJob) -> FinishedExport:
    """The INT8 file, and how fast it is beside the float32 one.

    Raises:
        ModelError: no choice of layers is within the tolerance.
        ConfigError: nothing to calibrate on is named.
        DataError: what is named cannot be used.
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
    """Writes the file anew with the outputs asked for; its masks must be those that the logits make.

    Raises:
        ModelError: they are not.
    """
    comparison, options = work.comparison, work.options
    spec = finished.description.spec
    crops = draw_crops(comparison.parts.held_out, spec, PROBES)
    by_logits = comparison.open_file(work.file, finished.description)
    before = [by_logits(crop) for crop in crops]
    description = described(finished.description, options.outputs)
    work.write(with_outputs(finished.graph, spec, options.outputs), description)
    check_same(before, comparison.open_file(work.file, description), spec, crops)
