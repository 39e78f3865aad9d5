"""How a training is stopped from outside, in our own words: Ctrl-C, SIGTERM, and a process of `--devices` that ends."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lmsc_unet.core.stopping import Terminated, is_asked, postponed, stop_now
from lmsc_unet.errors import LmscError
from lmsc_unet.training.callbacks import end_validation

COLLECTIVES = ("gloo", "NCCL")
"""What lets processes speak to each other, as the errors of PyTorch name it."""


class LastStep(Callback):  # type: ignore[misc]
    """Writes last.ckpt where a training in one process is stopped: a stop waits for the end of the step.

    It waits for no more of a validation than one batch; `--resume` begins the validation anew. Before the first step
    it does not wait at all, for then nothing is lost.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint
        self.waits = ExitStack()
        """Left when the training ends, however it does."""
        self._is_postponing = False

    def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
        """Lets stops wait from now on."""
        if trainer.world_size == 1 and not self._is_postponing:
            self.waits.enter_context(postponed())
            self._is_postponing = True

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        """Keeps the step; the last one's epoch is validated or ended at once, which is soon enough."""
        if self._is_stopped() and not trainer.is_last_batch:
            self._stop(trainer)

    def on_validation_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        """Keeps the epoch's last step, as if its validation were about to begin."""
        if self._is_stopped():
            self._stop_validation(trainer, pl_module)

    def on_validation_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        """Does so at once, for here Lightning itself looks out for SIGTERM; after the last batch the epoch ends."""
        is_last = trainer.fit_loop.epoch_loop.val_loop.batch_progress.is_last_batch
        if self._is_stopped() and not is_last:
            self._stop_validation(trainer, pl_module)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begins no epoch."""
        if self._is_stopped():
            stop_now()

    def _is_stopped(self) -> bool:
        return self._is_postponing and is_asked()

    def _stop_validation(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        end_validation(trainer, module)
        progress = trainer.fit_loop.epoch_loop.val_loop.batch_progress
        progress.reset()
        progress.increment_ready()  # by a begun first batch, Lightning knows a validation that is to be finished
        progress.increment_started()
        trainer.training = True  # otherwise Lightning would leave the training's loader processes to themselves
        self._stop(trainer)

    def _stop(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.checkpoint)
        step, epoch = trainer.fit_loop.batch_idx + 1, trainer.current_epoch + 1
        stop_now(f"stopped after step {step} of {trainer.num_training_batches} of epoch {epoch}, which is kept")


@contextmanager
def stops(trainer: pl.Trainer) -> Iterator[None]:
    """Around `trainer.fit`: tells why it stopped.

    Raises:
        KeyboardInterrupt: Ctrl-C, or SIGTERM as `Terminated`; Lightning raises SystemExit for both. Says which step is
            kept, if one is.
        LmscError: another process of `--devices` is gone.
    """
    try:
        yield
    except SystemExit as stop:
        ours = stop.__context__
        is_terminated = isinstance(stop, SIGTERMException) or isinstance(ours, Terminated)
        told = ours.args if isinstance(ours, KeyboardInterrupt) else ()
        raise (Terminated if is_terminated else KeyboardInterrupt)(*told) from stop
    except RuntimeError as error:
        if trainer.world_size == 1 or not any(name in str(error) for name in COLLECTIVES):
            raise
        raise LmscError(
            f"Another process of --devices ended, and the training with it ({str(error).splitlines()[0]}). "
            "What that process said stands above. The finished epochs are kept; go on by --resume."
        ) from error
