"""How a model is run: by which backend, on how many threads."""

from dataclasses import dataclass

from lmsc_unet.errors import ConfigError

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
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"threads is {self.threads}; it must be at least 1.")
