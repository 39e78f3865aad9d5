"""What a process that trains is told, and which of the processes of `--devices` it is; the first alone writes."""

import torch
from lightning.fabric.utilities.rank_zero import rank_zero_only

from lmsc_unet.core.memory import keep_freed_memory


def prepare_process() -> None:
    """Keeps the memory that a step on the processor frees, which saves time in every step."""
    if not torch.cuda.is_available():
        keep_freed_memory()


def is_leader() -> bool:
    """Whether this is the first process, or the only one."""
    return int(rank_zero_only.rank) == 0
