"""Images and masks of two folders, paired by the path below them without its ending."""

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from lmsc_unet.data.problems import Problem
from lmsc_unet.data.sample import Sample
from lmsc_unet.errors import DataError
from lmsc_unet.images import IMAGE_SUFFIXES


@dataclass(frozen=True, kw_only=True)
class Found:
    """Samples of some folders, and what is wrong with their files."""

    samples: tuple[Sample, ...] = ()
    """Every image, with its mask where there is one."""
    problems: tuple[Problem, ...] = ()
    """Images without mask, masks without image, files that share a stem."""

    def __add__(self, other: "Found") -> "Found":
        return Found(samples=self.samples + other.samples, problems=self.problems + other.problems)


def pair_folders(images: Path, masks: Path, *, prefix: str = "") -> Found:
    """Pairs two folders and their subfolders; names begin with `prefix`."""
    image_files, image_twins = _by_stem(images)
    mask_files, mask_twins = _by_stem(masks)
    samples = tuple(
        Sample(name=prefix + stem, image=image, mask=mask_files.get(stem)) for stem, image in image_files.items()
    )
    alone = [_no_mask(sample.image, masks) for sample in samples if sample.mask is None]
    orphans = [_no_image(mask, images) for stem, mask in mask_files.items() if stem not in image_files]
    return Found(samples=samples, problems=(*image_twins, *mask_twins, *alone, *orphans))


def picture_files(folder: Path) -> list[Path]:
    """The pictures in a folder and below, sorted; hidden files and folders and other files are passed over."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=refuse_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found.extend(Path(parent, name) for name in files if is_picture(Path(name)))
    return sorted(found, key=Path.as_posix)


def refuse_unreadable(error: OSError) -> None:
    """For `os.walk`, which passes over folders that may not be read as if they were empty.

    Raises:
        DataError: always.
    """
    raise DataError(f"{error.filename}: this folder cannot be read ({error.strerror}). See that it may be.") from error


def is_picture(path: Path) -> bool:
    """Whether a file counts as a picture, by its name: not hidden, with an ending of a picture in either case."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def _by_stem(folder: Path) -> tuple[dict[str, Path], list[Problem]]:
    files: dict[str, Path] = {}
    twins = []
    for path in picture_files(folder):
        first = files.setdefault(_stem(path.relative_to(folder)), path)
        if first != path:
            reason = f"has the stem of {first.name}, and pairs are made by stem. Rename one of the two, or take it out."
            twins.append(Problem(file=path, reason=reason))
    return files, twins


def _stem(path: Path) -> str:
    """The path without its ending, in one Unicode form: macOS writes é as two characters."""
    return unicodedata.normalize("NFC", path.with_suffix("").as_posix())


def _no_mask(image: Path, masks: Path) -> Problem:
    reason = f"the image has no mask. Add {masks / image.stem}.png, or take the image out."
    return Problem(file=image, reason=reason)


def _no_image(mask: Path, images: Path) -> Problem:
    reason = f"the mask has no image. Add {images / mask.stem}.png, or take the mask out."
    return Problem(file=mask, reason=reason)
