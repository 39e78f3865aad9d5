"""Inspects both files of one sample."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lmsc_unet.datasets.chunks import load_chunk
from lmsc_unet.datasets.load import check_same_size, load_image
from lmsc_unet.datasets.mask_summary import MaskSummary, summarise, summarise_mask
from lmsc_unet.datasets.neighbours import ImageEdges, edges_of
from lmsc_unet.datasets.options import DataOptions, SpectrogramChunk
from lmsc_unet.datasets.remarks import pixel_digest, turning_tag
from lmsc_unet.datasets.sample import Problem, Sample
from lmsc_unet.errors import DataError, LmscError
from lmsc_unet.imageio import ImageInfo, StoredMask, read_info


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The findings on one sample."""

    sample: Sample
    """The sample."""
    image: ImageInfo | None = None
    """Size and type of the image; None if it cannot be read."""
    mask: MaskSummary | None = None
    """The values of the mask; None if it cannot be read."""
    problems: tuple[Problem, ...] = ()
    """Problems with the two files."""
    digest: str = ""
    """A digest of the image's pixels; empty if it cannot be read."""
    edges: ImageEdges | None = None
    """The image's outermost pixels; None if it cannot be read."""


def inspect(sample: Sample, options: DataOptions = DataOptions()) -> Findings:  # noqa: B008 - frozen
    """Decodes both files, since a header does not reveal a truncated file."""
    if sample.piece is not None:
        return _inspect_piece(sample, sample.piece)
    problems: list[Problem] = []
    info, digest, edges = _inspect_image(sample.image, problems)
    mask = None if sample.mask is None else _inspect_mask(sample.mask, options, problems)
    if info and mask and sample.mask:
        try:
            size_px = (mask.height_px, mask.width_px)
            check_same_size(sample.image, (info.height_px, info.width_px), sample.mask, size_px)
        except LmscError as error:
            problems.append(_problem(sample.mask, error))
        else:
            problems.extend(_turned(sample.image, info))
    return Findings(sample=sample, image=info, mask=mask, problems=tuple(problems), digest=digest, edges=edges)


def _inspect_piece(sample: Sample, piece: SpectrogramChunk) -> Findings:
    try:
        picture, mask = load_chunk(piece)
    except DataError as error:
        return Findings(sample=sample, problems=(_problem(piece.recording, error),))
    height_px, width_px, channels = picture.shape
    info = ImageInfo(height_px=height_px, width_px=width_px, channels=channels, dtype=str(picture.dtype))
    return Findings(sample=sample, image=info, mask=summarise(StoredMask(values=mask, bits=8)))


def _inspect_image(path: Path, problems: list[Problem]) -> tuple[ImageInfo | None, str, ImageEdges | None]:
    try:
        image = load_image(path)
        return read_info(path), pixel_digest(image), edges_of(image)
    except DataError as error:
        problems.append(_problem(path, error))
        return None, "", None


def _inspect_mask(path: Path, options: DataOptions, problems: list[Problem]) -> MaskSummary | None:
    try:
        mask = summarise_mask(path, options)
    except DataError as error:
        problems.append(_problem(path, error))
        return None
    if mask.is_lossy and options.mask_threshold is None:
        reason = "the mask is a JPEG or compressed as lossily, which changes values at edges. Save masks as PNG."
        problems.append(Problem(file=path, reason=reason, severity="warning"))
    return mask


def _turned(path: Path, info: ImageInfo) -> Iterator[Problem]:
    if info.orientation != 1:
        reason = (
            f"the image is turned by its {turning_tag(path)} {info.orientation}. See that its mask is drawn that way."
        )
        yield Problem(file=path, reason=reason, severity="warning")


def _problem(path: Path, error: LmscError) -> Problem:
    return Problem(file=path, reason=str(error).removeprefix(f"{path}: "))
