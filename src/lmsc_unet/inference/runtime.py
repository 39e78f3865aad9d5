"""The runtime of a model: backend and threads."""

import os
from dataclasses import dataclass

from lmsc_unet.core.ranges import check_range

MOST_THREADS = max(64, os.cpu_count() or 1)
"""More threads than processors only slow each other down."""
TORCH = "torch"
"""The backend that runs checkpoints directly, but no exported files."""


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The user's choice of runtime; it does not change the network's input."""

    backend: str | None = None
    """A name of `BACKENDS`, or `torch` for a checkpoint; None selects the fastest installed."""
    threads: int | None = None
    """Threads for one image; None lets the backend use all cores."""

    at_once: int = 1
    """Threads that call the network concurrently; `threads` is divided among them."""

    def __post_init__(self) -> None:
        check_range(self, 1, MOST_THREADS, "threads")


TILE_PX = 832
"""Longest side of a tile: an image 20,000 px wide takes under 600 MB with LMSC-UNet in INT8; smaller tiles overlap
more."""
