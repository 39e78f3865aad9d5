"""Settings of a training process, and its role among the processes of `--devices`: only the first writes."""

import torch
from lightning.fabric.utilities.rank_zero import rank_zero_only

from lmsc_unet.core.memory import keep_freed_memory


def prepare_process() -> None:
    """Keeps memory that a CPU step frees, which makes every step faster."""
    if not torch.cuda.is_available():
        keep_freed_memory()


def is_leader() -> bool:
    """Whether this is the first or only process."""
    return int(rank_zero_only.rank) == 0
