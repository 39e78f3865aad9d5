"""Published datasets: the 2018 Data Science Bowl, NuInsSeg, Pascal VOC, exports of Roboflow."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.pairing import FolderPair, ScanResult, pair, printable
from lmsc_unet.datasets.sample import SPLITS, Problem, Sample, Split
from lmsc_unet.datasets.split_file import SPLIT_WORDS
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import folder_contents, subfolders

_DSB_IMAGES, _DSB_MASKS = "images", "masks"


def find_object_folders(roots: Sequence[tuple[Path, str]]) -> ScanResult | None:
    """All such folders below some roots, each with the prefix of its names; None if there are none.

    If each contains one image and no mask of its name, masks are of single objects and their folder is the sample's
    mask. Otherwise they are pairs, grouped by folder.
    """
    pairs = [
        FolderPair(images=folder / _DSB_IMAGES, masks=folder / _DSB_MASKS, prefix=f"{prefix}{folder.name}/")
        for root, prefix in roots
        for folder in subfolders(root)
        if folder.name.casefold() not in SPLIT_WORDS
        and (folder / _DSB_IMAGES).is_dir()
        and (folder / _DSB_MASKS).is_dir()
    ]
    if not pairs:
        return None
    if not all(_has_one_image_without_mask(one) for one in pairs):
        found = pair(pairs)
        return replace(found, about="a folder with images/ and masks/ for each group", samples=_split(found.samples))
    return _merged(pairs)


def _merged(pairs: Sequence[FolderPair]) -> ScanResult:
    samples, problems, others = [], [], Counter[str]()
    for one in pairs:
        (image,), masks = folder_contents(one.images).pictures, folder_contents(one.masks)
        others += masks.others
        mask = one.masks if masks.pictures else None
        samples.append(Sample(name=one.prefix + printable(image.stem), image=image, mask=mask))
        if mask is None:
            reason = f"the image has no mask. Add a file for each object to {one.masks}, or take the image out."
            problems.append(Problem(file=image, reason=reason))
    about = "a folder for each image, with one mask file for each object"
    return ScanResult(samples=_split(samples), problems=tuple(problems), others=others, about=about)


def _has_one_image_without_mask(one: FolderPair) -> bool:
    images = folder_contents(one.images).pictures
    return len(images) == 1 and images[0].stem not in {path.stem for path in folder_contents(one.masks).pictures}


def _split(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    return tuple(replace(sample, split=SPLIT_WORDS.get(sample.name.partition("/")[0].casefold())) for sample in samples)


_NUINSSEG_IMAGES = "tissue images"
NUINSSEG_MASKS = "mask binary"


def is_nuinsseg(root: Path) -> bool:
    """Whether a folder contains organs as published, or is an organ's folder."""
    return bool(_organs(root))


def organ_folders(root: Path, masks: str = NUINSSEG_MASKS) -> list[FolderPair]:
    """All organs; `masks` may select another published folder, such as `label masks modify`."""
    return [
        FolderPair(
            images=organ / _NUINSSEG_IMAGES, masks=organ / masks, prefix="" if organ == root else f"{organ.name}/"
        )
        for organ in _organs(root)
    ]


def _organs(root: Path) -> list[Path]:
    if (root / _NUINSSEG_IMAGES).is_dir():
        return [root]
    return sorted(path for path in root.iterdir() if (path / _NUINSSEG_IMAGES).is_dir())


_VOC_IMAGES, _VOC_MASKS = "JPEGImages", "SegmentationClass"
LISTS = Path("ImageSets", "Segmentation")


def find_voc(root: Path, options: DataOptions) -> ScanResult | None:
    """The pairs with the splits of the lists; None for another layout.

    Most images of VOC have no class mask and are skipped.

    Raises:
        DataError: a list cannot be read.
    """
    if not (root / _VOC_IMAGES).is_dir() or not (root / _VOC_MASKS).is_dir():
        return None
    found = pair([FolderPair(images=root / _VOC_IMAGES, masks=root / _VOC_MASKS)], options.mask_suffix)
    spare = tuple(sample.image for sample in found.samples if sample.mask is None)
    samples = tuple(sample for sample in found.samples if sample.mask is not None)
    problems = tuple(problem for problem in found.problems if problem.file not in spare)
    parts = {} if options.split_file is not None else _parts(root / LISTS)
    about = ", ".join(part for part in (f"VOC: {_VOC_IMAGES}/ with {_VOC_MASKS}/", found.about) if part)
    if parts:
        about += f", parts of {LISTS}"
        problems += _missing(root / LISTS, parts, samples)
        samples = tuple(replace(sample, split=parts.get(sample.name)) for sample in samples)
    return replace(found, samples=samples, problems=problems, spare=spare, about=about)


def _parts(folder: Path) -> dict[str, Split]:
    """The split of each name; empty without lists."""
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


CLASS_TABLE = "_classes.csv"
_HEADINGS = ["pixel value", "class"]


def with_class_table(options: DataOptions, masks: Iterable[Path]) -> DataOptions:
    """Adds values and names from a table beside the masks, unless the user names values.

    Raises:
        DataError: a table is invalid, or two tables differ.
    """
    if options.says_values:
        return options
    found = {path: read_class_table(path) for path in _tables(masks)}
    if not found:
        return options
    (first, table), *others = found.items()
    for path, other in others:
        if other != table:
            raise DataError(f"{path}: the classes differ from those in {first}. Give all parts the same table.")
    if options.classes and len(options.classes) != len(table):
        raise DataError(
            f"{first}: the table has the {len(table)} classes {', '.join(table.values())}, but {len(options.classes)} "
            f"are named: {', '.join(options.classes)}. Name as many, or take the table away."
        )
    return replace(options, values=tuple(table), classes=options.classes or tuple(table.values()))


def read_class_table(path: Path) -> dict[int, str]:
    """Each value with its class, in the order of lines.

    Raises:
        DataError: the file is not such a table; names it.
    """
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(path.read_text("utf-8-sig").splitlines()) if row]
        if not rows or [cell.lower() for cell in rows[0]] != _HEADINGS:
            raise DataError(f"{path}: the first line must be `Pixel Value, Class`. Correct the file, or take it away.")
        table = {int(value): name for value, name in rows[1:]}
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise DataError(
            f"{path}: each line must hold a value and a class ({error}). Correct the file, or take it away."
        ) from error
    if len(set(table.values())) < len(rows) - 1:
        raise DataError(f"{path}: a value or a class is there twice. Correct the file, or take it away.")
    return table


def _tables(masks: Iterable[Path]) -> list[Path]:
    folders = dict.fromkeys(mask.parent for mask in masks)
    return [folder / CLASS_TABLE for folder in folders if (folder / CLASS_TABLE).is_file()]
