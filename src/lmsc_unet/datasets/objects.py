"""The true objects of a sample as a label image: numbers in its mask, a file for each, or else connected components."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.imageio import read_object_masks, read_stored_mask
from lmsc_unet.signals.detection.components import find_runs

ObjectLabels = NDArray[np.integer[Any]]
"""A label image "H W": 0 is background, and each other value is an object."""


@dataclass(frozen=True, kw_only=True)
class ObjectTruth:
    """Where the true objects of a dataset are."""

    label_map: LabelMap
    """The meaning of mask values; class 1 is the objects'."""
    are_numbered: bool
    """Whether masks number the objects; if not, connected components of the foreground count as objects."""

    def load(self, sample: Sample) -> ObjectLabels:
        """The objects of a sample "H W".

        Raises:
            DataError: the mask cannot be read; names it.
        """
        return (load_numbers if self.are_numbered else _connected)(sample, self.label_map)


def find_objects(samples: Iterable[Sample], label_map: LabelMap) -> ObjectTruth:
    """Whether the masks of a dataset number their objects: one has two numbers, or is a folder with a file for each.

    Raises:
        DataError: a mask cannot be read; names it.
    """
    return ObjectTruth(label_map=label_map, are_numbered=any(_has_numbers(sample, label_map) for sample in samples))


def _has_numbers(sample: Sample, label_map: LabelMap) -> bool:
    if sample.mask is None or sample.mask.is_dir():
        return sample.mask is not None
    return len(np.unique(load_numbers(sample, label_map))) > 2  # background and two objects


def load_numbers(sample: Sample, label_map: LabelMap) -> ObjectLabels:
    """The mask's own numbers "H W" where they are of class 1, else 0; of a folder with a file for each object, theirs.

    Raises:
        DataError: the mask cannot be read, or contains values that are not classes; names it.
    """
    assert sample.mask is not None
    if sample.mask.is_dir():
        return _of_files(list(read_object_masks(sample.mask)))
    stored = read_stored_mask(sample.mask)
    raw = label_map.read(stored, sample.mask)
    return np.where(label_map.apply(raw, sample.mask, nodata=stored.nodata) == 1, raw, 0)


def _of_files(masks: list[NDArray[np.bool_]]) -> ObjectLabels:
    """Masks of one object each as a label image; where objects overlap, the later one has the pixel."""
    labels = np.zeros(masks[0].shape, np.int32)
    for number, mask in enumerate(masks, start=1):
        labels[mask] = number
    return labels


def _connected(sample: Sample, label_map: LabelMap) -> ObjectLabels:
    """Pixels that touch at a corner are connected."""
    assert sample.mask is not None
    runs = find_runs(label_map.ids(read_stored_mask(sample.mask), sample.mask) == 1)
    return runs.paint(runs.labels.astype(np.int32))
