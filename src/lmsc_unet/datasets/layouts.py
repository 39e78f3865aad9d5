"""Known dataset layouts, each a function that finds its pairs; the first match is used."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lmsc_unet.datasets.labels import listed
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.pairing import FolderPair, ScanResult, Siblings, find_siblings, pair
from lmsc_unet.datasets.published import NUINSSEG_MASKS, find_object_folders, find_voc, is_nuinsseg, organ_folders
from lmsc_unet.datasets.sample import DatasetLayout, Sample
from lmsc_unet.datasets.split_file import SPLIT_WORDS
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import picture_files, subfolders

_CHANNEL = re.compile(r"_\d{4}$")


@dataclass(frozen=True, kw_only=True)
class LayoutMatch:
    """A layout found in a folder."""

    layout: DatasetLayout
    """Its name."""
    found: ScanResult
    """The pairs, and problems with files."""
    about: str
    """The layout in words."""
    class_names: tuple[str, ...] = ()
    """Class names, if a file of the layout lists them."""


def recognise(root: Path, options: DataOptions) -> LayoutMatch | None:
    """The layout of a folder; None if it is unknown.

    Raises:
        DataError: it has two layouts at once, or an unusable one.
    """
    for find in LAYOUTS:
        recognised = find(root, options)
        if recognised is not None:
            return recognised
    return None


def parts_of(root: Path) -> list[Path]:
    """The split folders train, val and test in a folder, under any of their names."""
    return [folder for folder in subfolders(root) if folder.name.casefold() in SPLIT_WORDS]


def _as_named(root: Path, options: DataOptions) -> LayoutMatch | None:
    """`images/` and `masks/`, or folders named by the user, at the top or in each split folder."""
    images, masks = options.images, options.masks
    parts = [part for part in parts_of(root) if (part / images).is_dir()]
    has_top = (root / images).is_dir()
    if has_top and parts and Path(images) != Path():
        raise DataError(
            f"{root}: images are in {images}/ and in {parts[0].name}/{images}/. Keep one of the two layouts."
        )
    folders = [root] if has_top else parts
    pairs = [
        FolderPair(images=one / images, masks=one / masks, prefix="" if one == root else f"{one.name}/")
        for one in folders
        if (one / masks).is_dir()
    ]
    if not pairs:
        return None
    lacking = [one / images for one in folders if not (one / masks).is_dir()]
    return _paired("folder", pairs, options, spare=_spare(lacking, masks))


def _voc(root: Path, options: DataOptions) -> LayoutMatch | None:
    found = find_voc(root, options) if _is_default(options) else None
    return None if found is None else LayoutMatch(layout="voc", found=found, about=found.about)


def _nnunet(root: Path, options: DataOptions) -> LayoutMatch | None:
    """nnU-Net's `imagesTr/NAME_0000.png` with `labelsTr/NAME.png`; `imagesTs/` is ignored."""
    images, labels = root / "imagesTr", root / "labelsTr"
    if not _is_default(options) or not images.is_dir() or not labels.is_dir():
        return None
    names = [path.relative_to(images).with_suffix("").as_posix() for path in picture_files(images)]
    is_numbered = bool(names) and all(_CHANNEL.search(name) for name in names)
    if is_numbered:
        _check_single_channel(images, names)
    found = pair(
        [FolderPair(images=images, masks=labels)],
        options.mask_suffix,
        case_of=(lambda name: _CHANNEL.sub("", name)) if is_numbered else str,
    )
    return LayoutMatch(
        layout="nnunet",
        found=replace(found, spare=tuple(picture_files(root / "imagesTs"))),
        about="imagesTr/ with labelsTr/" + (", channel 0000" if is_numbered else ""),
        class_names=_nnunet_classes(root / "dataset.json"),
    )


def _check_single_channel(images: Path, names: Sequence[str]) -> None:
    channels = Counter(_CHANNEL.sub("", name) for name in names)
    case, number = channels.most_common(1)[0]
    if number > 1:
        raise DataError(
            f"{images}: the case {case} has {number} channels in files of their own. One file per image is needed: "
            "stack the channels into one TIFF, or keep the files of one channel."
        )


def _nnunet_classes(path: Path) -> tuple[str, ...]:
    """The labels of dataset.json, if they are single ids from 0 on."""
    try:
        labels: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["labels"]
        ids = {int(number): name for name, number in labels.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return ()
    names = tuple(str(ids.get(number, "")) for number in range(len(ids)))
    return names if all(names) and len(names) >= 2 else ()


def _nuinsseg(root: Path, options: DataOptions) -> LayoutMatch | None:
    if not is_nuinsseg(root):
        return None
    masks = NUINSSEG_MASKS if options.masks == DataOptions.masks else options.masks
    return _paired("nuinsseg", organ_folders(root, masks), options)


def _object_folders(root: Path, options: DataOptions) -> LayoutMatch | None:
    """A folder per image, containing `images/` and `masks/`, as in the 2018 Data Science Bowl."""
    if not _is_default(options):
        return None
    parts = [part for part in parts_of(root) if not (part / "images").is_dir()]
    found = find_object_folders([(root, "")] + [(part, f"{part.name}/") for part in parts])
    return None if found is None else LayoutMatch(layout="dsb2018", found=found, about=found.about)


def _by_words(root: Path, options: DataOptions) -> LayoutMatch | None:
    """Folders with words for images and masks in their names, at the top or in each split folder."""
    if options.images != DataOptions.images:
        return None
    top = _with_masks_named(find_siblings(root), root, options)
    below = [
        _with_masks_named(find_siblings(part, f"{part.name}/"), part, options)
        for part in parts_of(root)
        if not any(part in (one.images, one.masks) for one in top.pairs)
    ]
    pairs = [one for siblings in below for one in siblings.pairs]
    if top.pairs and pairs:
        first, second = (one.images.relative_to(root).as_posix() for one in (top.pairs[0], pairs[0]))
        raise DataError(f"{root}: images are in {first}/ and in {second}/. Keep one of the two layouts.")
    chosen = top.pairs or tuple(pairs)
    if not chosen:
        return None
    alone = [folder for siblings in (top, *below) for folder in siblings.alone]
    return _paired("folder", chosen, options, spare=_spare(alone, "masks"))


def _with_masks_named(siblings: Siblings, root: Path, options: DataOptions) -> Siblings:
    """Replaces the masks' folder by the one that the user names."""
    masks = root / options.masks
    if options.masks == DataOptions.masks or not masks.is_dir():
        return siblings if options.masks == DataOptions.masks else Siblings()
    images = [one.images for one in siblings.pairs] or [one for one in siblings.alone if one != masks]
    prefixes = {one.images: one.prefix for one in siblings.pairs}
    return Siblings(pairs=tuple(FolderPair(images=one, masks=masks, prefix=prefixes.get(one, "")) for one in images))


def _one_folder(root: Path, options: DataOptions) -> LayoutMatch | None:
    """Images and masks in one folder, distinguished by a word in their names or by `--mask-suffix`."""
    if not _is_default(options):
        return None
    recognised = _paired("one folder", [FolderPair(images=root, masks=root)], options)
    return recognised if any(sample.mask for sample in recognised.found.samples) else None


LAYOUTS: Sequence[Callable[[Path, DataOptions], LayoutMatch | None]] = (
    _as_named,
    _nuinsseg,
    _voc,
    _nnunet,
    _object_folders,
    _by_words,
    _one_folder,
)
"""In the order in which they are tried."""


def _paired(
    layout: DatasetLayout, pairs: Sequence[FolderPair], options: DataOptions, *, spare: Sequence[Path] = ()
) -> LayoutMatch:
    found = pair(pairs, options.mask_suffix)
    is_one = all(one.images.resolve() == one.masks.resolve() for one in pairs)
    names = "images and masks in one folder" if is_one else _names(pairs)
    about = ", ".join(part for part in (names, found.about) if part)
    samples = tuple(_with_split(sample) for sample in found.samples)
    return LayoutMatch(
        layout="one folder" if is_one else layout,
        found=replace(found, samples=samples, spare=tuple(spare)),
        about=about,
    )


def _names(pairs: Sequence[FolderPair]) -> str:
    """The folder pairs, each name once."""
    named = dict.fromkeys(f"{one.images.name}/ with {one.masks.name}/" for one in pairs)
    return listed(list(named), 3)


def _spare(folders: Sequence[Path], masks: str) -> tuple[Path, ...]:
    """Images of test splits published without masks; no other split may lack them."""
    for folder in folders:
        words = {part.casefold() for part in (folder.parent.name, folder.name)} | set(folder.name.casefold().split("_"))
        if not any(SPLIT_WORDS.get(word) == "test" for word in words):
            raise DataError(
                f"{folder.parent}: there is no folder {masks}/ beside {folder.name}/. Name it with --masks."
            )
    return tuple(path for folder in folders for path in picture_files(folder))


def _with_split(sample: Sample) -> Sample:
    """Takes the split from the first folder of the name."""
    first, slash, _ = sample.name.partition("/")
    return replace(sample, split=SPLIT_WORDS.get(first.casefold()) if slash else None)


def _is_default(options: DataOptions) -> bool:
    return (options.images, options.masks) == (DataOptions.images, DataOptions.masks)
