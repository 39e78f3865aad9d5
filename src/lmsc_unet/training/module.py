"""The Lightning module: loss, scores from integer counts, optimizer and schedule."""

import math
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from lmsc_unet.errors import DivergedError
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.metrics.averages import per_image, pooled
from lmsc_unet.metrics.counts import Counts, count_pixels, no_counts, stack
from lmsc_unet.training.config import OptimizerConfig, TrainConfig
from lmsc_unet.training.losses import SegmentationLoss
from lmsc_unet.training.teachers import Teachers, distillation_loss

Batch = tuple[Tensor, Tensor]
ValidationBatch = tuple[Tensor, Tensor, Tensor]


class Segmentation(pl.LightningModule):  # type: ignore[misc]
    """Trains a network on crops and scores it on whole images.

    Logs `train_loss`, `train_dice`, `val_loss`, `val_iou` and `val_dice` once per epoch. Both Dice scores are for the
    foreground, at the network's scale: pooled over the epoch's pixels in training, averaged over images in validation.
    """

    def __init__(
        self,
        network: nn.Module,
        spec: ModelSpec,
        config: TrainConfig,
        steps_per_epoch: int,
        class_weights: Tensor | None = None,
        teachers: Teachers | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.spec = spec
        self.config = config
        self.steps_per_epoch = steps_per_epoch
        self.loss = SegmentationLoss(config.loss, spec.num_logits, class_weights)
        self.teachers = teachers
        self.num_classes = len(spec.class_names)
        self._begin_sums()
        self.val_counts: dict[int, Counts] = {}

    def forward(self, image: Tensor) -> Tensor:
        """Logits "B K H W" of normalized images "B C H W"."""
        logits: Tensor = self.network(image.contiguous(memory_format=torch.channels_last))
        return logits

    def on_train_epoch_start(self) -> None:
        """Resets the epoch's sums."""
        self._begin_sums()

    def _begin_sums(self) -> None:
        self.train_counts = no_counts(self.num_classes)
        self.loss_sum = 0.0
        self.num_crops = 0

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the epoch's sums, as Lightning does not save its own."""
        counts = {kind: array.tolist() for kind, array in vars(self.train_counts).items()}
        checkpoint["sums"] = {"counts": counts, "loss": self.loss_sum, "crops": self.num_crops}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restores the sums of the epoch in which a training was stopped; older checkpoints have none."""
        if "sums" in checkpoint:
            sums = checkpoint["sums"]
            self.train_counts = Counts(**{kind: np.array(values) for kind, values in sums["counts"].items()})
            self.loss_sum, self.num_crops = sums["loss"], sums["crops"]

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch of crops."""
        image, mask = batch
        logits = self(image)
        loss: Tensor = self.loss(logits, mask)
        if self.teachers is not None:
            loss = loss + self.config.loss.teacher_weight * distillation_loss(logits, self.teachers(image))
        if self.trainer.world_size == 1 and not torch.isfinite(loss):  # several processes check the shared gradient
            raise _diverged(self.current_epoch, batch_idx, "loss")
        self.train_counts += self._count(logits.detach(), mask)
        self.loss_sum += loss.item() * len(image)
        self.num_crops += len(image)
        return loss

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Stops before non-finite gradients reach the weights."""
        norms = [p.grad.norm() for p in self.parameters() if p.grad is not None]
        if norms and not torch.isfinite(torch.stack(norms)).all():
            raise _diverged(self.current_epoch, self.trainer.fit_loop.batch_idx, "gradient")

    def on_train_epoch_end(self) -> None:
        """Logs the training's mean loss and Dice, averaged over processes."""
        self.log("train_loss", self.loss_sum / self.num_crops, sync_dist=True)
        self.log("train_dice", _defined(pooled(stack([self.train_counts]))["dice"]), sync_dist=True)

    def on_validation_epoch_start(self) -> None:
        """Resets the counts of each validation image."""
        self.val_counts = {}

    def validation_step(self, batch: ValidationBatch, batch_idx: int) -> None:
        """Adds the counts of a batch of whole images or tiles to their images."""
        image, mask, index = batch
        logits = self(image)
        loss = self.loss(logits, mask)
        if not torch.isfinite(loss):
            raise _diverged(self.current_epoch, batch_idx, "validation loss")
        self.log("val_loss", loss, on_epoch=True, batch_size=len(image), sync_dist=True)
        for position, number in enumerate(index.tolist()):
            counts = self._count(logits[position : position + 1], mask[position : position + 1])
            self.val_counts[number] = self.val_counts.get(number, no_counts(self.num_classes)) + counts

    def on_validation_epoch_end(self) -> None:
        """Logs foreground IoU and Dice, averaged over images."""
        scores = per_image(stack(self.val_counts[number] for number in sorted(self.val_counts)))
        self.log("val_iou", _defined(scores["iou"]), sync_dist=True)
        self.log("val_dice", _defined(scores["dice"]), prog_bar=True, sync_dist=True)

    def _count(self, logits: Tensor, mask: Tensor) -> Counts:
        truth = (mask if mask.ndim == 3 else mask[:, 0]).to(torch.uint8).cpu().numpy()
        predicted = class_ids(logits[:, : self.spec.num_logits], self.spec.threshold)
        return count_pixels(predicted, truth, self.num_classes)

    def configure_optimizers(self) -> dict[str, object]:
        """The optimizer with its schedule per step.

        We count the steps ourselves: Lightning's estimate would start the loaders before a resumed run knows its epoch.
        """
        options = self.config.optimizer
        kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[options.name]
        optimizer = kind(self.network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
        steps = self.config.epochs * self.steps_per_epoch
        schedule = LambdaLR(optimizer, lambda step: rate_factor(options, step, steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def rate_factor(options: OptimizerConfig, step: int, steps: int) -> float:
    """The factor on the highest learning rate at a step."""
    warmup = round(options.warmup_share * steps)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if options.schedule == "constant":
        return 1.0
    share = (step - warmup) / max(1, steps - warmup)
    if options.schedule == "step":
        return float(options.decay ** math.floor(3 * min(share, 0.999)))
    return 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


def class_ids(logits: Tensor, threshold: float) -> NDArray[np.uint8]:
    """Class ids "B H W" of logits "B K H W": a threshold for one logit, the argmax for several."""
    if logits.shape[1] == 1:
        ids = logits[:, 0] >= math.log(threshold / (1 - threshold))
    else:
        ids = logits.argmax(1)
    return ids.to(torch.uint8).cpu().numpy()


def _defined(share: float) -> float:
    """A score to compare epochs by: 0 if undefined."""
    return 0.0 if math.isnan(share) else share


def _diverged(epoch: int, step: int, what: str) -> DivergedError:
    kept = f"the weights of epoch {epoch} are kept" if epoch else "there are no weights to keep"
    return DivergedError(
        f"The {what} is not finite in epoch {epoch + 1}, step {step + 1}. Training stopped; {kept}. "
        "Lower --optimizer.learning-rate, or set --precision 32."
    )
