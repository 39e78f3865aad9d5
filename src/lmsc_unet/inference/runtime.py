"""How a model is run: by which backend, on how many threads."""

import os
from dataclasses import dataclass

from lmsc_unet.core.ranges import check_range

MOST_THREADS = max(64, os.cpu_count() or 1)
"""More than there are processors only wait for each other."""
TORCH = "torch"
"""The backend that runs checkpoints as they are, and no exported file."""


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What a user may choose of how a model is run; nothing of it changes what the model sees."""

    backend: str | None = None
    """A name of `BACKENDS`, or `torch` for a checkpoint; without one the fastest that is installed."""
    threads: int | None = None
    """Threads that share one image's work; without a number the backend takes the cores that there are."""

    at_once: int = 1
    """Threads that call the network at the same time; those above are shared among them."""

    def __post_init__(self) -> None:
        check_range(self, 1, MOST_THREADS, "threads")


TILE_PX = 832
"""Longest side of a tile: an image 20,000 px wide stays under 600 MB with LMSC-UNet in INT8; smaller tiles see more
twice."""
