"""A folder for each image, as the 2018 Data Science Bowl publishes: `ID/images/ID.png`, `ID/masks/*.png`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lmsc_unet.datasets.pairing import FolderPair, Found, pair, printable
from lmsc_unet.datasets.problems import Problem
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.datasets.split_file import SPLIT_WORDS
from lmsc_unet.imageio import folder_contents, subfolders

IMAGES, MASKS = "images", "masks"


def find_object_folders(roots: Sequence[tuple[Path, str]]) -> Found | None:
    """All such folders below some roots, each with the prefix of its names; None where there are none.

    Where each of them holds one image and no mask of its name, the masks are of single objects, and the sample's mask
    is their folder. Otherwise they are pairs, grouped by folder.
    """
    pairs = [
        FolderPair(images=folder / IMAGES, masks=folder / MASKS, prefix=f"{prefix}{folder.name}/")
        for root, prefix in roots
        for folder in subfolders(root)
        if folder.name.casefold() not in SPLIT_WORDS and (folder / IMAGES).is_dir() and (folder / MASKS).is_dir()
    ]
    if not pairs:
        return None
    if not all(_has_one_image_without_mask(one) for one in pairs):
        found = pair(pairs)
        return replace(found, about="a folder with images/ and masks/ for each group", samples=_split(found.samples))
    return _merged(pairs)


def _merged(pairs: Sequence[FolderPair]) -> Found:
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
    return Found(samples=_split(samples), problems=tuple(problems), others=others, about=about)


def _has_one_image_without_mask(one: FolderPair) -> bool:
    images = folder_contents(one.images).pictures
    return len(images) == 1 and images[0].stem not in {path.stem for path in folder_contents(one.masks).pictures}


def _split(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    return tuple(replace(sample, split=SPLIT_WORDS.get(sample.name.partition("/")[0].casefold())) for sample in samples)
