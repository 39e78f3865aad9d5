"""Carries out one job from data to scores; a worker calls it for each line."""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from lmsc_unet.catalog import CATALOG
from lmsc_unet.config import from_mapping
from lmsc_unet.core.provenance import provenance
from lmsc_unet.core.storage import write_text
from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.errors import LmscError
from lmsc_unet.evaluation.segmentation import Evaluation, evaluate
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.reproduction.peers import PEERS, build_peer
from lmsc_unet.reproduction.plan import SCORED_FILE, SCORED_VERSION
from lmsc_unet.training.checkpoint import read_checkpoint
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.fit import fit, resolve_precision
from lmsc_unet.training.load_model import PREFIX, as_network, load_module
from lmsc_unet.training.prepare import Prepared, prepare_data
from lmsc_unet.training.run import write_split
from lmsc_unet.training.run_folder import discard_unstarted, open_run


@dataclass(frozen=True, kw_only=True)
class FoldTask:
    """A job as received by a worker."""

    title: str
    """Its title in the progress output."""
    model: str
    """A name of `lmsc models`, or of a peer."""
    data: Path
    """The data folder."""
    folder: Path
    """The run folder."""
    part: Literal["val", "test"]
    """The scored images."""
    epoch: Literal["last", "best"]
    """The scored weights."""
    config: TrainConfig
    """All settings."""


def read_work(line: str) -> FoldTask:
    """Parses a line of `TrainingJob.to_line`."""
    return from_mapping(FoldTask, json.loads(line), "job")


def carry_out(work: FoldTask) -> None:
    """Trains, or resumes a stopped run, and writes scored.json into the run folder.

    Raises:
        LmscError: as `lmsc train` and `lmsc evaluate`; finished epochs are kept.
    """
    config = replace(work.config, precision=resolve_precision(work.config.precision))
    origin, started_s = provenance(), time.monotonic()
    prepared = prepare(work.data, config)
    open_run(work.folder, config, resume=True, overwrite=False)
    try:
        write_split(work.folder / "split.csv", prepared.folds[0])
        torch.manual_seed(config.seed)
        network = build_peer(config.model, prepared.spec) if config.model in PEERS else None
        recorder = fit(
            work.folder,
            prepared.folds[0],
            prepared.label_map,
            prepared.spec,
            config,
            title=work.title,
            network=network,
        )
    except LmscError:
        discard_unstarted(work.folder)
        raise
    trained_s = time.monotonic() - started_s
    module, spec = load(work.folder / f"{work.epoch}.ckpt", config.model)
    scored = evaluate(Predictor(as_network(module), spec), samples_of(work, prepared), prepared.label_map)
    about = {
        "version": SCORED_VERSION,
        "part": work.part,
        "epoch": work.epoch,
        "epochs": len(recorder.rows),
        "best_epoch": recorder.best_epoch,
        "train_images": len(prepared.folds[0].train),
        "trained_s": round(trained_s, 1),
    }
    write_text(work.folder / SCORED_FILE, json.dumps(about | to_plain(scored) | {"origin": origin}) + "\n")


def prepare(data: Path, config: TrainConfig) -> Prepared:
    """Prepares data like a training; a peer gets a spec with its own name and side multiple.

    Raises:
        DataError: the data cannot be trained on.
    """
    if config.model in CATALOG:
        return prepare_data(data, config)
    prepared = prepare_data(data, replace(config, model="lmsc-unet", network={}))
    spec = replace(prepared.spec, name=config.model, side_multiple_px=PEERS[config.model].multiple_px)
    return replace(prepared, spec=spec)


def samples_of(work: FoldTask, prepared: Prepared) -> tuple[Sample, ...]:
    """The scored samples of a job."""
    if work.part == "val":
        return prepared.folds[0].val
    return find_dataset(work.data, work.config.data, pieces=work.config.recordings).of_split("test")


def load(path: Path, model: str) -> tuple[nn.Module, ModelSpec]:
    """The network of a checkpoint, from the catalog or a peer."""
    return load_peer(path, model) if model in PEERS else load_module(path)


def load_peer(path: Path, name: str) -> tuple[nn.Module, ModelSpec]:
    """A trained peer in evaluation mode, and its spec.

    Raises:
        ModelError: the checkpoint is missing or damaged, or the peer's package is not installed here.
    """
    checkpoint = read_checkpoint(path)
    spec = from_mapping(ModelSpec, checkpoint["lmsc"]["spec"], str(path))
    network = build_peer(name, spec)
    state = checkpoint["state_dict"]
    network.load_state_dict({key.removeprefix(PREFIX): value for key, value in state.items() if key.startswith(PREFIX)})
    return network.eval(), spec


def to_plain(evaluation: Evaluation) -> dict[str, Any]:
    """The counts of each image, from which all scores are computed."""
    counts = evaluation.counts
    return {
        "names": [sample.name for sample in evaluation.samples],
        "counts": {kind: getattr(counts, kind).tolist() for kind in ("tp", "fp", "fn", "tn")},
        "class_names": list(evaluation.class_names),
    }
