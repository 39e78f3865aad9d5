"""One training from a config: data in, run folder out, resumable at any moment."""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.utils.data import DataLoader

from lmsc_unet.config import from_mapping
from lmsc_unet.core.stopping import obey_parent_only
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.splits import Fold
from lmsc_unet.errors import ConfigError, ModelError
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.models import build_model
from lmsc_unet.training.callbacks import AtomicCheckpointIO, LastStep, TrainingProgress, averaging, stops
from lmsc_unet.training.checkpoint import read_checkpoint
from lmsc_unet.training.checkpoint_callback import LAST, CheckpointCallback
from lmsc_unet.training.config import Precision, TrainConfig
from lmsc_unet.training.dataset import Crops, DecodedSamples, EpochOrder, WholeImages
from lmsc_unet.training.load_model import network_config
from lmsc_unet.training.losses import class_weights
from lmsc_unet.training.module import Segmentation
from lmsc_unet.training.pretrained import load_initial
from lmsc_unet.training.run_folder import config_diff
from lmsc_unet.training.teachers import load_teachers


def fit(
    folder: Path,
    fold: Fold,
    label_map: LabelMap,
    spec: ModelSpec,
    config: TrainConfig,
    *,
    title: str,
    callbacks: Sequence[Callback] = (),
    network: nn.Module | None = None,
) -> CheckpointCallback:
    """Trains to the last epoch or until patience is exhausted; resumes from `last.ckpt` if the folder has one.

    Args:
        folder: The run folder, created by `open_run`.
        fold: The training and validation samples.
        label_map: The meaning of mask values.
        spec: How the model's input is made.
        config: All settings.
        title: The training's name in the progress bar.
        callbacks: Additional Lightning callbacks.
        network: The network to train; the config's model if not given.

    Raises:
        DivergedError: the loss is not finite; the checkpoints of the last finished epoch are kept.
        OutputError: a checkpoint cannot be written; the previous one is kept.
        ModelError: `last.ckpt` is damaged or from another run; or the initial weights or a teacher do not exist.
        ConfigError: the initial weights have another network, other channels or other classes; or a teacher
            sees other pixels or classes.
        KeyboardInterrupt: stopped by Ctrl-C or SIGTERM; the last step is kept, with several processes the last
            finished epoch. The message names the step, if any.
        ConfigError: the run was stopped within an epoch and is resumed on several devices.
        LmscError: a process of `devices` ended.
    """
    _quieten()
    torch.manual_seed(config.seed)
    network = network or build_model(network_config(config, spec.input_channels, spec.num_outputs))
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    recorder = CheckpointCallback(folder, config.patience)
    last_step = LastStep(folder / LAST)
    own = [*averaging(config.ema_decay), last_step, TrainingProgress(title), recorder]
    trainer = _trainer(folder, config, [*callbacks, *own])
    crops = Crops(DecodedSamples(fold.train, label_map, spec), config)
    last = _checkpoint_to_resume(folder, config)
    if config.initial_weights and last is None:
        load_initial(network, config.initial_weights, spec, crops, config.batch)
    train = _train_loader(crops, config, trainer, recorder)
    val = _val_loader(DecodedSamples(fold.val, label_map, spec), config)
    weights, teachers = _class_weights(crops.decoded, config), load_teachers(config.teacher, spec)
    module = Segmentation(network, spec, config, len(train), weights, teachers)
    with stops(trainer), last_step.waits:
        trainer.fit(module, train, val, ckpt_path=last, weights_only=True)
    return recorder


def _class_weights(decoded: DecodedSamples, config: TrainConfig) -> Tensor | None:
    if not config.loss.class_balance:
        return None
    masks = (decoded[index].mask for index in range(len(decoded)))
    return class_weights(masks, decoded.label_map.num_classes, config.loss.class_balance)


def resolve_precision(precision: Precision) -> Precision:
    """Resolves `auto`: bf16 if GPU or CPU compute it natively, otherwise 32."""
    if precision != "auto":
        return precision
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "32"
    capabilities = torch.cpu.get_capabilities()
    return "bf16" if capabilities.get("avx512_bf16") or capabilities.get("bf16") else "32"


def _checkpoint_to_resume(folder: Path, config: TrainConfig) -> Path | None:
    """`last.ckpt`, if it exists and this run wrote it."""
    last = folder / LAST
    if not last.is_file():
        return None
    own = read_checkpoint(last)["lmsc"]
    written = from_mapping(TrainConfig, own.get("config"), str(last))
    changed = config_diff(written, config)
    if changed:
        raise ModelError(
            f"{last}: this checkpoint is from another run, with other settings ({'; '.join(changed)}). "
            "Restore this run's own checkpoint, or start a new run in another folder."
        )
    if own.get("step") and config.devices > 1:
        raise ConfigError(
            f"{last}: the run was stopped after step {own['step']} of epoch {own['epoch'] + 1}, and several processes "
            "can only start at a whole epoch. Go on with --devices 1."
        )
    return last


def _trainer(folder: Path, config: TrainConfig, callbacks: list[Callback]) -> pl.Trainer:
    is_many = config.devices > 1
    return pl.Trainer(
        accelerator="gpu" if torch.cuda.is_available() else "cpu",
        devices=config.devices,
        strategy="ddp" if is_many else "auto",
        precision={"32": "32-true", "bf16": "bf16-mixed"}[resolve_precision(config.precision)],
        max_epochs=config.epochs,
        check_val_every_n_epoch=config.validate_every,
        gradient_clip_val=config.optimizer.clip_norm or None,
        callbacks=callbacks,
        plugins=[AtomicCheckpointIO()],
        logger=_loggers(folder, config),
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=True,
        default_root_dir=folder,
    )


def _loggers(folder: Path, config: TrainConfig) -> list[pl.loggers.Logger]:
    if not config.tensorboard:
        return []
    from lightning.pytorch.loggers import TensorBoardLogger

    return [TensorBoardLogger(folder, name="tensorboard", version="")]


def _train_loader(
    crops: Crops, config: TrainConfig, trainer: pl.Trainer, recorder: CheckpointCallback
) -> DataLoader[object]:
    if config.workers or config.devices > 1:
        crops.decoded.decode_all()
    return DataLoader(
        crops,
        batch_size=config.batch // trainer.world_size,
        sampler=EpochOrder(
            len(crops),
            config.seed,
            recorder.finished_epochs,
            lambda: config.batch * recorder.steps_done,
            rank=trainer.global_rank,
            num_ranks=trainer.world_size,
        ),
        num_workers=config.workers,
        worker_init_fn=obey_parent_only,
        persistent_workers=config.workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def _val_loader(decoded: DecodedSamples, config: TrainConfig) -> DataLoader[object]:
    """Images of one size are batched; others are loaded one by one."""
    images = WholeImages(decoded)
    return DataLoader(images, batch_size=config.batch if config.input.treatment == "resize" else 1)


def _quieten() -> None:
    """Hides Lightning's notes, which a user of `lmsc` cannot act on."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for message in (
        ".*does not have many workers.*",
        ".*Checkpoint directory.*",
        ".*lr_scheduler.step.*",
        ".*srun.*",
        ".*LeafSpec.*",
        ".*dataloader is not resumable.*",  # the order of our crops is resumable
    ):
        warnings.filterwarnings("ignore", message)
