"""How a training is stopped from outside, in our own words: Ctrl-C, SIGTERM, and a process of `--devices` that ends."""

from collections.abc import Iterator
from contextlib import contextmanager

import lightning.pytorch as pl
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lmsc_unet.core.stopping import Terminated
from lmsc_unet.errors import LmscError

COLLECTIVES = ("gloo", "NCCL")
"""What lets processes speak to each other, as the errors of PyTorch name it."""


@contextmanager
def stops(trainer: pl.Trainer) -> Iterator[None]:
    """Around `trainer.fit`: tells why it stopped.

    Raises:
        KeyboardInterrupt: Ctrl-C, or SIGTERM as `Terminated`; Lightning raises SystemExit for both.
        LmscError: another process of `--devices` is gone.
    """
    try:
        yield
    except SystemExit as stop:
        is_terminated = isinstance(stop, SIGTERMException) or isinstance(stop.__context__, Terminated)
        raise (Terminated if is_terminated else KeyboardInterrupt) from stop
    except RuntimeError as error:
        if trainer.world_size == 1 or not any(name in str(error) for name in COLLECTIVES):
            raise
        raise LmscError(
            f"Another process of --devices ended, and the training with it ({str(error).splitlines()[0]}). "
            "What that process said stands above. The finished epochs are kept; go on by --resume."
        ) from error
