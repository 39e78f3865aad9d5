"""The end of each epoch: a row of metrics.csv, the best and the last checkpoint, early stopping.

A checkpoint contains the sums of the current epoch, and a crop depends only on (seed, epoch, sample): a stopped or
killed run resumes from `last.ckpt` and ends bit for bit as if uninterrupted.
"""

import csv
import io
import math
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from lmsc_unet.config import to_mapping
from lmsc_unet.core.stopping import postponed
from lmsc_unet.core.storage import write_text
from lmsc_unet.training.checkpoint import FORMAT, write_checkpoint
from lmsc_unet.training.module import Segmentation

COLUMNS = ("epoch", "step", "learning_rate", "train_loss", "train_dice", "val_loss", "val_iou", "val_dice")
MONITORED = "val_dice"
METRICS_FILE = "metrics.csv"
LAST = "last.ckpt"
"""The checkpoint from which a run resumes."""


class CheckpointCallback(Checkpoint):  # type: ignore[misc]
    """Keeps the history of a run and its two checkpoints in the run folder.

    As a `Checkpoint`, it is called by Lightning after all other callbacks and sees their results.
    """

    def __init__(self, folder: Path, patience: int = 0) -> None:
        self.folder = folder
        self.patience = patience
        self.rows: list[dict[str, float | None]] = []
        self.best_epoch = 0
        self.best_score = -math.inf
        self.steps_done = 0
        """Batches of the resumed epoch done before."""

    def state_dict(self) -> dict[str, Any]:
        """The state that a resumed run needs; part of last.ckpt."""
        return {"rows": self.rows, "best_epoch": self.best_epoch, "best_score": self.best_score}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the history from a checkpoint."""
        self.rows = list(state_dict["rows"])
        self.best_epoch = state_dict["best_epoch"]
        self.best_score = state_dict["best_score"]

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Resumes the epoch in which the run was stopped."""
        self.steps_done = checkpoint["lmsc"].get("step", 0)

    def finished_epochs(self) -> int:
        """The number of finished epochs, including those before a resume."""
        return len(self.rows)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stops a resumed run whose patience is exhausted."""
        trainer.should_stop = trainer.should_stop or self._is_over()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Adds the epoch's row, writes the checkpoints, and stops when patience is exhausted."""
        epoch = trainer.current_epoch + 1
        self.steps_done = 0
        row = self._row(trainer, epoch)
        self.rows.append(row)
        score = row[MONITORED]
        if score is not None and score > self.best_score:
            self.best_epoch, self.best_score = epoch, score
        with postponed():  # a stop during PyTorch's file writing would become another error
            trainer.save_checkpoint(self.folder / LAST)
            if trainer.is_global_zero:
                write_metrics(self.folder / METRICS_FILE, self.rows)
        trainer.should_stop = trainer.should_stop or self._is_over()

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Adds what makes the checkpoint a model, and writes best.ckpt at the end of the best epoch."""
        assert isinstance(pl_module, Segmentation)
        is_whole = self.finished_epochs() > trainer.current_epoch
        checkpoint["lmsc"] = {
            "format": FORMAT,
            "epoch": self.finished_epochs(),
            "step": 0 if is_whole else trainer.fit_loop.batch_idx + 1,
            "config": to_mapping(pl_module.config),
            "spec": to_mapping(pl_module.spec),
        }
        if is_whole and self.finished_epochs() == self.best_epoch and trainer.is_global_zero:
            write_checkpoint({key: checkpoint[key] for key in ("lmsc", "state_dict")}, self.folder / "best.ckpt")

    def _is_over(self) -> bool:
        is_validated = bool(self.rows) and self.rows[-1][MONITORED] is not None
        return is_validated and 0 < self.patience <= len(self.rows) - self.best_epoch

    def _row(self, trainer: pl.Trainer, epoch: int) -> dict[str, float | None]:
        is_validated = epoch % trainer.check_val_every_n_epoch == 0
        row: dict[str, float | None] = {
            "epoch": epoch,
            "step": trainer.global_step,
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
        }
        for name in COLUMNS[3:]:
            has_value = name in trainer.callback_metrics and (is_validated or not name.startswith("val"))
            row[name] = float(trainer.callback_metrics[name]) if has_value else None
        return row


def write_metrics(path: Path, rows: list[dict[str, float | None]]) -> None:
    """Replaces the file with all rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_metrics(path: Path) -> list[dict[str, float | None]]:
    """The rows of a metrics.csv; None where an epoch has no value."""
    with path.open(newline="") as file:
        return [{key: float(value) if value else None for key, value in row.items()} for row in csv.DictReader(file)]
