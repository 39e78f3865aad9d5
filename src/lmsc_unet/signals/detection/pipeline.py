"""From samples to boxes with any masker; each capture has its own grid and noise floor."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core import pipeline
from lmsc_unet.core.pipeline import ahead
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.detection.artifacts import without_dc_offset, without_spurs
from lmsc_unet.signals.detection.components import MIN_CELLS
from lmsc_unet.signals.detection.regions import Region, RegionFinder
from lmsc_unet.signals.detection.transmissions import to_box
from lmsc_unet.signals.noise import NoiseFloor, db_rows, power_over_floor
from lmsc_unet.signals.recording.datatypes import Samples
from lmsc_unet.signals.recording.recording import Capture, Recording
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import Grid, power_rows

Rows = NDArray[np.float32]
Masked = tuple[NDArray[np.uint8], NDArray[np.float32] | None]
FLOOR_ROWS = 256
"""Rows between updates of the noise floor; fewer if blocks are shorter."""
Watch = Callable[[Rows], None]
"""Receives every block of rows "T F" in dB above the noise floor, in order and once."""

Ongoing = Callable[[Iterable[SignalBox]], None]
"""Receives, after every block, the signals that have not ended."""


class Masker(Protocol):
    """Detects signals in rows of dB above the noise floor."""

    @property
    def halo_rows(self) -> int:
        """Rows above and below that affect a row's mask."""

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
    block_rows: int = 256,
    floor: NoiseFloor | None = None,
    watch: Watch | None = None,
    ongoing: Ongoing | None = None,
    in_advance: bool = False,
    at_once: int = 1,
    name: str = "the recording",
) -> Iterator[SignalBox]:
    """Yields the signals in samples, each as soon as it has ended; memory use is constant.

    Args:
        chunks: samples of one channel and one center frequency, in order.
        grid: the transform to rows and their position.
        masker: the detector of signals in rows.
        first_sample: position of the chunks in the recording.
        num_samples: the recording's length, if known: no box extends further.
        class_names: the masker's classes.
        min_cells: smaller regions count as noise.
        block_rows: rows per block, without the halo.
        floor: an initial noise floor; None starts with the first rows.
        watch: receives the rows, for example to draw them.
        ongoing: receives the signals that have not ended.
        in_advance: compute the next rows in a thread; not for pipes, where Ctrl-C ends the chunks.
        at_once: blocks that are masked concurrently, in as many threads.
        name: the recording's name, for messages.
    """
    finder = RegionFinder(min_cells=min_cells)
    levels = db_rows(even_blocks(power_rows(chunks, grid.stft), min(block_rows, FLOOR_ROWS)), floor, name=name)
    blocks = even_blocks(levels, block_rows)
    rows = watched(ahead(blocks) if in_advance else blocks, watch)
    for rows_db, (mask, confidence) in with_halo(rows, masker, has_zero_column=grid.is_complex, at_once=at_once):
        power = power_over_floor(rows_db)
        for region in finder.feed(mask, power, confidence):
            yield _box(region, grid, first_sample, num_samples, class_names)
        if ongoing is not None:
            ongoing(_box(region, grid, first_sample, num_samples, class_names) for region in finder.ongoing())
    for region in finder.finish():
        yield _box(region, grid, first_sample, num_samples, class_names)


def watched(blocks: Iterable[Rows], watch: Watch | None) -> Iterator[Rows]:
    """The blocks unchanged, passed to the observer as well."""
    for block in blocks:
        if watch is not None:
            watch(block)
        yield block


def even_blocks(blocks: Iterable[Rows], num_rows: int) -> Iterator[Rows]:
    """Regroups rows into blocks of `num_rows`; the last one may be shorter."""
    waiting: list[Rows] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        if count >= num_rows:
            together = np.concatenate(waiting)
            whole = count - count % num_rows
            yield from (together[start : start + num_rows] for start in range(0, whole, num_rows))
            waiting, count = [together[whole:]], count - whole
    if count:
        yield np.concatenate(waiting)


def with_halo(
    blocks: Iterable[Rows], masker: Masker, *, has_zero_column: bool = False, at_once: int = 1
) -> Iterator[tuple[Rows, Masked]]:
    """Each block with its mask, computed with the masker's halo of neighbouring rows.

    If 0 Hz has its own column in the middle, the receiver's DC offset is removed from the blocks first. Spurs of
    stronger signals are removed from the masks.
    """

    def masked(block: _Block) -> tuple[Rows, Masked]:
        return _masked(block, masker, has_zero_column)

    neighbourhoods = _neighbourhoods(blocks, masker.halo_rows)
    yield from pipeline.at_once(masked, neighbourhoods, at_once) if at_once > 1 else map(masked, neighbourhoods)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Block:
    before: Rows
    rows: Rows
    after: Rows


def _neighbourhoods(blocks: Iterable[Rows], halo_rows: int) -> Iterator[_Block]:
    """Each block with its halo rows before and after, as far as they exist."""
    before = current = None
    for following in blocks:
        if current is not None:
            before = current[:0] if before is None else before
            yield _Block(before=before, rows=current, after=following[:halo_rows])
            passed = np.concatenate([before, current])
            before = passed[max(0, len(passed) - halo_rows) :]
        current = following
    if current is not None:
        yield _Block(before=current[:0] if before is None else before, rows=current, after=current[:0])


def _masked(block: _Block, masker: Masker, has_zero_column: bool) -> tuple[Rows, Masked]:
    received_db = np.concatenate([block.before, block.rows, block.after])
    rows_db = without_dc_offset(received_db) if has_zero_column else received_db
    mask, confidence = masker(rows_db)
    mask = without_spurs(mask, received_db)
    kept = slice(len(block.before), len(block.before) + len(block.rows))
    return rows_db[kept], (mask[kept], None if confidence is None else confidence[kept])


def _box(
    region: Region, grid: Grid, first_sample: int, num_samples: int | None, class_names: Sequence[str]
) -> SignalBox:
    label = class_names[region.class_id] if region.class_id < len(class_names) else str(region.class_id)
    return to_box(
        region, grid, first_sample=first_sample, num_samples=num_samples, label=label, confidence=region.confidence
    )


_STRETCHES = 32
_STRETCH_ROWS = 32


def find_in_recording(
    recording: Recording,
    stft: Stft,
    masker: Masker,
    *,
    channel: int = 0,
    class_names: Sequence[str] = ("noise", "signal"),
) -> list[SignalBox]:
    """The signals of one channel of a recording, over all captures, in order of their start."""
    boxes: list[SignalBox] = []
    for capture in recording.captures:
        boxes += find_in_capture(recording, capture, stft, masker, channel=channel, class_names=class_names)
    return in_order(boxes)


def find_in_capture(
    recording: Recording,
    capture: Capture,
    stft: Stft,
    masker: Masker,
    *,
    channel: int = 0,
    class_names: Sequence[str] = ("noise", "signal"),
    block_rows: int = 256,
    at_once: int = 1,
    watch: Watch | None = None,
    ongoing: Ongoing | None = None,
) -> Iterator[SignalBox]:
    """The signals of one capture, each as soon as it has ended; samples count from the file's first."""
    return find_boxes(
        recording.chunks(capture, channel=channel),
        capture_grid(recording, capture, stft),
        masker,
        first_sample=capture.start_sample,
        num_samples=capture.num_samples,
        class_names=class_names,
        block_rows=block_rows,
        floor=survey_floor(recording, capture, stft, channel=channel),
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


def survey_floor(recording: Recording, capture: Capture, stft: Stft, *, channel: int = 0) -> NoiseFloor:
    """A noise floor estimated from stretches all over a capture, so that it is valid for the first rows too."""
    floor = NoiseFloor()
    size = min(capture.num_samples, _STRETCH_ROWS * stft.row_samples)
    last_start = capture.num_samples - size
    for start in sorted({last_start * index // (_STRETCHES - 1) for index in range(_STRETCHES)}):
        for power in power_rows([recording.read(capture, start, size, channel=channel)], stft):
            floor.update(power)
    return floor
