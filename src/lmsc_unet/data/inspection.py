"""Looks at one sample: everything that can be said of its two files."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.data.piece import Piece
from lmsc_unet.data.problems import Problem
from lmsc_unet.data.reading import check_same_size, load_image
from lmsc_unet.data.sample import Sample
from lmsc_unet.data.spectrograms import load_piece
from lmsc_unet.errors import DataError, LmscError
from lmsc_unet.images import ImageInfo, read_info, read_mask


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was seen in one sample."""

    sample: Sample
    """The sample."""
    image: ImageInfo | None = None
    """Size and kind of the image; None where it cannot be read."""
    pixels: dict[int, int] = field(default_factory=dict)
    """How many pixels of the mask hold each raw value."""
    is_wide: bool = False
    """Whether the mask has more than 8 bits."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the two files."""


def inspect(sample: Sample) -> Findings:
    """Decodes both files, since half a file is not told by its header."""
    if sample.piece is not None:
        return _inspect_piece(sample, sample.piece)
    problems: list[Problem] = []
    info = _inspect_image(sample.image, problems)
    raw = None if sample.mask is None else _inspect_mask(sample.mask, problems)
    if info and raw is not None and sample.mask:
        try:
            check_same_size(sample.image, (info.height_px, info.width_px), sample.mask, raw.shape)
        except LmscError as error:
            problems.append(_problem(sample.mask, error))
        else:
            problems.extend(_turned(sample.image, info))
    pixels = {} if raw is None else _counted(raw)
    is_wide = raw is not None and raw.dtype.itemsize > 1
    return Findings(sample=sample, image=info, pixels=pixels, is_wide=is_wide, problems=tuple(problems))


def _inspect_piece(sample: Sample, piece: Piece) -> Findings:
    try:
        picture, mask = load_piece(piece)
    except DataError as error:
        return Findings(sample=sample, problems=(_problem(piece.recording, error),))
    height_px, width_px, channels = picture.shape
    info = ImageInfo(height_px=height_px, width_px=width_px, channels=channels, dtype=str(picture.dtype))
    return Findings(sample=sample, image=info, pixels=_counted(mask))


def _inspect_image(path: Path, problems: list[Problem]) -> ImageInfo | None:
    try:
        load_image(path)
        return read_info(path)
    except DataError as error:
        problems.append(_problem(path, error))
        return None


def _inspect_mask(path: Path, problems: list[Problem]) -> NDArray[Any] | None:
    if path.suffix.lower() in (".jpg", ".jpeg"):
        reason = "the mask is a JPEG, which changes values at edges. Save masks as PNG."
        problems.append(Problem(file=path, reason=reason, severity="warning"))
    try:
        return read_mask(path)
    except DataError as error:
        problems.append(_problem(path, error))
        return None


def _turned(path: Path, info: ImageInfo) -> Iterator[Problem]:
    if info.orientation != 1:
        reason = f"the image is turned by its EXIF orientation {info.orientation}. See that its mask is drawn that way."
        yield Problem(file=path, reason=reason, severity="warning")


def _problem(path: Path, error: LmscError) -> Problem:
    return Problem(file=path, reason=str(error).removeprefix(f"{path}: "))


def _counted(raw: NDArray[Any]) -> dict[int, int]:
    if raw.dtype in (np.uint8, np.uint16):
        counts = np.bincount(raw.ravel())
        values = np.flatnonzero(counts)
        return dict(zip(values.tolist(), counts[values].tolist(), strict=True))
    values, counts = np.unique(raw, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))
