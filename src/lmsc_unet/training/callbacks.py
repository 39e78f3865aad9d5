"""Lightning callbacks: weight averaging, progress bar, atomic checkpoints, and stops."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback, Checkpoint, WeightAveraging
from lightning.pytorch.utilities.exceptions import SIGTERMException
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

from lmsc_unet.core.stopping import Terminated, is_asked, postponed, stop_now
from lmsc_unet.errors import LmscError
from lmsc_unet.training.checkpoint import read_checkpoint, write_checkpoint


def averaging(decay: float) -> list[Callback]:
    """Lightning's weight averaging with a decay that rises from 0 to its full value; no callback for a decay of 0."""
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


def end_validation(trainer: pl.Trainer, module: pl.LightningModule) -> None:
    """Restores the training weights after a validation of the averaged weights ends early."""
    for callback in trainer.callbacks:
        if isinstance(callback, WeightAveraging):
            callback.on_validation_epoch_end(trainer, module)


def ramped(decay: float, num_averaged: int) -> float:
    """The decay of one step: at most (1 + n) / (10 + n), so that the bad initial weights are soon forgotten."""
    return min(decay, (1 + num_averaged) / (10 + num_averaged))


SECONDS_BETWEEN_LINES = 15


class TrainingProgress(Checkpoint):  # type: ignore[misc]
    """Shows training progress on standard error.

    As a `Checkpoint`, it is called by Lightning after the epoch's scores are known.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.console = Console(stderr=True)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[scores]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
        )
        self._last_line_s = 0.0
        self._started_s = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Opens the bar at the step where the training starts or resumes."""
        self._started_s = time.monotonic()
        self._first_epoch = trainer.current_epoch
        total = trainer.max_epochs * trainer.num_training_batches
        self._task = self.progress.add_task(self.title, total=total, completed=trainer.global_step, scores="")
        if self.console.is_terminal and trainer.is_global_zero:
            self.progress.start()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        """Advances the bar."""
        self.progress.advance(self._task)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Shows the epoch's loss and score; without a terminal, a line every 15 seconds and at the end."""
        epoch = trainer.current_epoch + 1
        scores = f"epoch {epoch}/{trainer.max_epochs}" + "".join(
            f"  {name.replace('_', ' ')} {float(trainer.callback_metrics[name]):.4f}"
            for name in ("train_loss", "val_loss", "val_dice")
            if name in trainer.callback_metrics
        )
        self.progress.update(self._task, scores=scores)
        now = time.monotonic()
        is_due = now - self._last_line_s > SECONDS_BETWEEN_LINES or epoch == trainer.max_epochs
        if not self.console.is_terminal and trainer.is_global_zero and is_due:
            self._last_line_s = now
            left_s = (now - self._started_s) / (epoch - self._first_epoch) * (trainer.max_epochs - epoch)
            self.console.print(
                f"{self.title}  {scores}  left {timedelta(seconds=round(left_s))}", highlight=False, soft_wrap=True
            )

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Closes the bar."""
        self._close()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Closes the bar before an error is printed."""
        self._close()

    def _close(self) -> None:
        if self.progress.live.is_started:  # otherwise it would print an empty line
            self.progress.stop()


class AtomicCheckpointIO(TorchCheckpointIO):  # type: ignore[misc]
    """Writes Lightning's checkpoints through a temporary file in the same folder."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Writes a checkpoint; if that fails, the earlier one is kept.

        Raises:
            OutputError: the disk is full or the folder is not writable.
        """
        write_checkpoint(checkpoint, Path(path))

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: Any = True) -> dict[str, Any]:
        """Reads a checkpoint after verifying its SHA-256; `weights_only` is always true."""
        return read_checkpoint(Path(path))


COLLECTIVES = ("gloo", "NCCL")
"""The backends of communication between processes, as named in PyTorch's errors."""


class LastStep(Callback):  # type: ignore[misc]
    """Writes last.ckpt when a single-process training is stopped; a stop waits for the end of the step.

    A stop waits for at most one batch of a validation; `--resume` repeats that validation. Before the first step it
    does not wait, as nothing would be lost.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint
        self.waits = ExitStack()
        """The context of postponed stops, closed when the training ends."""
        self._is_postponing = False

    def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
        """Postpones stops from now on."""
        if trainer.world_size == 1 and not self._is_postponing:
            self.waits.enter_context(postponed())
            self._is_postponing = True

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        """Saves the step; after the epoch's last step, the validation or the end of the epoch saves it."""
        if self._is_stopped() and not trainer.is_last_batch:
            self._stop(trainer)

    def on_validation_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        """Saves the epoch's last step, as if its validation were about to begin."""
        if self._is_stopped():
            self._stop_validation(trainer, pl_module)

    def on_validation_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        """Saves at once, as Lightning itself handles SIGTERM here; after the last batch the epoch ends."""
        is_last = trainer.fit_loop.epoch_loop.val_loop.batch_progress.is_last_batch
        if self._is_stopped() and not is_last:
            self._stop_validation(trainer, pl_module)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stops before a new epoch begins."""
        if self._is_stopped():
            stop_now()

    def _is_stopped(self) -> bool:
        return self._is_postponing and is_asked()

    def _stop_validation(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        end_validation(trainer, module)
        progress = trainer.fit_loop.epoch_loop.val_loop.batch_progress
        progress.reset()
        progress.increment_ready()  # a started first batch tells Lightning that a validation is unfinished
        progress.increment_started()
        trainer.training = True  # otherwise Lightning would not shut down the training's loader processes
        self._stop(trainer)

    def _stop(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.checkpoint)
        step, epoch = trainer.fit_loop.batch_idx + 1, trainer.current_epoch + 1
        stop_now(f"stopped after step {step} of {trainer.num_training_batches} of epoch {epoch}, which is kept")


@contextmanager
def stops(trainer: pl.Trainer) -> Iterator[None]:
    """Wraps `trainer.fit` and reports why it stopped.

    Raises:
        KeyboardInterrupt: Ctrl-C, or SIGTERM as `Terminated`; Lightning raises SystemExit for both. The message names
            the saved step, if any.
        LmscError: another process of `--devices` ended.
    """
    try:
        yield
    except SystemExit as stop:
        ours = stop.__context__
        is_terminated = isinstance(stop, SIGTERMException) or isinstance(ours, Terminated)
        message = ours.args if isinstance(ours, KeyboardInterrupt) else ()
        raise (Terminated if is_terminated else KeyboardInterrupt)(*message) from stop
    except RuntimeError as error:
        if trainer.world_size == 1 or not any(name in str(error) for name in COLLECTIVES):
            raise
        raise LmscError(
            f"Another process of --devices ended, and the training with it ({str(error).splitlines()[0]}). "
            "See its output above. The finished epochs are kept; go on by --resume."
        ) from error
