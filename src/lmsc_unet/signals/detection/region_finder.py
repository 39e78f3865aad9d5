"""Regions of a mask that comes in blocks of rows: a region that crosses a block's border is one region."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.detection.components import find_runs
from lmsc_unet.signals.detection.regions import RecentRows, Region, find_parts


class RegionFinder:
    """Takes a mask block by block, and gives each region as soon as it has ended."""

    def __init__(self, *, min_cells: int = 1) -> None:
        self.min_cells = min_cells
        self._recent = RecentRows()
        self._open: list[Region] = []
        self._border: NDArray[np.int32] | None = None  # at each column of the last row: index into _open + 1, or 0

    def feed(
        self, mask: NDArray[np.uint8], power: NDArray[np.float32], confidence: NDArray[np.float32] | None = None
    ) -> Iterator[Region]:
        """Takes the next rows in, and gives the regions that do not reach their last row.

        Args:
            mask: "T F" class ids; 0 is noise.
            power: "T F" linear power in units of the noise floor.
            confidence: "T F" how sure the mask is; 1 where it is not given.
        """
        runs = find_runs(mask)
        count, labels, stats = runs.count + 1, runs.paint(runs.labels.astype(np.int32)), runs.limits()
        self._drop_specks(labels, stats)
        first_row = self._recent.next_row
        parts = find_parts(mask, confidence, stats, labels, first_row)
        groups = self._groups(labels[0], count)
        regions: dict[int, Region] = {}
        for index, region in enumerate(self._open, start=count):
            _add(regions, groups[index], region)
        for label, region in parts.items():
            _add(regions, groups[label], region)
        self._recent.add(power)
        for region in regions.values():
            self._recent.extend(region, first_row)
        yield from self._close(regions, groups, labels[-1])

    def finish(self) -> Iterator[Region]:
        """Gives the regions that reach the last row of all."""
        yield from (self._recent.show(region) for region in self._open if region.num_cells >= self.min_cells)
        self._open, self._border = [], None

    def _drop_specks(self, labels: NDArray[np.int32], stats: NDArray[np.int32]) -> None:
        """Takes the area of components that are too small and touch no border, so that they are passed over."""
        if self.min_cells > 1:
            is_speck = stats[:, 4] < self.min_cells
            is_speck[labels[0]] = is_speck[labels[-1]] = False
            stats[is_speck, 4] = 0

    def _groups(self, first_labels: NDArray[np.int32], count: int) -> list[int]:
        """For each label of the block, then each open region, the smallest of those it touches."""
        groups = list(range(count + len(self._open)))
        if self._border is None:
            return groups
        padded = np.pad(self._border, 1)
        pairs: set[tuple[int, int]] = set()
        for shift in range(3):  # the pixel above and its two neighbours
            above = padded[shift : shift + len(first_labels)]
            touching = (above > 0) & (first_labels > 0)
            pairs.update(zip((above[touching] + count - 1).tolist(), first_labels[touching].tolist(), strict=True))
        for one, other in pairs:
            low, high = sorted((_root(groups, one), _root(groups, other)))
            groups[high] = low
        return [_root(groups, node) for node in range(len(groups))]

    def _close(self, regions: dict[int, Region], groups: list[int], last_labels: NDArray[np.int32]) -> Iterator[Region]:
        """Keeps the regions of the last row open, and gives the others."""
        lookup = np.array(groups, np.int32)
        border_groups = np.where(last_labels > 0, lookup[last_labels], -1)
        open_groups = [group for group in regions if (border_groups == group).any()]
        self._open = [regions[group] for group in open_groups]
        for region in self._open:
            self._recent.keep_head(region)
        self._border = np.zeros(len(last_labels), np.int32)
        for index, group in enumerate(open_groups, start=1):
            self._border[border_groups == group] = index
        for group, region in regions.items():
            if group not in open_groups and region.num_cells >= self.min_cells:
                yield self._recent.show(region)


def _root(groups: list[int], node: int) -> int:
    while groups[node] != node:
        node = groups[node]
    return node


def _add(regions: dict[int, Region], group: int, region: Region) -> None:
    if group in regions:
        regions[group].absorb(region)
    else:
        regions[group] = region
