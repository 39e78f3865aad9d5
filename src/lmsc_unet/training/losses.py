"""Dice + Focal loss, combined as in the paper against loss of detail (section 2)."""

from collections.abc import Iterable

import numpy as np
import torch
from monai.losses import DiceLoss, FocalLoss
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from lmsc_unet.metrics.counts import IGNORE
from lmsc_unet.training.config import LossConfig


class SegmentationLoss(nn.Module):
    """Dice + Focal loss of the classes; where contours are learnt, with the weighted cross entropy of their logit."""

    def __init__(self, config: LossConfig, num_logits: int, class_weights: Tensor | None = None) -> None:
        super().__init__()
        self.config = config
        self.num_logits = num_logits
        self.classes = DiceFocalLoss(config, num_logits, class_weights)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            logits: "B K H W", or "B 2 H W" of foreground and contour.
            target: "B H W" class ids, or "B 2 H W" of class ids and contours; `IGNORE` for excluded pixels.
        """
        if target.ndim == 3:
            plain: Tensor = self.classes(logits, target)
            return plain
        classes, contour = logits[:, : self.num_logits], logits[:, self.num_logits].float()
        is_kept, truth = target[:, 1] != IGNORE, (target[:, 1] == 1).float()
        weight = is_kept * (1 + (self.config.contour_positive - 1) * truth)
        pixels = binary_cross_entropy_with_logits(contour, truth, weight, reduction="sum")
        loss: Tensor = self.classes(classes, target[:, 0]) + self.config.contour_weight * pixels / is_kept.sum().clamp(
            min=1
        )
        return loss


class DiceFocalLoss(nn.Module):
    """MONAI's Dice and Focal losses with named weights; pixels marked `IGNORE` are excluded.

    Dice is pooled over the batch, so that crops without foreground do no harm, or computed per crop if configured;
    crops without foreground then have almost no gradient.
    One logit means sigmoid (binary), several mean softmax.
    """

    def __init__(self, config: LossConfig, num_logits: int, class_weights: Tensor | None = None) -> None:
        """Takes one weight per class for the Focal term, from `class_weights`; without any, all weigh 1."""
        super().__init__()
        self.class_weights: Tensor | None
        self.config = config
        self.num_logits = num_logits
        self.register_buffer("class_weights", class_weights, persistent=False)
        self.dice = DiceLoss(batch=not config.dice_per_image, smooth_nr=config.smooth, smooth_dr=config.smooth)
        self.focal = FocalLoss(gamma=config.gamma, alpha=config.alpha, use_softmax=num_logits > 1, reduction="none")

    def forward(self, logits: Tensor, mask: Tensor) -> Tensor:
        """The loss of a batch.

        Args:
            logits: "B K H W", K = 1 or the number of classes.
            mask: "B H W" class ids, `IGNORE` for excluded pixels.

        Returns:
            A scalar; 0 if every pixel is excluded.
        """
        logits = logits.float()
        is_kept = (mask != IGNORE).unsqueeze(1)
        target = self._target(mask).float() * is_kept
        loss = logits.new_zeros(())
        if self.config.dice_weight:
            loss = loss + self.config.dice_weight * self.dice(self._probabilities(logits) * is_kept, target)
        if self.config.focal_weight:
            pixels = self.focal(logits, target) * is_kept
            if self.class_weights is not None:
                pixels = pixels * self.class_weights[mask * is_kept[:, 0]].unsqueeze(1)
            loss = loss + self.config.focal_weight * pixels.sum() / (is_kept.sum() * self.num_logits).clamp(min=1)
        return loss

    def _target(self, mask: Tensor) -> Tensor:
        if self.num_logits == 1:
            return (mask == 1).unsqueeze(1)
        ids = torch.arange(self.num_logits, device=mask.device).view(1, -1, 1, 1)
        return mask.unsqueeze(1) == ids

    def _probabilities(self, logits: Tensor) -> Tensor:
        return torch.sigmoid(logits) if self.num_logits == 1 else torch.softmax(logits, 1)


def class_weights(masks: Iterable[NDArray[np.uint8]], num_classes: int, balance: float) -> Tensor:
    """A weight per class: its share of all pixels to the power of -balance, scaled to a mean of 1 over all pixels.

    Classes without pixels get the weight of the rarest.
    """
    pixels = sum(np.bincount(mask.ravel(), minlength=IGNORE + 1)[:num_classes] for mask in masks)
    shares = np.asarray(pixels, dtype=np.float64) / max(int(np.sum(pixels)), 1)
    weights = np.maximum(shares, shares[shares > 0].min(initial=1.0)) ** -balance
    return torch.from_numpy(weights / (weights * shares).sum()).float()
