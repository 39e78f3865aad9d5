"""Collects the objects of an image from rows of labels or classes, and gives each out once its last row is known.

Memory holds the objects that are not complete, as runs. What is collected does not depend on how the rows arrive.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.apps.segment.objects.image_object import ImageObject, Indices
from lmsc_unet.imageio import RowSource
from lmsc_unet.signals.detection.components import find_runs

Values = NDArray[np.integer[Any]]
"""Labels or class ids, "h W"; 0 is background."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RowBlock:
    """Rows of an image."""

    values: Values
    """Labels or class ids."""
    pixels: NDArray[Any]
    """The image's own values, "h W C"."""


def with_pixels(blocks: Iterable[Values], source: RowSource) -> Iterator[RowBlock]:
    """Blocks of rows with the image's values there."""
    image, everything, top = source.rolling(), slice(0, source.width_px), 0
    for values in blocks:
        yield RowBlock(values=values, pixels=image.window(slice(top, top + len(values)), everything))
        top += len(values)


class LastBlocks:
    """The index of the block that holds the last row of each label."""

    def __init__(self) -> None:
        self._indices = np.zeros(1024, np.int32)
        self._num_blocks = 0

    def add(self, labels: Values) -> None:
        """Takes the next block."""
        most = int(labels.max(initial=0))
        if most >= len(self._indices):
            self._indices = np.concatenate([self._indices, np.zeros(most, np.int32)])
        self._indices[labels.ravel()] = self._num_blocks
        self._num_blocks += 1

    def of(self, label: int) -> int:
        """The index for a label that was there."""
        return int(self._indices[label])


def labelled_objects(blocks: Iterable[RowBlock], last_blocks: LastBlocks) -> Iterator[ImageObject]:
    """The objects of a label image, in the order of their labels 1, 2, ...; all are of class 1."""
    parts: dict[int, list[_Runs]] = defaultdict(list)
    complete: dict[int, ImageObject] = {}
    top, following = 0, 1
    for index, block in enumerate(blocks):
        runs, labels = _runs_of(block, top)
        for label, part in _grouped(runs, labels):
            parts[label].append(part)
            if last_blocks.of(label) == index:
                complete[label] = _joined(parts.pop(label)).numbered(label, class_id=1)
        while following in complete:
            yield complete.pop(following)
            following += 1
        top += len(block.values)
    assert not complete, "labels are missing"


def class_objects(blocks: Iterable[RowBlock]) -> Iterator[ImageObject]:
    """The connected components of each class, numbered in the order of their last rows, then of their first pixels.

    Pixels that touch at a corner are connected.
    """
    components, number = _Components(), 0
    for batch in components.batches(blocks):
        for class_id, runs in sorted(batch, key=lambda one: one[1].order):
            number += 1
            yield runs.numbered(number, class_id)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Runs:
    """Runs of pixels in raster order, with the sums of their values."""

    rows: Indices
    starts: Indices
    stops: Indices
    sums: NDArray[np.float64]

    def chosen(self, which: NDArray[Any]) -> "_Runs":
        """Some of the runs."""
        return _Runs(rows=self.rows[which], starts=self.starts[which], stops=self.stops[which], sums=self.sums[which])

    @property
    def order(self) -> tuple[int, int, int]:
        """The last row, and the first pixel."""
        return int(self.rows[-1]), int(self.rows[0]), int(self.starts[0])

    def numbered(self, label: int, class_id: int) -> ImageObject:
        """The object of all runs."""
        return ImageObject(
            label=label,
            class_id=class_id,
            rows=self.rows,
            starts=self.starts,
            stops=self.stops,
            sums=self.sums.sum(axis=0),
        )


def _runs_of(block: RowBlock, top: int) -> tuple[_Runs, Values]:
    """The runs of equal values above 0 in a block whose first row is `top`, and their values."""
    height, width = block.values.shape
    spaced = np.zeros((height, width + 1), block.values.dtype)
    spaced[:, :width] = block.values
    flat = spaced.reshape(-1)
    edges = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    values = flat[edges]
    first = np.flatnonzero(values)  # the last pixel is background, so every run has an edge after it
    starts, stops = edges[first], edges[np.minimum(first + 1, len(edges) - 1)]
    rows, lefts = np.divmod(starts, width + 1)
    runs = _Runs(
        rows=rows + top,
        starts=lefts,
        stops=lefts + stops - starts,
        sums=_sums(block.pixels, starts - rows, stops - rows),
    )
    return runs, values[first]


def _sums(pixels: NDArray[Any], starts: Indices, stops: Indices) -> NDArray[np.float64]:
    """The sum of each channel in each run, "N C", from flat indices."""
    channels = pixels.reshape(-1, pixels.shape[2])
    if not len(starts):
        return np.zeros((0, channels.shape[1]))
    cuts = np.stack([starts, stops], axis=1).ravel()
    cuts = cuts[:-1] if cuts[-1] == len(channels) else cuts
    return np.stack([np.add.reduceat(channel, cuts, dtype=np.float64)[::2] for channel in channels.T], axis=1)


def _grouped(runs: _Runs, labels: Values) -> Iterator[tuple[int, _Runs]]:
    """The runs of each label, in the order of labels."""
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    firsts = np.flatnonzero(np.diff(ordered, prepend=-1))
    for label, which in zip(ordered[firsts].tolist(), np.split(order, firsts[1:]), strict=bool(len(firsts))):
        yield label, runs.chosen(which)


def _joined(parts: Sequence[_Runs]) -> _Runs:
    """All runs in raster order."""
    if len(parts) == 1:
        return parts[0]
    rows, starts = (np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "starts"))
    order = np.lexsort((starts, rows))
    stops, sums = (np.concatenate([getattr(part, name) for part in parts]) for name in ("stops", "sums"))
    return _Runs(rows=rows[order], starts=starts[order], stops=stops[order], sums=sums[order])


class _Components:
    """The components that reach the last row so far, under names that are never used again."""

    def __init__(self) -> None:
        self._parts: dict[int, list[_Runs]] = {}
        self._classes: dict[int, int] = {}
        self._joined_with: dict[int, int] = {}
        self._above: dict[int, list[int]] = {}  # by class: the names of the last row's runs, from the left
        self._num_names = 0

    def batches(self, blocks: Iterable[RowBlock]) -> Iterator[list[tuple[int, _Runs]]]:
        """Class and runs of the components that each block completes, then of the others."""
        last_row, top = None, 0
        for block in blocks:
            runs, classes = _runs_of(block, top)
            top += len(block.values)
            values = block.values if last_row is None else np.concatenate([last_row, block.values])
            above = {
                class_id: self._add(class_id, runs.chosen(classes == class_id), values == class_id, top - 1)
                for class_id in np.flatnonzero(np.bincount(values.ravel())).tolist()
                if class_id
            }
            self._above = {class_id: [self._root(name) for name in names] for class_id, names in above.items()}
            self._joined_with.clear()
            yield self._complete({name for names in self._above.values() for name in names})
            last_row = block.values[-1:]
        yield self._complete(set())

    def _add(self, class_id: int, runs: _Runs, is_class: NDArray[np.bool_], bottom: int) -> list[int]:
        """Adds the runs of one class, whose pixels are those of the last row before and of the block.

        Returns the names of the runs in the block's last row.
        """
        labels, above = find_runs(is_class).labels, self._above.get(class_id, [])
        own = labels[len(above) :]
        names: dict[int, int] = {}
        for label, name in zip(labels[: len(above)].tolist(), above, strict=True):
            names[label] = self._join(names.get(label, name), name)
        for label, part in _grouped(runs, own):
            if label not in names:
                names[label] = self._new(class_id)
            self._parts[self._root(names[label])].append(part)
        return [names[label] for label in own[runs.rows == bottom].tolist()]

    def _new(self, class_id: int) -> int:
        self._num_names += 1
        self._parts[self._num_names], self._classes[self._num_names] = [], class_id
        return self._num_names

    def _root(self, name: int) -> int:
        while name in self._joined_with:
            name = self._joined_with[name]
        return name

    def _join(self, one: int, other: int) -> int:
        one, other = self._root(one), self._root(other)
        if one != other:
            self._parts[one] += self._parts.pop(other)
            del self._classes[other]
            self._joined_with[other] = one
        return one

    def _complete(self, is_open: set[int]) -> list[tuple[int, _Runs]]:
        complete = [name for name in self._parts if name not in is_open]
        return [(self._classes.pop(name), _joined(self._parts.pop(name))) for name in complete]
