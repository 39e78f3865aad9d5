"""From what `lmsc detect` is given to a job that is ready to run: inputs found, model loaded, folder opened."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from lmsc_unet.apps.detect.inputs import STANDARD_INPUT, Item, RawFormat, find_items, refuse_unused
from lmsc_unet.apps.detect.job import Job, TellSignal, no_one, run_job, run_stream
from lmsc_unet.apps.detect.journal import Entry
from lmsc_unet.apps.detect.results import COMMAND, open_folder, write_run
from lmsc_unet.core.folder_lock import FolderLock
from lmsc_unet.core.storage import check_folder
from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.detector import load_finder
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.signals.recording import Stream, open_stream


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How recordings are searched."""

    model: str | None = None
    """`energy`, a bundled model's name, a run folder or a model file; None is the bundled model of signals."""
    frames_per_row: int | None = None
    """Frames averaged per row of the spectrogram; None takes the model's, or 1."""
    nfft: int | None = None
    """Samples of a frame; None takes the model's, or 256."""
    min_confidence: float | None = None
    """Signals that are less sure are left out; None is 0.75 for a model, 0 for the energy detector."""
    channels: tuple[int, ...] = ()
    """The channels to search; none means all."""
    runtime: Runtime = field(default_factory=Runtime)
    """What runs an exported model, and on how many threads."""
    raw: RawFormat = field(default_factory=RawFormat)
    """What files without metadata do not say of themselves."""
    is_checked: bool = True
    """Whether data is held against the SHA-512 of its metadata."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Opened:
    """A job whose results folder is open."""

    job: Job
    """What to search with, and where to put it."""
    items: tuple[Item, ...]
    """The files to search; none where a pipe is."""
    stream: Stream | None
    """The pipe to search."""
    described: Mapping[str, Any]
    """What run.json says of it."""
    done: Mapping[str, Entry]
    """What an earlier run has done, by name."""
    lock: FolderLock | None
    """Keeps other processes out of the results folder."""

    def run(self) -> Iterator[Entry]:
        """Yields what became of each recording and channel, in order.

        Raises:
            OutputError: a result cannot be written; those before it are kept.
        """
        if self.stream is not None:
            yield run_stream(self.job, self.stream)
        yield from run_job(self.job, self.items, self.done)

    def close(self, entries: Sequence[Entry]) -> int:
        """Writes the outcome to run.json; gives the number of recordings that failed."""
        num_failed = sum(entry.status == "failed" for entry in entries)
        if self.job.out is not None:
            write_run(self.job.out, {**self.described, "recordings": len(entries), "failed": num_failed})
        if self.lock is not None:
            self.lock.release()
        return num_failed


def open_job(
    recordings: Sequence[Path],
    out: Path | None,
    settings: Settings,
    *,
    standard_input: IO[bytes],
    tell: TellSignal = no_one,
    resume: bool = False,
    overwrite: bool = False,
) -> Opened:
    """Finds the recordings, loads the model and opens the results folder; nothing is written if any of it fails.

    Raises:
        ConfigError: settings that cannot be or do not apply, or files beside standard input.
        DataError: an input is missing, or a pipe's datatype or sample rate.
        ModelError: the model cannot be loaded, or was trained on images.
        OutputError: the folder holds results, or files of another's.
    """
    is_piped = Path(STANDARD_INPUT) in recordings
    if resume and overwrite:
        raise ConfigError("--resume keeps the results in the folder and --overwrite removes them. Give one of the two.")
    if resume and (is_piped or out is None):
        raise ConfigError("--resume goes on with the results in the folder of --out; a pipe cannot be read again.")
    if is_piped and len(recordings) > 1:
        raise ConfigError(f"{STANDARD_INPUT} is standard input, which goes with no other input. Name one of the two.")
    stream = open_stream(standard_input, **asdict(settings.raw)) if is_piped else None
    items = () if is_piped else find_items(recordings, out)
    refuse_unused(items, settings.raw)
    finder = load_finder(
        settings.model,
        frames_per_row=settings.frames_per_row,
        nfft=settings.nfft,
        min_confidence=settings.min_confidence,
        runtime=settings.runtime,
    )
    described = {
        "arguments": {"recordings": [str(path) for path in recordings], "out": str(out), **asdict(settings)},
        "model": finder.origin,
        "stft": asdict(finder.stft),
        "warnings": list(finder.warnings),
    }
    done: Mapping[str, Entry] = {}
    lock = None
    if out is not None:
        check_folder(out)
        lock = FolderLock(out, COMMAND)
        done = open_folder(out, described, {str(item.path) for item in items}, resume=resume, overwrite=overwrite)
    job = Job(
        finder=finder,
        out=out,
        raw=settings.raw,
        channels=settings.channels,
        is_checked=settings.is_checked,
        tell=tell,
    )
    return Opened(job=job, items=items, stream=stream, described=described, done=done, lock=lock)
