"""Connected regions of a mask that arrives in blocks of rows; regions may cross block borders.

Memory use does not grow with a region's length: it stores bounds, sums and the power per column. When a region ends,
it gets its first and last rows.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.signals.detection.components import find_runs
from lmsc_unet.signals.detection.region import END_ROWS, Power, Region

_SEEN_CELLS = 1 << 18
_MOST_ROWS = 1024
_HEAVIEST = 100.0
"""The largest weight of a cell in its region's confidence, in units of the noise."""


class RecentRows:
    """The rows of power in memory: the last block, and as many before it as the ends of a region need."""

    def __init__(self) -> None:
        self._blocks: deque[Power] = deque()
        self._first_row = 0
        self.next_row = 0
        self.num_columns = 0

    @property
    def num_seen(self) -> int:
        """Rows kept per region: up to 1024, fewer with more than 256 columns."""
        return min(_MOST_ROWS, max(2 * END_ROWS, _SEEN_CELLS // max(1, self.num_columns)))

    def add(self, power: Power) -> None:
        """Adds the next rows "T F" and drops those that no region needs any more."""
        self._blocks.append(power)
        self.next_row += len(power)
        self.num_columns = power.shape[1]
        while self.next_row - len(power) - self._first_row - len(self._blocks[0]) >= self.num_seen:
            self._first_row += len(self._blocks.popleft())

    def extend(self, region: Region, first_row: int) -> None:
        """Adds the power of a region's rows from `first_row` on, the start of the last block."""
        for rows in self.rows(max(region.first_row, first_row), region.stop_row):
            region.column_power = region.column_power + rows.sum(axis=0, dtype=np.float64)

    def keep_head(self, region: Region) -> None:
        """Stores the first rows of an open region."""
        if len(region.head) < END_ROWS:
            rows = self.rows(region.first_row, min(region.first_row + END_ROWS, self.next_row))
            region.head = np.concatenate(rows)

    def show(self, region: Region) -> Region:
        """Adds the rows of its ends to a finished region."""
        first, stop = region.first_row, region.stop_row
        if stop - first <= self.num_seen - 2:
            region.end_rows = self.rows(first, stop)
            region.before, region.after = (next(iter(self.rows(row, row + 1)), None) for row in (first - 1, stop))
            return region
        is_kept = len(region.head) == END_ROWS
        head = [region.head] if is_kept else self.rows(first, first + END_ROWS)
        region.end_rows = head + self.rows(stop - self.num_seen + END_ROWS, stop)
        return region

    def rows(self, first: int, stop: int) -> list[Power]:
        """The rows "T F" from `first` up to `stop`, block by block."""
        found, start = [], self._first_row
        for block in self._blocks:
            part = block[max(0, first - start) : max(0, stop - start)]
            if len(part):
                found.append(part)
            start += len(block)
        return found


def find_parts(
    mask: NDArray[np.uint8],
    confidence: NDArray[np.float32] | None,
    weights: Power,
    stats: NDArray[np.int32],
    labels: NDArray[np.int32],
    first_row: int,
) -> dict[int, Region]:
    """A region for each labelled component of a block; its power is added later.

    `stats` contains left, top, width, height and area of each.
    """
    return {
        label: _part(label, mask, confidence, weights, tuple(stats[label].tolist()), labels, first_row)
        for label in range(1, len(stats))
        if stats[label][4]
    }


def _part(
    label: int,
    mask: NDArray[np.uint8],
    confidence: NDArray[np.float32] | None,
    weights: Power,
    limits: tuple[int, ...],
    labels: NDArray[np.int32],
    first_row: int,
) -> Region:
    left, top, width, height, area = limits
    rows, columns = slice(top, top + height), slice(left, left + width)
    inside = labels[rows, columns] == label
    weight = weights[rows, columns][inside]
    return Region(
        first_row=first_row + top,
        stop_row=first_row + top + height,
        low_column=left,
        stop_column=left + width,
        num_cells=area,
        confidence_sum=float(weight.sum() if confidence is None else confidence[rows, columns][inside] @ weight),
        weight=float(weight.sum()),
        is_seeded=True,
        votes=np.bincount(mask[rows, columns][inside], minlength=256),
        column_power=np.zeros(mask.shape[1]),
        head=np.zeros((0, mask.shape[1]), np.float32),
    )


class RegionFinder:
    """Takes a mask block by block and yields each region as soon as it has ended."""

    def __init__(self, *, min_cells: int = 1) -> None:
        self.min_cells = min_cells
        self._recent = RecentRows()
        self._open: list[Region] = []
        self._border: NDArray[np.int32] | None = None  # at each column of the last row: index into _open + 1, or 0

    @property
    def next_row(self) -> int:
        """The next row to come."""
        return self._recent.next_row

    @property
    def first_open_row(self) -> int:
        """The first row of the regions that have not ended; the next row if all have."""
        return min((region.first_row for region in self._open), default=self.next_row)

    def feed(
        self,
        mask: NDArray[np.uint8],
        power: NDArray[np.float32],
        confidence: NDArray[np.float32] | None = None,
        is_seed: NDArray[np.bool_] | None = None,
    ) -> Iterator[Region]:
        """Adds the next rows and yields the regions that do not reach the last of them.

        Args:
            mask: "T F" class ids; 0 is noise.
            power: "T F" linear power in units of the noise floor.
            confidence: "T F" confidence of the mask; 1 if not given.
            is_seed: "T F" cells at least one of which a region must have; all if not given.
        """
        runs = find_runs(mask)
        count, labels, stats = runs.count + 1, runs.paint(runs.labels.astype(np.int32)), runs.limits()
        self._drop_specks(labels, stats)
        first_row = self._recent.next_row
        parts = find_parts(mask, confidence, np.clip(power, 1, _HEAVIEST), stats, labels, first_row)
        if is_seed is not None:
            seeded = set(np.unique(labels[is_seed]).tolist())
            for label, part in parts.items():
                part.is_seeded = label in seeded
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

    def ongoing(self) -> Iterator[Region]:
        """Yields the regions that reach the last row so far, as if they ended there."""
        yield from (self._recent.show(region) for region in self._open if self._counts(region))

    def finish(self) -> Iterator[Region]:
        """Yields the regions that reach the very last row."""
        yield from self.ongoing()
        self._open, self._border = [], None

    def _drop_specks(self, labels: NDArray[np.int32], stats: NDArray[np.int32]) -> None:
        """Sets the area of small components that touch no border to zero, so that they are skipped."""
        if self.min_cells > 1:
            is_speck = stats[:, 4] < self.min_cells
            is_speck[labels[0]] = is_speck[labels[-1]] = False
            stats[is_speck, 4] = 0

    def _groups(self, first_labels: NDArray[np.int32], count: int) -> list[int]:
        """For each label of the block, then each open region: the smallest index of those connected to it."""
        groups = list(range(count + len(self._open)))
        if self._border is None:
            return groups
        padded = np.pad(self._border, 1)
        pairs: set[tuple[int, int]] = set()
        for shift in range(3):  # the pixel above and its diagonal neighbours
            above = padded[shift : shift + len(first_labels)]
            touching = (above > 0) & (first_labels > 0)
            pairs.update(zip((above[touching] + count - 1).tolist(), first_labels[touching].tolist(), strict=True))
        for one, other in pairs:
            low, high = sorted((_root(groups, one), _root(groups, other)))
            groups[high] = low
        return [_root(groups, node) for node in range(len(groups))]

    def _close(self, regions: dict[int, Region], groups: list[int], last_labels: NDArray[np.int32]) -> Iterator[Region]:
        """Keeps regions in the last row open and yields the others."""
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
            if group not in open_groups and self._counts(region):
                yield self._recent.show(region)

    def _counts(self, region: Region) -> bool:
        return region.is_seeded and region.num_cells >= self.min_cells


def _root(groups: list[int], node: int) -> int:
    while groups[node] != node:
        node = groups[node]
    return node


def _add(regions: dict[int, Region], group: int, region: Region) -> None:
    if group in regions:
        regions[group].absorb(region)
    else:
        regions[group] = region
