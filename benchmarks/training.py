"""Images per second of `lmsc train` against a plain float32 loop with the same network, loss and data.

Both run in turn on the same machine; the median of the ratios is what counts, since machines are shared and noisy.
The plain loop is what one writes first: float32, default memory layout, the same crops and the same AdamW.

    python benchmarks/training.py [--rounds 5] [--images 24] [--out benchmarks/results/training.json]
"""

import argparse
import json
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader

from lmsc_unet.core.provenance import provenance
from lmsc_unet.models import build_model
from lmsc_unet.synthetic.tissue.writer import write_nuclei
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.dataset import Crops, DecodedSamples, EpochOrder
from lmsc_unet.training.fit import fit, resolve_precision
from lmsc_unet.training.load_model import network_config
from lmsc_unet.training.losses import DiceFocalLoss
from lmsc_unet.training.prepare import Prepared, prepare_data
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


def main() -> None:
    """Prints a line a round and writes the medians with the machine and the commit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--model", default="lmsc-unet")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "training.json")
    parser.add_argument("--show", action="store_true", help="print the result that is there, and measure nothing")
    options = parser.parse_args()
    if options.show:
        show(json.loads(options.out.read_text()))
        return
    config = TrainConfig(model=options.model, epochs=2, validate_every=2, precision=resolve_precision("auto"))
    rounds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        write_nuclei(Path(folder), count=options.images, size_px=256, seed=0)
        prepared = prepare_data(Path(folder), config)
        for number in range(options.rounds):
            ours, plain = lmsc_train(prepared, config), plain_loop(prepared, config)
            rounds.append({"lmsc_train": ours, "plain_float32": plain, "ratio": ours / plain})
            print(f"round {number + 1}: lmsc train {ours:.2f}, plain {plain:.2f} images/s, ratio {ours / plain:.2f}")
    medians = {name: round(statistics.median(row[name] for row in rounds), 3) for name in rounds[0]}
    print(f"median: {medians}")
    result = {"model": options.model, "precision": config.precision, "median": medians, "rounds": rounds}
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(result | provenance(), indent=2) + "\n")


def show(result: dict[str, Any]) -> None:
    """Prints a result as a Markdown table."""
    median, machine = result["median"], result["machine"]
    print("| lmsc train, images/s | plain float32, images/s | ratio |\n|---:|---:|---:|")
    print(f"| {median['lmsc_train']:.2f} | {median['plain_float32']:.2f} | {median['ratio']:.2f} |")
    where = f"{machine['cpu']}, {machine['threads']} threads, {result['precision']}"
    made = f"{len(result['rounds'])} rounds, {result['date'][:10]}, commit {result['commit']}"
    print(f"\n{result['model']}, {made}, {where}.")


if __name__ == "__main__":
    main()
