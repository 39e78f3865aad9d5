"""Loads a sample's files as arrays and checks them against each other."""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.datasets.infer_labels import complaint_of, infer_label_map
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.mask_summary import MaskSummary, summarise_mask
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.published import with_class_table
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.errors import DataError, SizeError
from lmsc_unet.imageio import is_tiff, mark_missing, missing_pixels, read_image, read_info, read_stored_mask
from lmsc_unet.metrics.counts import IGNORE


def load_pair(sample: Sample, label_map: LabelMap) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """The image `H W C` from `load_image` and its class ids `H W`; for a recording, its spectrogram and boxes.

    Missing pixels of the image are ignored: their class id is `IGNORE`.

    Raises:
        DataError: a file is missing or damaged, contains infinity, or the mask contains values that are not classes.
        SizeError: image and mask differ in size.
    """
    if sample.piece is not None:
        from lmsc_unet.datasets.chunks import load_chunk  # imported here: images do not need signals

        return load_chunk(sample.piece)
    if sample.mask is None:
        raise DataError(f"{sample.image}: the image has no mask. Add a mask of the same stem, or take the image out.")
    image = load_image(sample.image)
    stored = read_stored_mask(sample.mask)
    check_same_size(sample.image, image.shape, sample.mask, stored.values.shape)
    ids = label_map.ids(stored, sample.mask)
    ids[missing_pixels(image)] = IGNORE
    return image, ids


def load_picture(sample: Sample) -> NDArray[Any]:
    """The image `H W C` only; for a recording, its spectrogram.

    Raises:
        DataError: the file is missing or damaged, or holds NaN.
    """
    if sample.piece is None:
        return load_image(sample.image)
    from lmsc_unet.datasets.chunks import draw_chunk  # imported here: images do not need signals

    return draw_chunk(sample.piece)


def load_mask(path: Path, label_map: LabelMap) -> NDArray[np.uint8]:
    """The class ids `H W` of a mask.

    Raises:
        DataError: the file is missing or damaged, or contains values that are not classes.
    """
    return label_map.ids(read_stored_mask(path), path)


def find_label_map(samples: Iterable[Sample], options: DataOptions = DataOptions()) -> LabelMap:  # noqa: B008 - frozen
    """Infers the meaning of a dataset's masks from all their values; reads each mask once.

    Raises:
        DataError: a mask cannot be read or contains values that are not classes, or the values are ambiguous.
        ConfigError: too few or too many classes are named.
    """
    samples = tuple(samples)
    if samples and samples[0].piece is not None:
        return LabelMap(kind="classes", class_names=samples[0].piece.class_names)
    return label_map_of(summarise_masks(samples, options), options)


def summarise_masks(samples: Iterable[Sample], options: DataOptions) -> dict[Path, MaskSummary]:
    """The summary of each mask; recordings have no mask files and none.

    Raises:
        DataError: a mask cannot be read; names it.
    """
    masks = [sample.mask for sample in samples if sample.mask is not None and sample.piece is None]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return dict(zip(masks, pool.map(lambda path: summarise_mask(path, options), masks), strict=True))


def label_map_of(masks: Mapping[Path, MaskSummary], options: DataOptions) -> LabelMap:
    """The meaning common to all masks.

    Raises:
        DataError: a mask contains values that are not classes, or the values are ambiguous.
        ConfigError: too few or too many classes are named.
    """
    label_map = infer_label_map(masks, with_class_table(options, masks))
    for path, mask in masks.items():
        complaint = complaint_of(label_map, mask)
        if complaint:
            raise DataError(f"{path}: {complaint}")
    return label_map


def load_image(path: Path) -> NDArray[Any]:
    """The image `H W C` in its own type; float32 with NaN if pixels are missing (see `mark_missing`).

    Raises:
        DataError: the file is missing or damaged, or contains infinite values.
    """
    image = read_image(path)
    image = mark_missing(image, read_info(path).nodata if is_tiff(path) else None)
    check_finite(path, image)
    return image


def check_finite(path: Path, image: NDArray[Any]) -> None:
    """Raises DataError if a float image contains infinite values."""
    if image.dtype.kind != "f" or not np.isinf(image).any():
        return
    count = int(np.isinf(image).sum())
    raise DataError(
        f"{path}: {count} of {image.size} values are infinite. Replace them by numbers, or by NaN where nothing is "
        "known: such pixels are left out."
    )


def check_same_size(image: Path, image_shape: tuple[int, ...], mask: Path, mask_shape: tuple[int, ...]) -> None:
    """Raises SizeError unless the first two sides agree."""
    if image_shape[:2] == mask_shape[:2]:
        return
    hint = ""
    if image_shape[1::-1] == mask_shape[:2]:
        hint = " They differ by a quarter turn: a mask must be drawn on the image as its EXIF orientation turns it."
    raise SizeError(
        f"{mask}: the mask is {mask_shape[1]} x {mask_shape[0]} px, the image {image} "
        f"{image_shape[1]} x {image_shape[0]} px. Masks must be as large as their images.{hint}"
    )
