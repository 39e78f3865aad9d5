"""Answers of /v1/detect: an uploaded recording through the functions of `lmsc detect`."""

import tarfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.apps.detect.inputs import Channel, RawFormat, channels_of, refuse_unused
from lmsc_unet.apps.detect.job import noted_warnings
from lmsc_unet.apps.detect.picture import draw_panels
from lmsc_unet.apps.detect.searching import SearchResult, SignalSearch, search_recording
from lmsc_unet.apps.detect.writers import to_csv, to_row
from lmsc_unet.apps.items import Item
from lmsc_unet.apps.serve.desk import Place
from lmsc_unet.apps.serve.problems import no_room, too_large, unusable
from lmsc_unet.apps.serve.segmenting import JSON, PNG, about_upload
from lmsc_unet.apps.serve.server_options import ServeOptions
from lmsc_unet.core.storage import to_json
from lmsc_unet.errors import LmscError, OutputError
from lmsc_unet.imageio import write_png
from lmsc_unet.inference.detector import SignalDetector
from lmsc_unet.signals.annotations import write_annotated
from lmsc_unet.signals.detection import Masker
from lmsc_unet.signals.detection.pipeline import Masked
from lmsc_unet.signals.recording.datatypes import HEAD_BYTES, packed_kind
from lmsc_unet.signals.recording.sanity import remarks_on
from lmsc_unet.signals.recording.unpacking import DAMAGES, opener_of

SIGMF, CSV = "application/sigmf-meta+json", "text/csv"
RECORDINGS = ("application/octet-stream", "audio/*", "application/x-tar", "application/x-sigmf")
"""Content types of recordings; the content itself says what it is."""
_TAR_MAGIC = slice(257, 262)
_MOST_MEMBERS = 4096
_SEARCHING = threading.Lock()  # Python's warnings, which are collected, are the whole process's


@dataclass(frozen=True, kw_only=True)
class DetectRequest:
    """What a client asks of a recording."""

    model: str | None = None
    """The detector's name; None is the first."""
    min_confidence: float | None = None
    """Signals with less are left out; by default as `lmsc detect` does."""
    channel: int | None = None
    """The channel to search; None searches all."""
    raw: RawFormat
    """What raw samples do not say themselves."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchedUpload:
    """An uploaded recording that was searched."""

    folder: Path
    """The request's folder."""
    model: str
    """The detector's name."""
    found: Sequence[tuple[Channel, SearchResult]]
    """Each channel of each recording in it."""
    remarks: Sequence[str]
    """What was odd."""

    @property
    def only(self) -> SearchResult:
        """The only channel.

        Raises:
            ProblemError: there are several (422).
        """
        if len(self.found) != 1:
            raise unusable(
                f"The upload has {len(self.found)} recordings or channels; this kind of answer describes one. Choose a "
                "channel by ?channel=0, send one recording, or accept application/json."
            )
        return self.found[0][1]


def detect_upload(
    place: Place, path: Path, name: str, finder: SignalDetector, asked: DetectRequest, limits: ServeOptions, kind: str
) -> bytes:
    """The answer of one media type for an uploaded recording.

    Raises:
        ProblemError: the recording is too long or cannot be used.
        AbandonedError: nobody waits for the answer.
    """
    item = Item(path=path, name="recording")
    with _SEARCHING, noted_warnings() as odd:
        try:
            refuse_unused([item], asked.raw)
            channels = list(channels_of(item, asked.raw, () if asked.channel is None else (asked.channel,)))
            check_length(channels, limits)
            found = [(channel, _search(place, channel, finder, asked, is_drawn=kind == PNG)) for channel in channels]
            for channel in channels:
                odd.extend(remark for remark in remarks_on(channel.recording, channel.number) if remark not in odd)
            remarks = [about_upload(remark, path, "the recording") for remark in odd]
            return ANSWERS[kind](SearchedUpload(folder=place.folder, model=name, found=found, remarks=remarks))
        except OutputError as error:
            raise no_room("its disk is full") from error
        except LmscError as error:
            raise unusable(about_upload(str(error), path, "the recording")) from error


def name_upload(path: Path, raw: RawFormat) -> Path:
    """Gives an upload the suffix of what its first bytes say, under a name of ours.

    Raises:
        ProblemError: it is compressed, or nothing says what it is.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    return path.replace(path.with_name("recording" + _suffix_of(path, head, raw)))


def _suffix_of(path: Path, head: bytes, raw: RawFormat) -> str:
    packed = packed_kind(head)
    is_tar = head[_TAR_MAGIC] == b"ustar"
    if (packed is not None and not is_tar) or opener_of(path) is not None or head.startswith(b"PK"):
        raise unusable(
            f"The upload is compressed ({packed or 'by its first bytes'}). Unpack it, and send a .sigmf archive, a WAV "
            "file or raw samples."
        )
    if is_tar and raw.datatype is None:
        _check_members(path)
        return ".sigmf"
    if raw.datatype is not None:
        return ".raw"
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return ".wav"
    raise unusable(
        "The upload is neither a .sigmf archive nor a WAV file, and nothing says what its samples are. Add "
        "?datatype=ci16_le&sample_rate_hz=1000000 (and center_hz) as they were recorded."
    )


def _check_members(path: Path) -> None:
    """Rejects archives of very many files before all of them are listed."""
    try:
        with tarfile.open(path, "r:") as archive:
            for number, _ in enumerate(archive):
                if number >= _MOST_MEMBERS:
                    raise unusable(f"The archive holds over {_MOST_MEMBERS} files. Send one recording per archive.")
    except DAMAGES as error:
        raise unusable(f"The archive is damaged ({error}). Send it again.") from error


def check_length(channels: Sequence[Channel], limits: ServeOptions) -> None:
    """Rejects recordings that are too long.

    Raises:
        ProblemError: they have too many samples (413).
    """
    num_samples = sum(channel.recording.num_samples for channel in channels)
    if num_samples > limits.max_samples:
        raise too_large(
            f"The upload has {num_samples} samples over its channels; at most {limits.max_samples} are searched. Cut "
            "it, choose a channel by ?channel=0, or start the server with a larger --max-samples."
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class WatchedMask:
    """A masker that first asks whether its mask is still wanted."""

    masker: Masker
    """The masker."""
    check: Callable[[], None]
    """Raises if not."""

    @property
    def halo_rows(self) -> int:
        """The masker's own."""
        return self.masker.halo_rows

    @property
    def sure(self) -> float:
        """The masker's own."""
        return self.masker.sure

    def __call__(self, rows_db: NDArray[np.float32], /) -> Masked:
        """The masker's own."""
        self.check()
        return self.masker(rows_db)


def _search(
    place: Place, channel: Channel, finder: SignalDetector, asked: DetectRequest, *, is_drawn: bool
) -> SearchResult:
    finder = finder.for_recording(channel.recording, channel.number)
    confidence = finder.min_confidence if asked.min_confidence is None else asked.min_confidence
    watched = WatchedMask(masker=finder.masker, check=place.check)
    search = SignalSearch(finder=replace(finder, masker=watched, min_confidence=confidence))
    return search_recording(channel.recording, channel.number, search, is_drawn=is_drawn)


def _json(done: SearchedUpload) -> bytes:
    recordings = [
        {
            "name": channel.recording.name,
            "channel": channel.number,
            "sample_rate_hz": channel.recording.sample_rate_hz,
            "num_samples": channel.recording.num_samples,
            "duration_s": channel.recording.duration_s,
            "frames_per_row": found.frames_per_row,
            "signals": [to_row(box, found.recording) for box in found.boxes],
        }
        for channel, found in done.found
    ]
    return to_json({"model": done.model, "recordings": recordings, "warnings": list(done.remarks)}).encode()


def _metadata(done: SearchedUpload) -> bytes:
    out = done.folder / f"{done.only.recording.name}.sigmf-meta"
    write_annotated(out, done.only.recording, done.only.boxes)
    return out.read_bytes()


def _table(done: SearchedUpload) -> bytes:
    return to_csv(done.only.boxes, done.only.recording).encode()


def _picture(done: SearchedUpload) -> bytes:
    write_png(done.folder / "spectrogram.png", draw_panels(done.only.panels))
    return (done.folder / "spectrogram.png").read_bytes()


ANSWERS: Mapping[str, Callable[[SearchedUpload], bytes]] = MappingProxyType(
    {JSON: _json, SIGMF: _metadata, CSV: _table, PNG: _picture}
)
"""A media type -> its bytes; the first is the default."""
