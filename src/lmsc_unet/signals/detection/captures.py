"""Searches a recording: each capture on its own grid, against a noise floor known from all over it."""

from collections.abc import Iterable, Iterator, Sequence

from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.detection.pipeline import Masker, Watch, find_boxes
from lmsc_unet.signals.noise import NoiseFloor
from lmsc_unet.signals.recording.recording import Capture, Recording
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import Grid, power_rows

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
    """The signals of one channel of a recording, over all of its captures, in order of their start."""
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
) -> Iterator[SignalBox]:
    """The signals of one capture, each as soon as it has ended; samples are counted from the file's first."""
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
        in_advance=True,
        at_once=at_once,
        name=str(recording.path),
    )


def in_order(boxes: Iterable[SignalBox]) -> list[SignalBox]:
    """Boxes by their start, those that start together by their lower edge."""
    return sorted(boxes, key=lambda box: (box.start_sample, box.low_hz))


def capture_grid(recording: Recording, capture: Capture, stft: Stft) -> Grid:
    """Where the pixels of a capture's spectrogram lie; its time counts from the capture's first sample."""
    return Grid(
        stft=stft,
        sample_rate_hz=recording.sample_rate_hz,
        center_hz=capture.center_hz,
        is_complex=recording.datatype.is_complex,
    )


def survey_floor(recording: Recording, capture: Capture, stft: Stft, *, channel: int = 0) -> NoiseFloor:
    """A noise floor that has seen stretches from all over a capture, so that its first rows are judged rightly too."""
    floor = NoiseFloor()
    size = min(capture.num_samples, _STRETCH_ROWS * stft.row_samples)
    last_start = capture.num_samples - size
    for start in sorted({last_start * index // (_STRETCHES - 1) for index in range(_STRETCHES)}):
        for power in power_rows([recording.read(capture, start, size, channel=channel)], stft):
            floor.update(power)
    return floor
