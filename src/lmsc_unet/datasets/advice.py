"""Advice for an unreadable dataset: masks with an ambiguous meaning, or a folder without pairs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from lmsc_unet.datasets.labels import listed
from lmsc_unet.datasets.mask_summary import MaskSummary
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.pairing import ScanResult, find_siblings, role_of
from lmsc_unet.datasets.split_file import SPLIT_WORDS
from lmsc_unet.imageio import IMAGE_KINDS, NAN, FolderContents, counted_endings, folder_contents, subfolders

_MAX_CLASSES_LIKELY = 16
_OFTEN_IGNORED = (255, -1)
_INSTANCES = "If each number above 0 is one object, say --instances."

Masks = Mapping[Path, MaskSummary]


def advice(masks: Masks, held: Mapping[Path, frozenset[int]]) -> str:
    """Describes the masks' contents and what the user can specify.

    Args:
        masks: the summary of each mask.
        held: for each mask, the values that could be classes.
    """
    values = sorted(set().union(*held.values()) - {NAN})
    found = listed([*values[:8], "NaN"] if any(NAN in each for each in held.values()) else values)
    return f"the masks hold the values {found}, but two classes are 0 and one other value. " + " ".join(
        _ways(masks, held, values)
    )


def _ways(masks: Masks, held: Mapping[Path, frozenset[int]], values: list[int]) -> Iterator[str]:
    if any(NAN in found for found in held.values()):
        yield "If NaN marks pixels to leave out, say --ignore-nan."
    lossy = [path for path, mask in masks.items() if mask.is_lossy]
    if lossy:
        yield (
            f"{len(lossy)} of {len(masks)} masks, such as {lossy[0].name}, are by their content JPEG or compressed "
            "as lossily, which changes values at edges: for two classes say --mask-threshold 128, better export them "
            "again as PNG."
        )
    elif len(values) > _MAX_CLASSES_LIKELY:
        half = {8: 128, 16: 32768}.get(max(mask.bits for mask in masks.values()), (values[-1] + 1) // 2)
        yield f"If they are grey at edges or soft, say where the foreground begins: --mask-threshold {half}."
        yield _INSTANCES
    elif len(values) > 1:
        yield from _classes(values)


def _classes(values: list[int]) -> Iterator[str]:
    named = ",".join(map(str, values))
    without = [value for value in values if value not in _OFTEN_IGNORED]
    if len(values) == 2 and 0 not in values:
        yield f"If {values[0]} is the background and {values[1]} the foreground, say --values {named}."
    elif without != [0, 1]:
        if without == list(range(len(without))):
            yield "For class ids name them all in order: --classes background,first,second."
        else:
            yield f"For classes name all values in order, the background first: --values {named}."
        if values == [0, 1, 2]:
            yield "If 0 is not annotated, 1 the background and 2 the foreground, say --values 1,2 --ignore-index 0."
        if without[0] == 0:
            yield _INSTANCES
    odd = next((value for value in values if value in _OFTEN_IGNORED), None)
    if odd is not None:
        yield f"If {odd} marks pixels to leave out, say --ignore-index {odd}."


_WAYS = "Name the two folders with --images and --masks."


def unknown_layout(root: Path, options: DataOptions) -> str:
    """Describes the folders and files found, and how to name the masks."""
    for folder in (root, *(part for part in subfolders(root) if part.name.casefold() in SPLIT_WORDS)):
        if (folder / options.images).is_dir() or find_siblings(folder).alone:
            return _no_masks(folder, options)
    folders = [f"{folder.name}/" for folder in subfolders(root)]
    contents = folder_contents(root)
    if folders or not contents.pictures:
        held = listed(folders) if folders else "no folders"
        return f"{root}: there is no folder {options.images}/. It holds {held}. {_WAYS}{_of_other_kinds(contents)}"
    names = [path.name for path in contents.pictures]
    return (
        f"{root}: it holds {listed(names, 3)}, and none of them is known as a mask by its name. Put images and masks "
        f"into two folders, images/ and masks/, or name what masks have behind their images' names, as in "
        f"--mask-suffix _mask.{_of_other_kinds(contents)}"
    )


def no_pairs(root: Path, options: DataOptions, found: ScanResult) -> str:
    """Why no image has a mask: other file types, or other names."""
    if not found.samples:
        return f"{root}: {options.images}/ holds no {IMAGE_KINDS}. {_WAYS}{_in_words(found.others)}"
    images = [sample.image.name for sample in found.samples]
    masks = [problem.file.name for problem in found.problems if problem.file.name not in images]
    way = (
        f"{_in_words(found.others)} Save masks as pictures." if not masks else " Rename one side, or say --mask-suffix."
    )
    ambiguous = [problem for problem in found.problems if "Rename them alike" in problem.reason]
    if ambiguous:
        return f"{ambiguous[0].file}: {ambiguous[0].reason}"
    suffix = f" (with --mask-suffix {options.mask_suffix})" if options.mask_suffix else ""
    return (
        f"{root}: no image has a mask{suffix}. Pairs have one stem, but the images are {listed(images, 3) or 'none'} "
        f"and the masks {listed(masks, 3) if masks else 'none'}.{way}"
    )


def _no_masks(root: Path, options: DataOptions) -> str:
    images = options.images
    if not (root / images).is_dir():
        images = find_siblings(root).alone[0].name
    candidates = [folder for folder in subfolders(root) if role_of(folder.name)[1] == "masks"]
    held = "".join(_without_pictures(folder) for folder in candidates)
    way = " Outlines and boxes are not masks." if candidates else " Name it with --masks."
    return f"{root}: there is no folder {options.masks}/ beside {images}/.{held}{way}"


def _without_pictures(folder: Path) -> str:
    others = folder_contents(folder).others
    kinds = ", ".join(f"{ending} {number}" for ending, number in others.most_common())
    return f" {folder.name}/ holds no pictures, but {kinds or 'nothing'}."


def _of_other_kinds(contents: FolderContents) -> str:
    return _in_words(contents.others)


def _in_words(others: Counter[str]) -> str:
    text = counted_endings(others)
    return f" {text}." if text else ""
