"""What a process is told that does nothing but train: called by commands, never by what a program imports."""

import torch

from lmsc_unet.core.memory import keep_freed_memory


def prepare_process() -> None:
    """Keeps the memory that a step on the processor frees, which saves time in every step."""
    if not torch.cuda.is_available():
        keep_freed_memory()
