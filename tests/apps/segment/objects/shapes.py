"""Label images of all shapes, and their objects."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from lmsc_unet.apps.segment.objects.collecting import LastBlocks, RowBlock, class_objects, labelled_objects
from lmsc_unet.apps.segment.objects.image_object import ImageObject


def blocks_of(values: np.ndarray, image: np.ndarray, cuts: Sequence[int]) -> list[RowBlock]:
    edges = [0, *cuts, len(values)]
    return [
        RowBlock(values=values[top:bottom], pixels=image[top:bottom]) for top, bottom in pairwise(edges) if bottom > top
    ]


def objects_of(labels: np.ndarray, image: np.ndarray | None = None, cuts: Sequence[int] = ()) -> list[ImageObject]:
    """The objects of a label image whose rows arrive in blocks."""
    image = np.zeros((*labels.shape, 1), np.uint8) if image is None else image
    blocks, last = blocks_of(labels, image, cuts), LastBlocks()
    for block in blocks:
        last.add(block.values)
    return list(labelled_objects(blocks, last))


def components_of(classes: np.ndarray, image: np.ndarray | None = None, cuts: Sequence[int] = ()) -> list[ImageObject]:
    """The components of class ids whose rows arrive in blocks."""
    image = np.zeros((*classes.shape, 1), np.uint8) if image is None else image
    return list(class_objects(blocks_of(classes, image, cuts)))


def painted(shape: ImageObject, size_px: tuple[int, int]) -> np.ndarray:
    return shape.paint(slice(0, size_px[0]), slice(0, size_px[1]))
