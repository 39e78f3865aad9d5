"""Pascal VOC: `JPEGImages/`, `SegmentationClass/`, and lists of names in `ImageSets/Segmentation/`."""

from dataclasses import replace
from pathlib import Path

from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.pairing import FolderPair, Found, pair
from lmsc_unet.datasets.problems import Problem
from lmsc_unet.datasets.sample import SPLITS, Sample, Split
from lmsc_unet.errors import DataError

IMAGES, MASKS = "JPEGImages", "SegmentationClass"
LISTS = Path("ImageSets", "Segmentation")


def find_voc(root: Path, options: DataOptions) -> Found | None:
    """The pairs, with the parts that the lists name; None where it is another layout.

    Most images of VOC have no mask of classes: they are spare, and no error.

    Raises:
        DataError: a list cannot be read.
    """
    if not (root / IMAGES).is_dir() or not (root / MASKS).is_dir():
        return None
    found = pair([FolderPair(images=root / IMAGES, masks=root / MASKS)], options.mask_suffix)
    spare = tuple(sample.image for sample in found.samples if sample.mask is None)
    samples = tuple(sample for sample in found.samples if sample.mask is not None)
    problems = tuple(problem for problem in found.problems if problem.file not in spare)
    parts = {} if options.split_file is not None else _parts(root / LISTS)
    about = ", ".join(part for part in (f"VOC: {IMAGES}/ with {MASKS}/", found.about) if part)
    if parts:
        about += f", parts of {LISTS}"
        problems += _missing(root / LISTS, parts, samples)
        samples = tuple(replace(sample, split=parts.get(sample.name)) for sample in samples)
    return replace(found, samples=samples, problems=problems, spare=spare, about=about)


def _parts(folder: Path) -> dict[str, Split]:
    """The part of each name; no list, no parts."""
    parts: dict[str, Split] = {}
    for part in SPLITS:
        path = folder / f"{part}.txt"
        if not path.is_file():
            continue
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: the list of names cannot be read ({error}).") from error
        for name in filter(None, map(str.strip, lines)):
            if parts.setdefault(name, part) != part:
                raise DataError(f"{path}: {name} is in {parts[name]}.txt, too. Keep it in one of the two.")
    return parts


def _missing(folder: Path, parts: dict[str, Split], samples: tuple[Sample, ...]) -> tuple[Problem, ...]:
    """Names of train and val without a pair; those of test are published without masks."""
    there = {sample.name for sample in samples}
    return tuple(
        Problem(file=folder / f"{part}.txt", reason=f"{name} has no pair. Add its image and mask, or take it out.")
        for name, part in parts.items()
        if name not in there and part != "test"
    )
