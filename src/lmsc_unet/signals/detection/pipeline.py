"""From samples to boxes with any masker; each capture has its own grid and noise floor."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.pipeline import ahead
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.detection.background import Background, find_background
from lmsc_unet.signals.detection.components import MIN_CELLS
from lmsc_unet.signals.detection.edges import to_box
from lmsc_unet.signals.detection.gating import Gated, gated
from lmsc_unet.signals.detection.grouping import Grouper, Grouping
from lmsc_unet.signals.detection.halo import Rows, Search, Searched, even_blocks, with_halo
from lmsc_unet.signals.detection.joining import Joining
from lmsc_unet.signals.detection.pieces import Piece, to_piece
from lmsc_unet.signals.detection.regions import RegionFinder
from lmsc_unet.signals.detection.survey import survey_noise
from lmsc_unet.signals.noise import NoiseFloor, db_rows, power_over_floor
from lmsc_unet.signals.recording.datatypes import Samples
from lmsc_unet.signals.recording.recording import Capture, Recording, RecordingWarning
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import Grid, power_rows

Masked = tuple[NDArray[np.uint8], NDArray[np.float32] | None]
FLOOR_ROWS = 256
"""Rows between updates of the noise floor; fewer if blocks are shorter."""
_LEAST_CELLS = 3
"""Smaller pieces of a signal are noise."""
Watch = Callable[[Rows], None]
"""Receives every block of rows "T F" in dB above the noise floor, in order and once."""

Ongoing = Callable[[Iterable[SignalBox]], None]
"""Receives, after every block, the signals that have not ended."""


class Masker(Protocol):
    """Detects signals in rows of dB above the noise floor."""

    @property
    def halo_rows(self) -> int:
        """Rows above and below that affect a row's mask."""

    @property
    def sure(self) -> float:
        """The least confidence of a cell from which a region may start."""

    def __call__(self, rows_db: Rows, /) -> Masked:
        """Maps rows "T F" to class ids "T F" (0 is noise) and the confidence of each cell."""


def find_boxes(
    chunks: Iterable[Samples],
    grid: Grid,
    masker: Masker,
    *,
    first_sample: int = 0,
    num_samples: int | None = None,
    class_names: Sequence[str] = ("noise", "signal"),
    min_cells: int = MIN_CELLS,
    grouping: Grouping = Grouping(),  # noqa: B008 - frozen
    block_rows: int = 256,
    floor: NoiseFloor | None = None,
    background: Background | None = None,
    watch: Watch | None = None,
    ongoing: Ongoing | None = None,
    in_advance: bool = False,
    at_once: int = 1,
    name: str = "the recording",
) -> Iterator[SignalBox]:
    """Yields the signals in samples, each as soon as it is complete; memory use is constant.

    Args:
        chunks: samples of one channel and one center frequency, in order.
        grid: the transform to rows and their position.
        masker: the detector of signals in rows.
        first_sample: position of the chunks in the recording.
        num_samples: the recording's length, if known: no box extends further.
        class_names: the masker's classes.
        min_cells: smaller signals count as noise.
        grouping: how regions become transmissions.
        block_rows: rows per block, without the halo.
        floor: an initial noise floor; None starts with the first rows.
        background: roll-off, steady lines and DC offset; None takes them from the first block.
        watch: receives the rows, for example to draw them.
        ongoing: receives the signals that have not ended.
        in_advance: compute the next rows in a thread; not for pipes, where Ctrl-C ends the chunks.
        at_once: blocks that are masked concurrently, in as many threads.
        name: the recording's name, for messages.
    """
    levels = db_rows(even_blocks(power_rows(chunks, grid.stft), min(block_rows, FLOOR_ROWS)), floor, name=name)
    blocks = even_blocks(levels, block_rows)
    rows = watched(ahead(blocks) if in_advance else blocks, watch)
    first = next(rows, None)
    if first is None:
        return
    frames = grid.stft.frames_per_row
    known = background or find_background(first, frames, has_zero_column=grid.is_complex)
    searched = with_halo(chain([first], rows), masker.halo_rows, search_with(masker, known, frames), at_once=at_once)
    joining = Joining(frames_per_row=frames, row_s=grid.stft.row_samples / grid.sample_rate_hz)

    def boxes(pieces: Iterable[Piece]) -> Iterator[SignalBox]:
        for piece in pieces:
            if piece.num_cells >= min_cells and piece.edges.snr_db >= known.min_snr_db:
                yield _box(piece, grid, first_sample, num_samples, class_names)

    def follow(pieces: Iterable[Piece]) -> None:
        if ongoing is not None:
            ongoing(boxes(pieces))

    yield from boxes(transmissions(searched, Grouper(grouping, joining), follow if ongoing is not None else None))


def search_with(masker: Masker, background: Background, frames_per_row: int) -> Search:
    """A masker on rows relative to their background, restricted to cells with power."""

    def search(rows_db: Rows) -> Searched:
        flat_db = background.flatten(rows_db)
        mask, confidence = masker(flat_db)
        found: Gated = gated(mask, confidence, power_over_floor(flat_db), frames_per_row, sure=masker.sure)
        return Searched(rows_db=flat_db, mask=found.mask, confidence=confidence, is_seed=found.is_seed)

    return search


def transmissions(
    searched: Iterable[Searched], grouper: Grouper, ongoing: Callable[[Iterable[Piece]], None] | None = None
) -> Iterator[Piece]:
    """The transmissions in masked rows; `ongoing` receives those that are not complete, block by block."""
    finder = RegionFinder(min_cells=_LEAST_CELLS)
    for block in searched:
        ended = finder.feed(block.mask, power_over_floor(block.rows_db), block.confidence, block.is_seed)
        pieces = [to_piece(region) for region in ended]
        yield from grouper.feed(pieces, finder.next_row, finder.first_open_row)
        if ongoing is not None:
            ongoing(grouper.ongoing([to_piece(region) for region in finder.ongoing()], finder.next_row))
    yield from grouper.feed([to_piece(region) for region in finder.finish()], finder.next_row, finder.next_row)
    yield from grouper.finish(finder.next_row)


def watched(blocks: Iterable[Rows], watch: Watch | None) -> Iterator[Rows]:
    """The blocks unchanged, passed to the observer as well."""
    for block in blocks:
        if watch is not None:
            watch(block)
        yield block


def _box(piece: Piece, grid: Grid, first_sample: int, num_samples: int | None, class_names: Sequence[str]) -> SignalBox:
    class_id = int(np.argmax(piece.votes))
    label = class_names[class_id] if class_id < len(class_names) else str(class_id)
    confidence = piece.weighted_confidence / max(1e-9, piece.weight)
    return to_box(
        piece.edges, grid, first_sample=first_sample, num_samples=num_samples, label=label, confidence=confidence
    )


def find_in_recording(
    recording: Recording,
    stft: Stft,
    masker: Masker,
    *,
    channel: int = 0,
    class_names: Sequence[str] = ("noise", "signal"),
    grouping: Grouping = Grouping(),  # noqa: B008 - frozen
) -> list[SignalBox]:
    """The signals of one channel of a recording, over all captures, in order of their start."""
    boxes: list[SignalBox] = []
    for capture in recording.captures:
        boxes += find_in_capture(
            recording, capture, stft, masker, channel=channel, class_names=class_names, grouping=grouping
        )
    return in_order(boxes)


def find_in_capture(
    recording: Recording,
    capture: Capture,
    stft: Stft,
    masker: Masker,
    *,
    channel: int = 0,
    class_names: Sequence[str] = ("noise", "signal"),
    grouping: Grouping = Grouping(),  # noqa: B008 - frozen
    block_rows: int = 256,
    at_once: int = 1,
    watch: Watch | None = None,
    ongoing: Ongoing | None = None,
) -> Iterator[SignalBox]:
    """The signals of one capture, each as soon as it is complete; samples count from the file's first."""
    floor, background = survey_noise(recording, capture, stft, channel=channel)
    if background.dc_offset is not None:
        place = f"{capture.center_hz:.9g} Hz, " if capture.center_hz else ""
        warnings.warn(
            f"{recording.path}: a steady line at {place}0 Hz of its samples was left out: most receivers leak there. A "
            "carrier at exactly this frequency is left out with it; tune beside it.",
            RecordingWarning,
            stacklevel=2,
        )
    return find_boxes(
        recording.chunks(capture, channel=channel),
        capture_grid(recording, capture, stft),
        masker,
        first_sample=capture.start_sample,
        num_samples=capture.num_samples,
        class_names=class_names,
        grouping=grouping,
        block_rows=block_rows,
        floor=floor,
        background=background,
        watch=watch,
        ongoing=ongoing,
        in_advance=True,
        at_once=at_once,
        name=str(recording.path),
    )


def in_order(boxes: Iterable[SignalBox]) -> list[SignalBox]:
    """Sorts boxes by start, then by lower edge."""
    return sorted(boxes, key=lambda box: (box.start_sample, box.low_hz))


def capture_grid(recording: Recording, capture: Capture, stft: Stft) -> Grid:
    """The grid of a capture's spectrogram; time counts from the capture's first sample."""
    return Grid(
        stft=stft,
        sample_rate_hz=capture.sample_rate_hz,
        center_hz=capture.center_hz,
        is_complex=recording.datatype.is_complex,
    )
