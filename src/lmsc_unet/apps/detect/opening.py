"""Prepares `lmsc detect`: finds inputs, loads the model, opens the results folder."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from lmsc_unet.apps.detect.cuts import CUTS, CutWriter
from lmsc_unet.apps.detect.inputs import MOST_HZ, RawFormat, find_items, refuse_unused
from lmsc_unet.apps.detect.job import DetectJob, OnDetection
from lmsc_unet.apps.detect.limits import SignalLimits
from lmsc_unet.apps.detect.results import DETECTIONS
from lmsc_unet.apps.detect.searching import STEADY_S
from lmsc_unet.apps.detect.sources import is_live, open_source
from lmsc_unet.apps.shards import Shard, items_of, refuse_mixed, remarks_of
from lmsc_unet.core.ranges import check_range
from lmsc_unet.core.results_folder import ResultsFolder, refuse_both
from lmsc_unet.errors import ConfigError, OutputError
from lmsc_unet.inference.detector import load_detector
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.signals.detection import Grouping
from lmsc_unet.signals.detection.byproducts import BY_PRODUCT_DB

ROWS_CHOSEN = "1 to 8, chosen for each recording by its sample rate, length and bursts; see detections.jsonl"
"""How run.json describes rows whose length the user has not said."""


@dataclass(frozen=True, kw_only=True)
class DetectOptions:
    """How recordings are searched."""

    model: str | None = None
    """`energy`, a bundled model's name, a run folder or a model file; None is the bundled model of signals."""
    frames_per_row: int | None = None
    """Frames averaged per row of the spectrogram; None chooses 1 to 8 for each recording."""
    nfft: int | None = None
    """Samples per frame; None uses the model's value, or 256."""
    resolution_hz: float | None = None
    """Width of a column, instead of `nfft`."""
    is_joined: bool = True
    """Whether pieces of a transmission are joined."""
    by_product_db: float = BY_PRODUCT_DB
    """How far below a stronger signal of the same times by-products are left out; 0 keeps them."""
    min_confidence: float | None = None
    """Signals with less confidence are dropped; None means 0.75 for a model, 0 for the energy detector."""
    channels: tuple[int, ...] = ()
    """The channels to search; empty means all."""
    runtime: Runtime = field(default_factory=Runtime)
    """The runtime of an exported model, and its threads."""
    raw: RawFormat = field(default_factory=RawFormat)
    """What files without metadata do not say themselves."""
    is_checked: bool = True
    """Whether data is compared with the SHA-512 in its metadata."""
    limits: SignalLimits = field(default_factory=SignalLimits)
    """Signals beyond these are not reported."""
    cut: Path | None = None
    """The folder that each signal is cut out to, as a recording of its own."""
    occupancy_hz: float | None = None
    """The width of the channels whose use is measured; None measures none."""
    steady_s: float = STEADY_S
    """Seconds after which a signal that goes on is told, and told again."""

    def __post_init__(self) -> None:
        check_range(self, 0, 1e9, "steady_s", above=True)
        check_range(self, 0, MOST_HZ, "occupancy_hz", above=True)


def open_job(
    recordings: Sequence[Path],
    out: Path | None,
    settings: DetectOptions,
    *,
    standard_input: IO[bytes],
    on_detection: OnDetection | None = None,
    on_remark: Callable[[str], None] = lambda _: None,
    shard: Shard | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> DetectJob:
    """Finds the recordings, loads the model and opens the results folder; writes nothing if any of these fails.

    Raises:
        ConfigError: invalid or inapplicable settings, files together with standard input, or the results of a shard
            would lie among the inputs.
        DataError: an input is missing, or a pipe's datatype or sample rate is.
        ModelError: the model cannot be loaded, or was trained on images.
        OutputError: the folder holds results, or someone else's files.
    """
    is_piped = any(map(is_live, recordings))
    refuse_both(resume=resume, overwrite=overwrite)
    if resume and (is_piped or out is None):
        raise ConfigError("--resume goes on with the results in the folder of --out; a pipe cannot be read again.")
    if is_piped and shard is not None:
        raise ConfigError(
            "--num-shards divides files among machines; a pipe or a receiver has one reader. Leave it out."
        )
    _check_folders(out, settings)
    refuse_mixed(shard, recordings, (out, settings.cut))
    found = () if is_piped else find_items(recordings, (out, settings.cut), settings.raw)
    refuse_unused(found, settings.raw)
    items = items_of(shard, found)
    finder = load_detector(
        settings.model,
        frames_per_row=settings.frames_per_row,
        nfft=settings.nfft,
        resolution_hz=settings.resolution_hz,
        grouping=Grouping(joins=settings.is_joined, by_product_db=settings.by_product_db or None),
        min_confidence=settings.min_confidence,
        runtime=settings.runtime,
    )
    described = {
        "arguments": {
            "recordings": [str(path) for path in recordings],
            "out": str(out),
            **_plain(settings),
            "shard": None if shard is None else asdict(shard),
        },
        "model": finder.origin,
        "stft": asdict(finder.stft),
        "frames_per_row": ROWS_CHOSEN if finder.chooses_rows else finder.stft.frames_per_row,
        "warnings": list(finder.warnings),
    }
    paths = {str(item.path) for item in items}
    flags = {"resume": resume, "overwrite": overwrite}
    with ExitStack() as undone:
        stream = open_source(recordings, settings.raw, standard_input)
        if stream is not None:
            undone.callback(stream.close)
        folder = None
        if out is not None:
            folder = ResultsFolder(out, DETECTIONS, described, lambda line: line.path in paths, **flags)
            undone.callback(folder.release)
        cuts = None if settings.cut is None else _open_cuts(settings.cut, described, paths, flags)
        undone.pop_all()
    return DetectJob(
        finder=finder,
        items=items,
        remarks=remarks_of(shard, len(found)),
        stream=stream,
        folder=folder,
        raw=settings.raw,
        channels=settings.channels,
        is_checked=settings.is_checked,
        limits=settings.limits,
        steady_s=settings.steady_s,
        cuts=cuts,
        occupancy_hz=settings.occupancy_hz,
        on_detection=on_detection,
        on_remark=on_remark,
    )


def _check_folders(out: Path | None, settings: DetectOptions) -> None:
    if settings.occupancy_hz is not None and out is None:
        raise ConfigError("--occupancy-hz writes a table and a picture into the folder of --out. Name one.")
    if settings.cut is not None and out is not None and settings.cut.resolve() == out.resolve():
        raise ConfigError(
            "--out and --cut name the same folder. Name two: the signals that are cut out are recordings."
        )


def _plain(settings: DetectOptions) -> dict[str, Any]:
    """The settings as they are stored in JSON."""
    return asdict(settings) | {"cut": None if settings.cut is None else str(settings.cut)}


def _open_cuts(folder: Path, described: dict[str, Any], paths: set[str], flags: dict[str, bool]) -> CutWriter:
    try:
        return CutWriter(ResultsFolder(folder, CUTS, described, lambda line: line.path in paths, **flags))
    except OutputError as error:
        raise OutputError(str(error).replace("--out", "--cut")) from error
