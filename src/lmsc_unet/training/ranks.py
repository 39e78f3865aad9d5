"""Which of the processes of `--devices` this one is. All of them train; the first alone writes, scores and prints."""

from lightning.fabric.utilities.rank_zero import rank_zero_only


def is_leader() -> bool:
    """Whether this is the first process, or the only one."""
    return int(rank_zero_only.rank) == 0
