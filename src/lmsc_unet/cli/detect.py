"""`lmsc detect`: finds signals in recordings, or in samples from a pipe."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lmsc_unet.cli.numbers import Hertz
from lmsc_unet.core.progress import progress
from lmsc_unet.core.units import parse_band
from lmsc_unet.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from lmsc_unet.apps.detect.job import DetectJob
    from lmsc_unet.apps.detect.results import RecordingEntry
    from lmsc_unet.apps.detect.steady import State
    from lmsc_unet.signals.boxes import SignalBox
    from lmsc_unet.signals.recording import Recording


def detect(
    *recordings: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    out: Path | None = None,
    model: str | None = None,
    follow: Annotated[bool, Parameter(negative="")] = False,
    frames_per_row: int | None = None,
    nfft: int | None = None,
    resolution_hz: float | None = None,
    min_confidence: float | None = None,
    join: bool = True,
    by_product_db: float = 10.0,
    channel: Annotated[tuple[int, ...], Parameter(negative="")] = (),
    datatype: str | None = None,
    sample_rate_hz: Hertz | None = None,
    center_hz: Hertz | None = None,
    num_channels: int | None = None,
    start: str | None = None,
    min_duration_s: float | None = None,
    max_duration_s: float | None = None,
    min_bandwidth_hz: Hertz | None = None,
    max_bandwidth_hz: Hertz | None = None,
    min_snr_db: float | None = None,
    ignore: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    steady_s: float = 10.0,
    cut: Path | None = None,
    occupancy_hz: Hertz | None = None,
    backend: str | None = None,
    threads: int | None = None,
    checksum: bool = True,
    num_shards: int | None = None,
    shard_id: int | None = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Find the signals in recordings: boxes in time and frequency, as SigMF annotations, table and picture.

    A recording that fails is reported and skipped. Exit code: 0 all well, 2 some recordings failed, 1 wrong use.

    Args:
        recordings: SigMF recordings (.sigmf-meta, archives, collections), WAV files, raw files, folders of these,
            patterns in quotes, such as 'data/**/*.cu8', manifests (a .txt with a path per line, or a .csv with a column
            path), or one source that goes on: - for standard input, a named pipe, or rtl_tcp://HOST:PORT.
        out: Folder for NAME/NAME.sigmf-meta, NAME/signals.csv and NAME/spectrogram.png of each recording.
        model: A bundled model's name (`lmsc models --bundled`), a run folder of `lmsc train` on recordings, a model
            file, or energy, the classical detector. By default signals if it is bundled, else energy.
        follow: Print each signal as a line of JSON as soon as it has ended, and while it lasts; always on for pipes
            and receivers.
        frames_per_row: Frames averaged per row of the spectrogram; more is faster, and finds longer and weaker signals,
            fewer separate shorter ones. By default 1 to 8, chosen for each recording so that a row lasts about 1 ms.
        nfft: Samples per frame, 256 to 4096 for a model: more separate narrower channels, with fewer rows. By default
            the model's value, or 256.
        resolution_hz: Width of a column in hertz instead of --nfft: the next power of two of samples per frame.
        min_confidence: Drop signals with less confidence, 0 to 1; by default 0.75 for a model, 0 for energy.
        join: Report pulses and pieces of one band and level, with gaps that are natural for them, as one transmission.
        by_product_db: Leave out what comes and goes with a signal this far above it: clicks, images, mixing products; 0
            reports them.
        channel: Search only this channel, counted from 0; may be repeated.
        datatype: Datatype of raw files and pipes, such as cu8, cs16, ci16_le or cf32, unless their names say it; other
            recordings specify their own.
        sample_rate_hz: Sample rate of raw files and pipes, unless their names say it; otherwise it replaces the
            recording's own.
        center_hz: Frequency at 0 Hz of the samples of raw files, WAV files and pipes. Rates and frequencies may be
            written as 250k or 433.92M.
        num_channels: Channels of a raw file, interleaved sample by sample; by default 1.
        start: Time of the first sample of a raw file or a pipe, such as 2024-05-01T12:00:00Z, or now for a receiver's
            pipe.
        min_duration_s: Leave shorter signals out.
        max_duration_s: Leave longer signals out.
        min_bandwidth_hz: Leave narrower signals out.
        max_bandwidth_hz: Leave wider signals out.
        min_snr_db: Leave weaker signals out.
        ignore: Leave signals out whose middle lies in this band, such as 433.9M-434M; may be repeated.
        steady_s: Print a signal that goes on after so many seconds of recording, and again after as many.
        cut: Folder for NAME/NUMBER_FREQUENCYHz.sigmf-meta of each signal: its samples, shifted to 0 Hz and decimated.
        occupancy_hz: Width of channels, such as 25k, for NAME/occupancy.csv and NAME/occupancy.png: the share of each
            hour that each channel is in use.
        backend: Runtime of the model: onnxruntime, openvino, cuda, tensorrt, or torch for a run; by default the fastest
            installed.
        threads: Threads of the model.
        checksum: Compare data with the SHA-512 in its metadata, which reads it once more.
        num_shards: Divide the inputs among so many runs, such as the machines of a cluster; each needs its --shard-id
            and a folder of its own.
        shard_id: The part that this run does, from 0: $SLURM_ARRAY_TASK_ID, or $JOB_COMPLETION_INDEX of Kubernetes.
        resume: Continue in a folder that holds results; finished recordings are skipped.
        overwrite: Replace the results in the folder.
    """
    from lmsc_unet.apps.detect.inputs import RawFormat
    from lmsc_unet.apps.detect.limits import SignalLimits
    from lmsc_unet.apps.detect.opening import DetectOptions, open_job
    from lmsc_unet.apps.detect.sources import is_live
    from lmsc_unet.apps.shards import shard_from
    from lmsc_unet.inference.runtime import Runtime

    _refuse_options(recordings)
    is_printed = follow or any(map(is_live, recordings))
    if out is None and cut is None and not is_printed:
        raise ConfigError("Nothing would be written. Name a folder by --out, or print signals by --follow.")
    settings = DetectOptions(
        model=model,
        frames_per_row=frames_per_row,
        nfft=nfft,
        resolution_hz=resolution_hz,
        min_confidence=min_confidence,
        is_joined=join,
        by_product_db=by_product_db,
        channels=channel,
        runtime=Runtime(backend=backend, threads=threads),
        raw=RawFormat(
            datatype=datatype,
            sample_rate_hz=sample_rate_hz,
            center_hz=center_hz,
            num_channels=num_channels,
            start=start,
        ),
        is_checked=checksum,
        limits=SignalLimits(
            min_duration_s=min_duration_s,
            max_duration_s=max_duration_s,
            min_bandwidth_hz=min_bandwidth_hz,
            max_bandwidth_hz=max_bandwidth_hz,
            min_snr_db=min_snr_db,
            ignore_hz=tuple(map(parse_band, ignore)),
        ),
        steady_s=steady_s,
        cut=cut,
        occupancy_hz=occupancy_hz,
    )
    told: set[str] = set()

    def warn(remark: str) -> None:
        told.add(remark)
        print(f"lmsc: warning: {remark}", file=sys.stderr, flush=True)

    job = open_job(
        recordings,
        out,
        settings,
        standard_input=sys.stdin.buffer,
        on_detection=_print_signal if is_printed else None,
        on_remark=warn,
        shard=shard_from(num_shards, shard_id),
        resume=resume,
        overwrite=overwrite,
    )
    for remark in job.remarks:
        print(f"lmsc: note: {remark}", file=sys.stderr)
    try:
        return _carry_out(job, told, is_printed=is_printed)
    except KeyboardInterrupt as stop:
        is_whole = job.stream is not None or out is None
        raise type(stop)(_kept(out or cut, is_whole=is_whole)) from None
    except BrokenPipeError:  # the reader of the lines has gone, so nothing can be reported
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _kept(out: Path | None, *, is_whole: bool) -> str:
    """The message when the search is stopped."""
    if out is None:
        return "stopped. The signals that had ended until then are printed."
    return f"stopped. What was found until then is in {out}" + ("." if is_whole else "; go on by --resume.")


def _refuse_options(recordings: "Sequence[Path]") -> None:
    """Rejects misspelt options, which would be taken for inputs because - is one."""
    for name in map(str, recordings):
        if name.startswith("-") and name != "-":
            raise ConfigError(f"There is no option {name}. `lmsc detect --help` lists them all.")


def _carry_out(job: "DetectJob", told: "Collection[str]", *, is_printed: bool) -> int:
    """Searches everything; summaries go to standard error if standard output has lines of JSON.

    `told` are the remarks on a pipe that are printed while it is searched.
    """
    from lmsc_unet.apps.detect.job import close_job, run_job

    entries = []
    with progress("searching", len(job.items)) as bar:
        for remark in job.finder.warnings:
            bar.log(f"lmsc: warning: {remark}")
        for entry in run_job(job):
            entries.append(entry)
            for remark in entry.warnings:
                if remark not in told:
                    bar.log(f"lmsc: warning: {remark}")
            if entry.error is not None:
                bar.log(_complaint(entry))
            elif is_printed:
                bar.log(_summary(entry))
            else:
                _print(_summary(entry))
            bar.advance()
    num_failed = close_job(job, entries)
    return 2 if num_failed else 0


def _print_signal(name: str, box: "SignalBox", state: "State", recording: "Recording") -> None:
    from lmsc_unet.apps.detect.writers import to_line

    _print(to_line(box, recording, name, state))


def _print(text: str) -> None:
    """Prints one line at once; escapes file names that the terminal cannot show."""
    print(text.encode(errors="backslashreplace").decode(), flush=True)


def _summary(entry: "RecordingEntry") -> str:
    assert entry.duration_s is not None
    assert entry.ms is not None
    number = "1 signal" if entry.signals == 1 else f"{entry.signals} signals"
    return f"{entry.name}: {number} in {entry.duration_s:.6g} s of recording, searched in {entry.ms / 1e3:.2f} s"


def _complaint(entry: "RecordingEntry") -> str:
    assert entry.error is not None
    return f"lmsc: {entry.error}" if entry.path in entry.error else f"lmsc: {entry.path}: {entry.error}"
