"""Folders of images and of masks that stand side by side, known by the words in their names."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lmsc_unet.datasets.labels import listed
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.pairing import FolderPair
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import folder_contents, subfolders

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
_SHORT = 4  # shorter words count only where they stand alone


@dataclass(frozen=True, kw_only=True)
class Siblings:
    """What stands side by side in a folder."""

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
        DataError: images may go with several folders; they are named.
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
    """What a folder's name says beside the word for images or masks, and which of them it holds."""
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
    """A name without a word in front or at its end, or with it between; None where it is not there."""
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
    """Those that hold pictures."""
    return [folder for folder in folders if folder_contents(folder).pictures]


def _only(folders: Sequence[Path], root: Path, wanted: str) -> Path:
    usual = getattr(DataOptions, wanted)
    named = [folder for folder in folders if folder.name.casefold() == usual]
    if len(folders) == 1 or len(named) == 1:
        return (named or list(folders))[0]
    names = listed([f"{folder.name}/" for folder in folders])
    raise DataError(f"{root}: the {wanted} may be in {names}. Name the folder by --{wanted}.")
