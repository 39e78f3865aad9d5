"""Chunks of recordings as images and masks, computed on demand."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.datasets.options import SpectrogramChunk
from lmsc_unet.errors import DataError
from lmsc_unet.signals.annotations import read_boxes
from lmsc_unet.signals.boxes import SignalBox, draw_mask
from lmsc_unet.signals.detection import capture_grid, survey_floor
from lmsc_unet.signals.noise import above_floor_db, to_picture
from lmsc_unet.signals.recording import Recording, open_recording
from lmsc_unet.signals.recording.archive import COMPRESSED_SUFFIXES
from lmsc_unet.signals.settings import Stft
from lmsc_unet.signals.stft import power_rows

_OPEN = 16  # recordings kept open with their boxes: chunks of one recording come in sequence
_UNPACKED = 2  # archives whose unpacked samples are kept in the temporary folder


def load_chunk(piece: SpectrogramChunk) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The image "H W 1" and the class ids "H W" of a chunk; the noise floor is the whole capture's.

    Raises:
        DataError: the recording cannot be read, an annotation is not a box, or its label is not a class.
    """
    recording, boxes = _opened(piece.recording)
    capture, stft = recording.captures[piece.capture], piece.spectrogram.stft
    rows_db = load_rows(piece)
    mask = draw_mask(
        _inside(boxes, capture.start_sample, capture.start_sample + capture.num_samples),
        capture_grid(recording, capture, stft),
        num_rows=len(rows_db),
        class_ids=_class_ids(piece, boxes),
        first_sample=capture.start_sample + piece.first_row * stft.row_samples,
    )
    return _picture(rows_db, piece), mask


def draw_chunk(piece: SpectrogramChunk) -> NDArray[np.uint8]:
    """The image "H W 1" of a chunk.

    Raises:
        DataError: the recording cannot be read.
    """
    return _picture(load_rows(piece), piece)


def _picture(rows_db: NDArray[np.float32], piece: SpectrogramChunk) -> NDArray[np.uint8]:
    return to_picture(rows_db, piece.spectrogram.shown)[..., np.newaxis]


def load_rows(piece: SpectrogramChunk) -> NDArray[np.float32]:
    """The rows "T F" of a chunk in dB above the capture's noise floor.

    Raises:
        DataError: the recording cannot be read.
    """
    recording, _ = _opened(piece.recording)
    stft = piece.spectrogram.stft
    num_samples = piece.num_rows * stft.row_samples + stft.nfft - stft.hop
    samples = recording.read(recording.captures[piece.capture], piece.first_row * stft.row_samples, num_samples)
    power = np.concatenate(list(power_rows([samples], stft)))
    return above_floor_db(power, _floor_level(piece.recording, piece.capture, stft))


def _inside(boxes: tuple[SignalBox, ...], start: int, stop: int) -> list[SignalBox]:
    return [box for box in boxes if start <= box.start_sample < stop]


def _class_ids(piece: SpectrogramChunk, boxes: tuple[SignalBox, ...]) -> dict[str, int] | None:
    """Maps labels to class ids; None if every box is of class 1."""
    if len(piece.class_names) == 2:
        return None
    ids = {name: number for number, name in enumerate(piece.class_names)}
    unknown = sorted({box.label for box in boxes} - set(ids))
    if unknown:
        raise DataError(
            f"{piece.recording}: an annotation has the label {unknown[0]!r}, but the classes are "
            f"{', '.join(piece.class_names)}. Correct the label, or name all classes with --classes."
        )
    return ids


def _opened(path: Path) -> tuple[Recording, tuple[SignalBox, ...]]:
    return _unpacked(path) if path.name.endswith(COMPRESSED_SUFFIXES) else _mapped(path)


@lru_cache(maxsize=_OPEN)
def _mapped(path: Path) -> tuple[Recording, tuple[SignalBox, ...]]:
    return _open(path)


@lru_cache(maxsize=_UNPACKED)
def _unpacked(path: Path) -> tuple[Recording, tuple[SignalBox, ...]]:
    return _open(path)


def _open(path: Path) -> tuple[Recording, tuple[SignalBox, ...]]:
    recording = open_recording(path, is_checked=False)
    return recording, tuple(read_boxes(recording))


@lru_cache(maxsize=1 << 14)
def _floor_level(path: Path, capture: int, stft: Stft) -> float:
    recording, _ = _opened(path)
    return survey_floor(recording, recording.captures[capture], stft).level
