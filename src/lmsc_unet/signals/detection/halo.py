"""Rows in blocks of even length, each searched together with its halo of neighbouring rows."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.pipeline import at_once as run_at_once

Rows = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Searched:
    """A block of rows after the masker."""

    rows_db: Rows
    """Rows "T F" in dB above their own noise."""
    mask: NDArray[np.uint8]
    """Class ids "T F"."""
    confidence: NDArray[np.float32] | None
    """Confidence "T F" of the mask; None if the masker gives none."""
    is_seed: NDArray[np.bool_]
    """Cells "T F" from which a region may start."""

    def rows(self, first: int, stop: int) -> "Searched":
        """Only some of the rows."""
        confidence = None if self.confidence is None else self.confidence[first:stop]
        part = slice(first, stop)
        return Searched(
            rows_db=self.rows_db[part], mask=self.mask[part], confidence=confidence, is_seed=self.is_seed[part]
        )


Search = Callable[[Rows], Searched]
"""Finds the cells of signals in rows "T F" in dB above the noise floor."""


def even_blocks(blocks: Iterable[Rows], num_rows: int) -> Iterator[Rows]:
    """Regroups rows into blocks of `num_rows`; the last one may be shorter."""
    waiting: list[Rows] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        if count >= num_rows:
            together = np.concatenate(waiting)
            whole = count - count % num_rows
            yield from (together[start : start + num_rows] for start in range(0, whole, num_rows))
            waiting, count = [together[whole:]], count - whole
    if count:
        yield np.concatenate(waiting)


def with_halo(blocks: Iterable[Rows], halo_rows: int, search: Search, *, at_once: int = 1) -> Iterator[Searched]:
    """Each block searched together with its halo of neighbouring rows."""

    def one(block: _Block) -> Searched:
        found = search(np.concatenate([block.before, block.rows, block.after]))
        return found.rows(len(block.before), len(block.before) + len(block.rows))

    neighbourhoods = _neighbourhoods(blocks, halo_rows)
    yield from run_at_once(one, neighbourhoods, at_once) if at_once > 1 else map(one, neighbourhoods)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Block:
    before: Rows
    rows: Rows
    after: Rows


def _neighbourhoods(blocks: Iterable[Rows], halo_rows: int) -> Iterator[_Block]:
    """Each block with its halo rows before and after, as far as they exist."""
    before = current = None
    for following in blocks:
        if current is not None:
            before = current[:0] if before is None else before
            yield _Block(before=before, rows=current, after=following[:halo_rows])
            passed = np.concatenate([before, current])
            before = passed[max(0, len(passed) - halo_rows) :]
        current = following
    if current is not None:
        yield _Block(before=current[:0] if before is None else before, rows=current, after=current[:0])
