"""The warnings of `lmsc data check` as one line per kind, for other commands; duplicate images."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.storage import sha256
from lmsc_unet.datasets.sample import SPLITS, Dataset, Sample, of_split
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import counted_endings, is_lossy_file, is_tiff, read_image, read_info


def same_files(paths: Iterable[Path]) -> list[list[Path]]:
    """Groups of files with equal bytes, each sorted; reads only files of equal size."""
    groups = _grouped(sorted(paths), lambda path: path.stat().st_size)
    return [twins for group in groups for twins in _grouped(group, sha256)]


def same_pixels(train: Collection[Path], val: Collection[Path]) -> list[list[Path]]:
    """Groups of images with equal pixels in different file types; reads only images of equal size in both splits."""
    kinds = {path.suffix.lower() for path in (*train, *val)}
    if len(kinds) < 2:
        return []
    groups = _grouped(sorted({*train, *val}), _size)
    mixed = [group for group in groups if len({path.suffix.lower() for path in group}) > 1]
    crossing = [group for group in mixed if any(path in train for path in group) and any(path in val for path in group)]
    return [twins for group in crossing for twins in _grouped(group, lambda path: pixel_digest(read_image(path)))]


def _size(path: Path) -> tuple[int, int]:
    info = read_info(path)
    return info.height_px, info.width_px


def pixel_digest(image: NDArray[Any]) -> str:
    """A digest of the pixels of an image "H W C", independent of the file type; grey saved as colour counts as grey."""
    if image.shape[2] == 3 and (image == image[..., :1]).all():
        image = image[..., :1]
    digest = hashlib.sha256(f"{image.shape} {image.dtype}".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def _grouped(paths: Iterable[Path], key: Callable[[Path], Hashable]) -> list[list[Path]]:
    groups: dict[Hashable, list[Path]] = defaultdict(list)
    for path in paths:
        with suppress(OSError, DataError):  # reported by the code that reads the file
            groups[key(path)].append(path)
    return [group for group in groups.values() if len(group) > 1]


_NAMES_THEM = "`lmsc data check` names them."


def turning_tag(path: Path) -> str:
    """What rotates an image: cameras write an EXIF orientation; for a TIFF other programs ignore it."""
    return "TIFF orientation tag" if is_tiff(path) else "EXIF orientation"


def band_note(kept: Sequence[Path]) -> str:
    """The note on images with a channel called alpha that counts (`ImageInfo.keeps_alpha`).

    GDAL gives this name to the fourth band of every 8-bit GeoTIFF.
    """
    whose = f"{kept[0]} has" if len(kept) == 1 else f"{len(kept)} images, such as {kept[0]}, have"
    return (
        f"{whose} a channel that is called alpha but is more than transparency. It counts as a channel, as infrared "
        "does. If it is none, save the images without it."
    )


def dataset_remarks(dataset: Dataset) -> Iterator[str]:
    """Notes on an unusual layout, skipped files, and anything that may be wrong although training works.

    Raises:
        DataError: an image cannot be read.
    """
    if dataset.layout == "sigmf":
        return
    if dataset.about not in ("", "images/ with masks/"):
        yield f"the data is read as {dataset.about}."
    if dataset.others:
        yield f"{counted_endings(dataset.others)}."
    if dataset.spare:
        yield f"{len(dataset.spare)} images without masks are left out, {dataset.spare[0]} first."
    yield from _turned([sample.image for sample in dataset.samples])
    lossy = [sample.mask for sample in dataset.samples if sample.mask is not None and is_lossy_file(sample.mask)]
    if lossy:
        yield f"{_number(lossy, 'mask is a JPEG', 'masks are JPEGs')}, which changes values at edges. {_NAMES_THEM}"
    yield from _twins(dataset.samples)


def _turned(images: Sequence[Path]) -> Iterator[str]:
    turned = [path for path in images if read_info(path).orientation != 1]
    for tag in sorted({turning_tag(path) for path in turned}):
        paths = [path for path in turned if turning_tag(path) == tag]
        yield (
            f"{_number(paths, 'image is', 'images are')} turned by the {tag}. See that the masks are drawn that way; "
            f"{_NAMES_THEM}"
        )


def _twins(samples: Sequence[Sample]) -> Iterator[str]:
    again = [
        path
        for part in SPLITS
        for twins in same_files(sample.image for sample in of_split(samples, part))
        for path in twins[1:]
    ]
    if again:
        yield f"{_number(again, 'image is', 'images are')} in one part twice. {_NAMES_THEM}"


def _number(paths: Sequence[Path], one: str, many: str) -> str:
    return f"1 {one}" if len(paths) == 1 else f"{len(paths)} {many}"
