"""Pairs images and masks by path, in folders whose names show their contents."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lmsc_unet.datasets.labels import listed
from lmsc_unet.datasets.name_matching import Affix, Match, in_words, masks_among, match_names
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.sample import Problem, Sample
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import FolderContents, folder_contents, subfolders


@dataclass(frozen=True, kw_only=True)
class FolderPair:
    """A folder of images and a folder of masks; they may be the same folder."""

    images: Path
    """The images."""
    masks: Path
    """The masks."""
    prefix: str = ""
    """Prefix of its samples' names."""


@dataclass(frozen=True, kw_only=True)
class ScanResult:
    """The samples of some folders, and problems with their files."""

    samples: tuple[Sample, ...] = ()
    """Every image, with its mask if there is one."""
    problems: tuple[Problem, ...] = ()
    """Images without mask, masks without image, files with equal stems."""
    spare: tuple[Path, ...] = ()
    """Images that need no mask, such as a test split published without masks."""
    others: Counter[str] = field(default_factory=Counter)
    """Number of skipped files of other types, by suffix."""
    about: str = ""
    """How masks' names differ from images'."""


def pair(
    folders: Sequence[FolderPair],
    mask_suffix: str = "",
    *,
    case_of: Callable[[str], str] = str,
) -> ScanResult:
    """Pairs the images of all folders by one rule; `case_of` removes a suffix of images that masks never have.

    Raises:
        DataError: several masks are possible for each image.
    """
    images, masks, others, twins = _listed(folders, mask_suffix)
    by_case = {case_of(name): name for name in images}
    match = match_names(by_case, masks, mask_suffix)
    if match.kinds:
        raise DataError(_several_kinds(folders, match.kinds))
    partners = {by_case[name]: masks[mask] for name, mask in match.partners.items()}
    samples = tuple(Sample(name=name, image=image, mask=partners.get(name)) for name, image in images.items())
    used = set(partners.values())
    open_masks = {name: path for name, path in masks.items() if path not in used}
    problems = [*twins, *_ambiguous(match, by_case, images, masks), *_same_files(samples)]
    reported = {problem.file for problem in problems} | {
        masks[mask] for found in match.ambiguous.values() for mask in found
    }
    problems += [
        _no_mask(sample, folders) for sample in samples if sample.mask is None and sample.image not in reported
    ]
    problems += [_no_image(name, path, folders) for name, path in open_masks.items() if path not in reported]
    return ScanResult(samples=samples, problems=tuple(problems), others=others, about=match.about)


def by_stem(folder: Path, contents: FolderContents, prefix: str = "") -> tuple[dict[str, Path], list[Problem]]:
    """The images of a folder by normalized name, and those whose name is taken."""
    files: dict[str, Path] = {}
    twins = []
    for path in contents.pictures:
        stem = path.relative_to(folder).with_suffix("").as_posix()
        first = files.setdefault(prefix + printable(stem), path)
        if first != path:
            reason = f"has the stem of {first.name}, and pairs are made by stem. Rename one of the two, or take it out."
            twins.append(Problem(file=path, reason=reason))
    return files, twins


def printable(name: str) -> str:
    """A name in normalized Unicode (macOS writes é as two characters), with bytes that are not UTF-8 escaped."""
    return unicodedata.normalize("NFC", name).encode(errors="backslashreplace").decode()


def _listed(
    folders: Sequence[FolderPair], mask_suffix: str
) -> tuple[dict[str, Path], dict[str, Path], Counter[str], list[Problem]]:
    """Images and masks by name, files of other types, and files with equal stems."""
    images: dict[str, Path] = {}
    masks: dict[str, Path] = {}
    others: Counter[str] = Counter()
    twins: list[Problem] = []
    for one in folders:
        for folder, files in {one.images: images, one.masks: masks}.items():
            contents = folder_contents(folder)
            found, problems = by_stem(folder, contents, one.prefix)
            files.update(found)
            others += contents.others
            twins += problems
    if any(one.images == one.masks for one in folders):
        return *_parted(folders, masks, mask_suffix), others, twins
    return images, masks, others, twins


def _parted(
    folders: Sequence[FolderPair], files: Mapping[str, Path], mask_suffix: str
) -> tuple[dict[str, Path], dict[str, Path]]:
    """Splits images and masks in one folder."""
    names, kinds = masks_among(files.keys(), mask_suffix)
    if kinds:
        raise DataError(_several_kinds(folders, kinds))
    images = {name: path for name, path in files.items() if name not in names}
    return images, {name: files[name] for name in files if name in names}


def _several_kinds(folders: Sequence[FolderPair], kinds: Sequence[Affix]) -> str:
    options = " or ".join(f"--mask-suffix {after}" for before, after in kinds if not before)
    way = f"Name one by {options}" if options else "Move one of them out"
    return (
        f"{folders[0].masks}: several files would be the mask of an image: "
        f"{listed([in_words(kind) for kind in kinds])}. {way}, or keep the masks in a folder of their own."
    )


def _ambiguous(
    match: Match, by_case: Mapping[str, str], images: Mapping[str, Path], masks: Mapping[str, Path]
) -> Iterator[Problem]:
    for name, found in match.ambiguous.items():
        rivals = [images[by_case[other]].name for other, theirs in match.ambiguous.items() if theirs == found]
        fitting = listed([masks[mask].name for mask in found])
        reason = f"its mask may be {fitting}, and the images that may have it are {listed(rivals)}. Rename them alike."
        yield Problem(file=images[by_case[name]], reason=reason)


def _same_files(samples: Iterable[Sample]) -> Iterator[Problem]:
    for sample in samples:
        if sample.mask is not None and _is_same(sample.image, sample.mask):
            reason = f"the mask is the image itself, {sample.image}. Name two folders, or the masks by --mask-suffix."
            yield Problem(file=sample.mask, reason=reason)


def _is_same(image: Path, mask: Path) -> bool:
    try:
        return image.samefile(mask)
    except OSError:  # a broken link; the read will report it
        return False


def _no_mask(sample: Sample, folders: Sequence[FolderPair]) -> Problem:
    one = _folder_of(sample.name, folders)
    below = sample.name.removeprefix(one.prefix)
    if one.images == one.masks:
        return Problem(file=sample.image, reason="the image has no mask beside it. Add one, or take the image out.")
    reason = f"the image has no mask. Add {one.masks / below}.png, or take the image out."
    return Problem(file=sample.image, reason=reason)


def _no_image(name: str, mask: Path, folders: Sequence[FolderPair]) -> Problem:
    one = _folder_of(name, folders)
    if one.images == one.masks:
        return Problem(file=mask, reason="the mask has no image beside it. Add one, or take the mask out.")
    reason = f"the mask has no image. Add {one.images / name.removeprefix(one.prefix)}.png, or take the mask out."
    return Problem(file=mask, reason=reason)


def _folder_of(name: str, folders: Sequence[FolderPair]) -> FolderPair:
    return max((one for one in folders if name.startswith(one.prefix)), key=lambda one: len(one.prefix))


Role = Literal["images", "masks", ""]

_MASKS = (
    *("segmentationclass", "segmentations", "segmentation", "annotations", "annotation", "annotated", "annots"),
    *("annot", "groundtruths", "groundtruth", "labels", "label", "masks", "mask", "truth", "targets", "target"),
    *("manual", "gts", "gt", "seg", "segs"),
)
_IMAGES = (
    *("jpegimages", "images", "image", "pictures", "photos", "originals", "original", "inputs", "input"),
    *("imgs", "img", "raw"),
)
_SAYING_NOTHING = frozenset(("1st", "bmp", "class", "gif", "jpeg", "jpg", "of", "png", "tif", "tiff"))
_SHORT = 4  # shorter words count only as whole words


@dataclass(frozen=True, kw_only=True)
class Siblings:
    """The subfolders of a folder by role."""

    pairs: tuple[FolderPair, ...] = ()
    """Folders of images with their masks."""
    alone: tuple[Path, ...] = ()
    """Folders of images without masks."""


@dataclass
class _Roles:
    images: list[Path] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)
    plain: list[Path] = field(default_factory=list)


def find_siblings(root: Path, prefix: str = "") -> Siblings:
    """Finds `images/` with `labels/`, `Images/` with `Masks/`, `train_images/` with `train_masks/`, and the like.

    Raises:
        DataError: images could belong to several folders; names them.
    """
    pairs, alone = [], []
    for key, roles in _roles(root).items():
        masks = _holding(roles.masks)
        images = _holding(roles.images) or (_holding(roles.plain) if masks and key else [])
        if images and masks:
            name = f"{prefix}{key}/" if key else prefix
            pairs.append(
                FolderPair(images=_only(images, root, "images"), masks=_only(masks, root, "masks"), prefix=name)
            )
        elif images:
            alone += images
    return Siblings(pairs=tuple(pairs), alone=tuple(alone))


def role_of(name: str) -> tuple[str, Role]:
    """The rest of a folder's name and its role, from the word for images or masks in it."""
    low = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name).casefold()
    low = re.sub(r"[\W_]+", " ", low).strip()
    for role, words in (("masks", _MASKS), ("images", _IMAGES)):
        for word in words:
            rest = _without(low, word)
            if rest is not None:
                kept = [one for one in rest.split() if one not in _IMAGES and one not in _SAYING_NOTHING]
                return " ".join(kept), role  # type: ignore[return-value]
    return low, ""


def _without(name: str, word: str) -> str | None:
    """A name without a word at its start, end or middle; None if the word is absent."""
    if word in name.split():
        return " ".join(one for one in name.split() if one != word)
    if len(word) < _SHORT:
        return None
    joined = name.replace(" ", "")
    if joined.endswith(word):
        return joined.removesuffix(word)
    return joined.removeprefix(word) if joined.startswith(word) else None


def _roles(root: Path) -> dict[str, _Roles]:
    found: dict[str, _Roles] = defaultdict(_Roles)
    for folder in subfolders(root):
        key, role = role_of(folder.name)
        getattr(found[key], role or "plain").append(folder)
    return found


def _holding(folders: Sequence[Path]) -> list[Path]:
    """The folders that contain images."""
    return [folder for folder in folders if folder_contents(folder).pictures]


def _only(folders: Sequence[Path], root: Path, wanted: str) -> Path:
    usual = getattr(DataOptions, wanted)
    named = [folder for folder in folders if folder.name.casefold() == usual]
    if len(folders) == 1 or len(named) == 1:
        return (named or list(folders))[0]
    names = listed([f"{folder.name}/" for folder in folders])
    raise DataError(f"{root}: the {wanted} may be in {names}. Name the folder by --{wanted}.")
