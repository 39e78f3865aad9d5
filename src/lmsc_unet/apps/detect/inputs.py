"""The recordings that `lmsc detect` searches, and their channels."""

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lmsc_unet.apps.items import Item, name_items, outside_results
from lmsc_unet.core.ranges import check_range
from lmsc_unet.core.results_folder import RUN_FILE
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.imageio.files import refuse_unreadable
from lmsc_unet.signals.recording import Recording, RecordingWarning, open_recordings
from lmsc_unet.signals.recording.datatypes import parse_datatype
from lmsc_unet.signals.recording.open import COLLECTION, DATA, META

STANDARD_INPUT = "-"
MOST_HZ = 1e15
"""Limit of rates and frequencies: far above any receiver."""
SUFFIXES = (META, ".sigmf", ".sigmf.gz", ".sigmf.xz", ".sigmf.zip", COLLECTION)
"""File patterns searched for in folders."""
JOURNAL = "detections.jsonl"
MAX_DRAWN = 16
"""The most channels of a recording that are drawn."""
OWN_FILES = (RUN_FILE, JOURNAL)
"""Names in a results folder that are not folders of recordings."""


@dataclass(frozen=True, kw_only=True)
class RawFormat:
    """What the user must say about files without metadata, and about pipes."""

    datatype: str | None = None
    """The SigMF datatype, such as ci16_le."""
    sample_rate_hz: float | None = None
    """Samples per second; for SigMF files, it replaces the recorded value."""
    center_hz: float = 0.0
    """The frequency at 0 Hz of the samples."""

    def __post_init__(self) -> None:
        if self.datatype is not None:
            parse_datatype(self.datatype)
        check_range(self, 0, MOST_HZ, "sample_rate_hz", above=True)
        if not abs(self.center_hz) < MOST_HZ:
            raise ConfigError(f"center_hz is {self.center_hz}; it must be a number of Hz.")


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


def find_items(inputs: Sequence[Path], out: Path | None) -> tuple[Item, ...]:
    """The recordings among the inputs; folders are searched recursively for SigMF, in sorted order.

    A pair counts once whichever of its files are named; files in the results folder are not inputs.

    Raises:
        ConfigError: there is no input.
        DataError: an input is missing, or a folder holds no recording.
    """
    if not inputs:
        raise ConfigError("No recording is named. Name recordings, folders of recordings, or - for standard input.")
    items = name_items(inputs, (path for given in inputs for path in _recordings_of(given, out)), _without_sigmf)
    return tuple(replace(item, name=_beside_results(item.name)) for item in items)


def refuse_unused(items: Sequence[Item], raw: RawFormat) -> None:
    """Rejects a datatype or center frequency for SigMF recordings, whose metadata contains them.

    Raises:
        ConfigError: one is given for a SigMF recording.
    """
    given = {"--datatype": raw.datatype is not None, "--center-hz": raw.center_hz != 0.0}
    sigmf = next((item.path for item in items if item.path.name.endswith((*SUFFIXES, DATA))), None)
    for option in (name for name, is_given in given.items() if is_given and sigmf is not None):
        raise ConfigError(f"{option} is for raw files, but {sigmf} is SigMF, which says it itself. Leave it out.")


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


def _recordings_of(given: Path, out: Path | None) -> list[Path]:
    if given.is_dir():
        recordings = _sigmf_files(given)
        found = recordings if out is None else outside_results(recordings, given, out)
        if not found:
            raise DataError(f"{given}: the folder holds no {', '.join(SUFFIXES)}. Name recordings, or folders of them.")
        return found
    meta = given.with_name(given.name.removesuffix(DATA) + META)
    if given.name.endswith(DATA) and meta.exists():
        return [meta]
    if not given.exists():
        raise DataError(f"{given}: there is no such file or folder. Name recordings, or folders of them.")
    return [given]


def _sigmf_files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=refuse_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found.extend(Path(parent, name) for name in files if name.endswith(SUFFIXES) and not name.startswith("."))
    return sorted(path for path in found if not path.name.endswith(COLLECTION))


def _beside_results(name: str) -> str:
    """A folder name that differs from the results folder's own files."""
    first, slash, rest = name.partition("/")
    return f"{first}_{slash}{rest}" if first in OWN_FILES else name


def _without_sigmf(place: Path) -> Path:
    """`a.sigmf.gz` as `a.sigmf`, so that names have at most one suffix to drop."""
    return place.with_suffix("") if place.name.endswith((".sigmf.gz", ".sigmf.xz", ".sigmf.zip")) else place
