"""The recordings that `lmsc detect` searches, and their channels."""

import os
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from lmsc_unet.apps.expansion import InputKind, expand_inputs
from lmsc_unet.apps.items import Item, name_items, outside_results
from lmsc_unet.core.ranges import MOST_CHANNELS, check_range
from lmsc_unet.core.results_folder import RUN_FILE
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.imageio.files import refuse_unreadable
from lmsc_unet.signals.recording import Recording, RecordingWarning, open_recordings
from lmsc_unet.signals.recording.archive import ARCHIVE_SUFFIXES
from lmsc_unet.signals.recording.datatypes import parse_datatype
from lmsc_unet.signals.recording.file_names import is_raw_name
from lmsc_unet.signals.recording.open import COLLECTION, DATA, META
from lmsc_unet.signals.recording.times import parse_utc

MOST_HZ = 1e15
"""Limit of rates and frequencies: far above any receiver."""
SUFFIXES = (META, *ARCHIVE_SUFFIXES, COLLECTION)
"""Ends of the names of SigMF files that are searched for in folders."""
_NO_SAMPLES = (
    ".txt",
    ".csv",
    ".json",
    ".jsonl",
    ".md",
    ".png",
    ".jpg",
    ".log",
    ".xml",
    ".py",
    ".sh",
    ".wav",
    DATA,
    META,
)
NOW = "now"
"""As a start: the first sample is received when it arrives."""
JOURNAL = "detections.jsonl"
MAX_DRAWN = 16
"""The most channels of a recording that are drawn."""
OWN_FILES = (RUN_FILE, JOURNAL)
"""Names in a results folder that are not folders of recordings."""


@dataclass(frozen=True, kw_only=True)
class RawFormat:
    """What the user must say about files without metadata, and about pipes."""

    datatype: str | None = None
    """The datatype, such as ci16_le or cs16."""
    sample_rate_hz: float | None = None
    """Samples per second; it replaces what a file says."""
    center_hz: float | None = None
    """The frequency at 0 Hz of the samples; it replaces what a WAV file or a name says."""
    num_channels: int | None = None
    """Channels of a raw file, interleaved sample by sample; 1 if not given."""
    start: str | None = None
    """The time of the first sample by ISO 8601; `now` for a pipe from a receiver."""

    def __post_init__(self) -> None:
        if self.datatype is not None:
            parse_datatype(self.datatype)
        check_range(self, 0, MOST_HZ, "sample_rate_hz", above=True)
        check_range(self, 1, MOST_CHANNELS, "num_channels")
        if self.center_hz is not None and not abs(self.center_hz) < MOST_HZ:
            raise ConfigError(f"center_hz is {self.center_hz}; it must be a number of Hz.")
        if self.start not in (None, NOW) and self.start_utc is None:
            raise ConfigError(
                f"start is {self.start!r}, which is no time. Write it like 2024-05-01T12:00:00Z, or {NOW}."
            )

    @property
    def start_utc(self) -> datetime | None:
        """The time of the first sample, if it is given."""
        return parse_utc(self.start)


@dataclass(frozen=True, kw_only=True, eq=False)
class Channel:
    """One channel of a recording."""

    recording: Recording
    """The recording."""
    number: int
    """The channel, from 0."""
    name: str
    """The name in the results."""
    is_drawn: bool = True
    """Whether it is drawn."""


def find_items(
    inputs: Sequence[Path],
    results: Sequence[Path | None] = (),
    raw: RawFormat = RawFormat(),
) -> tuple[Item, ...]:
    """The recordings among the inputs; folders are searched recursively, in sorted order.

    In a folder, and of the files that match a pattern, recordings are SigMF, WAV files, files whose names say that they
    hold samples, and all others too if `raw` says their datatype. A manifest stands for what it lists. A pair counts
    once whichever of its files are named; files in the results folders are not inputs.

    Raises:
        ConfigError: there is no input.
        DataError: an input is missing, or a folder holds no recording.
    """
    if not inputs:
        raise ConfigError("No recording is named. Name recordings, folders of recordings, or - for standard input.")
    kind = InputKind(
        nouns="recordings",
        formats=f"a {', '.join(SUFFIXES)}, .wav or raw file such as .cu8",
        choose=lambda files: _recordings_among(files, raw),
        reads_any_file=raw.datatype is not None,
    )
    expanded = expand_inputs([_captured(given) for given in inputs], results, kind)
    items = name_items(
        expanded, (path for given in expanded for path in _recordings_of(given, results, raw)), _without_sigmf
    )
    return tuple(replace(item, name=_beside_results(item.name)) for item in items)


def refuse_unused(items: Sequence[Item], raw: RawFormat) -> None:
    """Rejects options for raw files if there are only others, or a datatype beside files that contain it.

    Raises:
        ConfigError: one is given for such a file.
    """
    given = {
        "--datatype": raw.datatype,
        "--center-hz": raw.center_hz,
        "--num-channels": raw.num_channels,
        "--start": raw.start,
    }
    sigmf = next((item.path for item in items if item.path.name.endswith((*SUFFIXES, DATA))), None)
    for option in (name for name, value in given.items() if value is not None and sigmf is not None):
        raise ConfigError(f"{option} is for raw files, but {sigmf} is SigMF, which says it itself. Leave it out.")
    wav = next((item.path for item in items if item.path.suffix.lower() == ".wav"), None)
    for option in ("--datatype", "--num-channels"):
        if wav is not None and given[option] is not None:
            raise ConfigError(
                f"{option} is for raw files, but {wav} is a WAV file, which says it itself. Leave it out."
            )
    if raw.start == NOW and items:
        raise ConfigError(
            f"--start {NOW} is for pipes, but {items[0].path} is a file. Give the time of its first sample."
        )


def channels_of(item: Item, raw: RawFormat, channels: Sequence[int], *, is_checked: bool = True) -> Iterator[Channel]:
    """The channels of a file, over all its recordings: the listed ones, or all.

    Raises:
        DataError: the file is not a readable recording, or has no such channel.
    """
    recordings = open_recordings(
        item.path,
        datatype=raw.datatype,
        sample_rate_hz=raw.sample_rate_hz,
        center_hz=raw.center_hz,
        start_utc=raw.start_utc,
        num_channels=raw.num_channels,
        is_checked=is_checked,
    )
    by_name = {recording.name: recording for recording in recordings}
    for name, recording in by_name.items():
        whole = item.name if len(by_name) == 1 else f"{item.name}/{name}"
        for place, number in enumerate(channels or range(recording.num_channels)):
            recording.read(recording.captures[0], 0, 0, channel=number)
            last = f"/channel-{number}" if recording.num_channels > 1 else ""
            is_drawn = place < MAX_DRAWN
            if place == MAX_DRAWN:
                _warn_of_pictures(recording)
            yield Channel(recording=recording, number=number, name=whole + last, is_drawn=is_drawn)


def _warn_of_pictures(recording: Recording) -> None:
    warnings.warn(
        f"{recording.path}: of its {recording.num_channels} channels the first {MAX_DRAWN} get a picture. Name others "
        "by --channel to see them.",
        RecordingWarning,
        stacklevel=2,
    )


def _recordings_of(given: Path, results: Sequence[Path | None], raw: RawFormat) -> list[Path]:
    if os.path.isdir(given):  # noqa: PTH112 - Path.is_dir() raises for names that are too long
        found = _files_of(given, raw)
        for folder in filter(None, results):
            found = outside_results(found, given, folder)
        if not found:
            raise DataError(
                f"{given}: the folder holds no {', '.join(SUFFIXES)}, .wav or raw files such as .cu8. Name recordings, "
                "or folders of them; --datatype says what other files are."
            )
        return found
    return [_described(given)]


def _recordings_among(files: Iterable[Path], raw: RawFormat) -> list[Path]:
    """Of files that match a pattern, those that are found in folders; collections count if there is nothing else."""
    whole = (_described(path, path.name + META) for path in map(_described, files))
    found = [path for path in dict.fromkeys(whole) if _is_recording(path.name, (), raw)]
    return [path for path in found if not path.name.endswith(COLLECTION)] or found


def _described(path: Path, meta_name: str | None = None) -> Path:
    """The metadata beside a file of samples, by default that of `.sigmf-data`; the file itself if there is none."""
    if meta_name is None:
        meta_name = path.name.removesuffix(DATA) + META if path.name.endswith(DATA) else path.name
    meta = path.with_name(meta_name)
    return meta if os.path.exists(meta) else path  # noqa: PTH110 - Path.exists() raises for names that are too long


def _captured(given: Path) -> Path:
    """The capture of a PortaPack beside the text file that describes it; other paths as they are."""
    if given.suffix.lower() != ".txt":
        return given
    captures = (given.with_suffix(suffix) for suffix in (".C16", ".c16", ".C8", ".c8"))
    return next((path for path in captures if path.is_file()), given)


def _files_of(folder: Path, raw: RawFormat) -> list[Path]:
    found: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=refuse_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        named = {name for name in files if not name.startswith(".")}
        found.extend(Path(parent, name) for name in named if _is_recording(name, named, raw))
    return sorted(path for path in found if not path.name.endswith(COLLECTION))


def _is_recording(name: str, others: Collection[str], raw: RawFormat) -> bool:
    """Whether a file of a folder is searched; raw files with metadata beside them count as that."""
    if name.endswith(SUFFIXES):
        return True
    is_raw = raw.datatype is not None and not name.lower().endswith(_NO_SAMPLES) and name not in OWN_FILES
    return (is_raw or is_raw_name(name) or name.lower().endswith(".wav")) and name + META not in others


def _beside_results(name: str) -> str:
    """A folder name that differs from the results folder's own files."""
    first, slash, rest = name.partition("/")
    return f"{first}_{slash}{rest}" if first in OWN_FILES else name


def _without_sigmf(place: Path) -> Path:
    """`a.sigmf.gz` as `a.sigmf`, so that names have at most one suffix to drop."""
    longest = next((end for end in ARCHIVE_SUFFIXES if end != ".sigmf" and place.name.endswith(end)), None)
    return place if longest is None else place.with_name(place.name.partition(".sigmf")[0] + ".sigmf")
