"""From regions, in the order of their ends, to transmissions: pieces wait until nothing can belong to them any more."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lmsc_unet.core.ranges import check_range
from lmsc_unet.signals.detection.byproducts import BY_PRODUCT_DB, without_by_products
from lmsc_unet.signals.detection.joining import Joining
from lmsc_unet.signals.detection.pieces import Piece

_CLOSE_ROWS = 4.0
"""Pieces less apart than this are judged together."""
_PATIENCE_ROWS = 2048
"""How long pieces wait for the end of a signal that began before they ended."""
_MOST_WAITING = 512


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """How regions become transmissions."""

    joins: bool = True
    """Whether pieces of a transmission are joined."""
    by_product_db: float | None = BY_PRODUCT_DB
    """How far below a stronger signal its by-products are; None keeps them."""

    def __post_init__(self) -> None:
        if self.by_product_db is not None:
            check_range(self, 0, 200, "by_product_db", above=True)


class Grouper:
    """Takes pieces as they end and yields transmissions as soon as they are complete."""

    def __init__(self, grouping: Grouping, joining: Joining) -> None:
        self._grouping = grouping
        self._joining = joining
        self._waiting: list[Piece] = []
        gap = joining.longest_gap_rows if grouping.joins else 0.0
        self._apart_rows = max(gap, _CLOSE_ROWS)

    def feed(self, pieces: Iterable[Piece], next_row: int, first_open_row: int) -> Iterator[Piece]:
        """Adds pieces and yields the transmissions that are complete.

        Args:
            pieces: The pieces that ended before `next_row`.
            next_row: The next row to come.
            first_open_row: The first row of the regions that have not ended.
        """
        self._waiting += pieces
        open_from = max(first_open_row, next_row - _PATIENCE_ROWS)
        kept: list[Piece] = []
        for cluster in _clusters(self._waiting, self._apart_rows):
            stop = max(piece.bottom_px for piece in cluster)
            if stop + self._apart_rows < min(next_row, open_from) or len(cluster) > _MOST_WAITING:
                yield from self._complete(cluster, next_row + 2)
            else:
                kept += cluster
        self._waiting = kept

    def ongoing(self, pieces: Iterable[Piece], next_row: int) -> Iterator[Piece]:
        """Yields the transmissions that are not complete, with these pieces that have not ended; nothing changes."""
        for cluster in _clusters([*self._waiting, *pieces], self._apart_rows):
            yield from self._complete(cluster, next_row)

    def finish(self, stop_row: int) -> Iterator[Piece]:
        """Yields the others; no row comes any more."""
        for cluster in _clusters(self._waiting, self._apart_rows):
            yield from self._complete(cluster, stop_row)
        self._waiting = []

    def _complete(self, cluster: list[Piece], stop_row: float) -> list[Piece]:
        """The transmissions of pieces that are close in time."""
        by_product_db, found = self._grouping.by_product_db, cluster
        if by_product_db is not None:
            found = without_by_products(found, stop_row, by_product_db=by_product_db, merges=False)
        if self._grouping.joins:
            found = self._joining(found, stop_row)
        if by_product_db is not None:
            found = without_by_products(found, stop_row, by_product_db=by_product_db, merges=self._grouping.joins)
        return sorted(found, key=lambda piece: (piece.bottom_px, piece.first_column))


def _clusters(pieces: list[Piece], apart_rows: float) -> Iterator[list[Piece]]:
    """Pieces in groups between which nothing happens for so many rows."""
    cluster: list[Piece] = []
    stop = 0.0
    for piece in sorted(pieces, key=lambda one: one.top_px):
        if cluster and piece.top_px - stop > apart_rows:
            yield cluster
            cluster = []
        stop = piece.bottom_px if not cluster else max(stop, piece.bottom_px)
        cluster.append(piece)
    if cluster:
        yield cluster
