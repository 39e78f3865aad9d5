"""Annotations in COCO's format: exact pixels as compressed run lengths, read by `pycocotools.mask`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import numpy as np

from lmsc_unet.apps.segment.objects.facts import AddObject, ImageFacts
from lmsc_unet.apps.segment.objects.image_object import ImageObject, Indices
from lmsc_unet.apps.segment.objects.measuring import Measurements

_MOST_PAINTED_PX = 1 << 22


@contextmanager
def coco_writer(stream: TextIO, facts: ImageFacts) -> Iterator[AddObject]:
    """Writes a line for each object: an annotation of COCO without the ids, which count over all images."""

    def add(shape: ImageObject, found: Measurements) -> None:
        annotation = {
            "category_id": shape.class_id,
            "segmentation": {"size": list(facts.size_px), "counts": compressed(run_lengths(shape, facts.size_px))},
            "area": found.area_px,
            "bbox": list(shape.box_px),
            "iscrowd": 0,
        }
        stream.write(json.dumps(annotation) + "\n")

    yield add


def run_lengths(shape: ImageObject, size_px: tuple[int, int]) -> list[int]:
    """The lengths of background and object in turn, down the columns of the image; the first may be 0."""
    edges = _column_edges(shape, size_px[0])
    return np.diff(edges, prepend=0, append=size_px[0] * size_px[1]).tolist()  # type: ignore[no-any-return]


def _column_edges(shape: ImageObject, height_px: int) -> Indices:
    """Where the object starts and stops, counting down the columns."""
    left, top, width, height = shape.box_px
    step, edges = max(1, _MOST_PAINTED_PX // height), []
    for first in range(left, left + width, step):
        columns = slice(first, min(first + step, left + width))
        window = shape.paint(slice(top, top + height), columns)
        spaced = np.zeros((window.shape[1], height + 2), np.int8)
        spaced[:, 1:-1] = window.T
        column, row = np.nonzero(np.diff(spaced, axis=1))
        edges.append((column + first) * height_px + row + top)
    found = np.concatenate(edges)
    is_same = np.flatnonzero(found[1:] == found[:-1])  # from the foot of a column to the head of the next
    return np.asarray(np.delete(found, np.concatenate([is_same, is_same + 1])))


def compressed(lengths: list[int]) -> str:
    """Run lengths as COCO's text: from the third on, differences to the one before the last; 5 bits per character."""
    text = []
    for index, length in enumerate(lengths):
        value, is_more = length - lengths[index - 2] if index > 2 else length, True
        while is_more:
            bits = value & 31
            value >>= 5
            is_more = value != (-1 if bits & 16 else 0)
            text.append(chr((bits | 32 if is_more else bits) + 48))
    return "".join(text)
