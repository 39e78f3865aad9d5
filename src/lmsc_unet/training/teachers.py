"""Distillation: a network also learns what trained models predict on its crops (Hinton et al. 2015)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax

from lmsc_unet.errors import ConfigError
from lmsc_unet.inference.loading import CHECKPOINT, LoadedModel, find_file, load
from lmsc_unet.inference.outputs import activate
from lmsc_unet.inference.runtime import TORCH, Runtime
from lmsc_unet.inference.spec import ModelSpec

ALIKE = ("input_channels", "num_logits", "treatment", "scale", "scaling", "mean", "std", "spectrogram")
"""Fields of the specs in which teacher and student agree: both see the same pixels and mean the same classes."""


class Teachers:
    """Trained models of any network, each with the student's preprocessing and classes."""

    def __init__(self, models: Sequence[LoadedModel], num_logits: int) -> None:
        self._models = models
        self._num_logits = num_logits

    def __call__(self, image: Tensor) -> Tensor:
        """The mean of the teachers' probabilities "B L H W" of normalized images "B C H W", without contours."""
        pixels = image.detach().float().contiguous().cpu().numpy()
        logits = (model.network(pixels)[:, : self._num_logits] for model in self._models)
        mean = np.mean([activate(one, self._num_logits) for one in logits], axis=0, dtype=np.float32)
        return torch.from_numpy(mean).to(image.device)


def load_teachers(names: Sequence[str], spec: ModelSpec) -> Teachers | None:
    """Loads runs, checkpoints, exported files or bundled models as teachers of a network; None without any.

    Raises:
        ModelError: there is no such model, or it is damaged.
        ConfigError: a teacher sees other pixels than the student, has other classes, or takes other sides.
    """
    models = []
    for name in names:
        is_checkpoint = find_file(name).suffix == CHECKPOINT
        model = load(name, Runtime(backend=TORCH) if is_checkpoint else Runtime())
        _check_alike(name, model.spec, spec)
        models.append(model)
    return Teachers(models, spec.num_logits) if models else None


def distillation_loss(logits: Tensor, taught: Tensor) -> Tensor:
    """The cross entropy of logits "B K H W" to the teachers' probabilities "B L H W", mean over pixels.

    With one logit it is that of the sigmoid, with several that of the softmax; a contour does not count.
    """
    own = logits[:, : taught.shape[1]].float()
    if taught.shape[1] == 1:
        return binary_cross_entropy_with_logits(own, taught)
    return -(taught * log_softmax(own, 1)).sum(1).mean()


def _check_alike(name: str, theirs: ModelSpec, ours: ModelSpec) -> None:
    for field in ALIKE:
        there, here = getattr(theirs, field), getattr(ours, field)
        if there != here:
            raise ConfigError(
                f"The teacher {name} has {field} {_shown(there)}, this training {_shown(here)}; both must see the same "
                f"pixels and classes. {_remedy(field)}"
            )
    if ours.size_px % theirs.side_multiple_px:
        raise ConfigError(
            f"The teacher {name} takes sides that are multiples of {theirs.side_multiple_px} px, and crops have "
            f"{ours.size_px} px. Choose such crops by --size-px."
        )


def _remedy(field: str) -> str:
    if field in ("num_logits", "spectrogram"):
        return "Take a teacher of the same kind of data."
    option = "channels" if field == "input_channels" else field
    return f"Set --input.{option} to the teacher's."


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
