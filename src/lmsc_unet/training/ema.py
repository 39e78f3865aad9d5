"""The weights that are scored: the training's weights averaged over its last steps."""

from lightning.pytorch.callbacks import Callback, WeightAveraging
from torch import Tensor


def averaging(decay: float) -> list[Callback]:
    """Lightning's weight averaging with a decay that rises from 0 to its full value; none for a decay of 0."""
    if not decay:
        return []

    def average(averaged: list[Tensor], current: list[Tensor], num_averaged: Tensor | int) -> None:
        weight = 1 - ramped(decay, int(num_averaged))
        for ours, theirs in zip(averaged, current, strict=True):
            if ours.is_floating_point():
                ours.lerp_(theirs, weight)
            else:
                ours.copy_(theirs)

    return [WeightAveraging(multi_avg_fn=average)]


def ramped(decay: float, num_averaged: int) -> float:
    """The decay of one step: at most (1 + n) / (10 + n), so that the first, bad weights are soon forgotten."""
    return min(decay, (1 + num_averaged) / (10 + num_averaged))
