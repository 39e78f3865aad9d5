"""The two loops that `training.py` times: one epoch of a plain float32 loop, and of `lmsc train`."""

import tempfile
import time
import warnings
from pathlib import Path

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader

from lmsc_unet.models import build_model
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.dataset import Crops, DecodedSamples, EpochOrder
from lmsc_unet.training.fit import fit
from lmsc_unet.training.load_model import network_config
from lmsc_unet.training.losses import DiceFocalLoss
from lmsc_unet.training.prepare import Prepared
from lmsc_unet.training.process import prepare_process

warnings.filterwarnings("ignore")


def plain_loop(prepared: Prepared, config: TrainConfig) -> float:
    """One epoch in float32; images per second."""
    fold = prepared.folds[0]
    crops = Crops(DecodedSamples(fold.train, prepared.label_map, prepared.spec), config)
    loader = DataLoader(crops, batch_size=config.batch, sampler=EpochOrder(len(crops), config.seed, lambda: 1))
    spec = prepared.spec
    network = build_model(network_config(config, spec.input_channels, spec.num_logits)).train()
    loss_of = DiceFocalLoss(config.loss, prepared.spec.num_logits)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    crops.decoded.decode_all()
    started_s = time.perf_counter()
    for image, mask in loader:
        optimizer.zero_grad()
        loss = loss_of(network(image), mask)
        loss.backward()
        optimizer.step()
        loss.item()
    return len(crops) / (time.perf_counter() - started_s)


class Clock(Callback):
    """The seconds from an epoch's start to the end of its last batch."""

    def __init__(self) -> None:
        self.epochs_s: list[float] = []

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Starts the epoch's time."""
        self.epochs_s.append(-time.perf_counter())

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        """Stops the time with the last batch."""
        if trainer.is_last_batch:
            self.epochs_s[-1] += time.perf_counter()


def lmsc_train(prepared: Prepared, config: TrainConfig) -> float:
    """The second of two epochs of `lmsc train`, validation not counted; images per second."""
    prepare_process()  # as the command does
    fold, clock = prepared.folds[0], Clock()
    with tempfile.TemporaryDirectory() as folder:
        fit(Path(folder), fold, prepared.label_map, prepared.spec, config, title="lmsc train", callbacks=[clock])
    return len(fold.train) * config.augment.crops_per_image / clock.epochs_s[-1]
