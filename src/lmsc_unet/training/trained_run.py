"""What is exported: a run's network, and what the run folder knows of its data and its making."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from lmsc_unet.core.storage import sha256
from lmsc_unet.datasets.options import DataOptions, PieceOptions
from lmsc_unet.evaluation.session import pieces_of
from lmsc_unet.inference.loading import find_file
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.training.load_model import load_module
from lmsc_unet.training.run_folder import is_run, read_config

SPLIT_FILE, SUMMARY_FILE = "split.csv", "summary.json"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A trained network and where it comes from."""

    network: nn.Module
    """The network in evaluation mode, batch norms and all."""
    spec: ModelSpec
    """How it wants its images."""
    checkpoint: Path
    """The checkpoint file."""
    checkpoint_sha256: str
    """Its SHA-256."""
    data_options: DataOptions
    """How the run's data folder is laid out; the defaults of a checkpoint without its run."""
    pieces: PieceOptions
    """How the run's recordings became pictures; of a checkpoint without its run, as its model says."""
    split_file: Path | None
    """Which images the run trained and validated on."""
    data: Path | None
    """The run's data folder, if it is noted and still there."""
    commit: str
    """The commit that trained it; empty where it is not known."""


def open_source(model: Path) -> Source:
    """Loads a run folder or a checkpoint.

    Raises:
        ModelError: nothing is there, or it is damaged, or it does not fit the model that it names.
    """
    checkpoint = find_file(model)
    network, spec = load_module(checkpoint)
    folder = checkpoint.parent
    summary = _summary(folder)
    config = read_config(folder) if is_run(folder) else None
    split_file, data = folder / SPLIT_FILE, Path(str(summary.get("data") or ""))
    return Source(
        network=network,
        spec=spec,
        checkpoint=checkpoint,
        checkpoint_sha256=sha256(checkpoint),
        data_options=config.data if config is not None else DataOptions(),
        pieces=config.recordings if config is not None else pieces_of(spec),
        split_file=split_file if split_file.is_file() else None,
        data=data if summary.get("data") and data.is_dir() else None,
        commit=str(summary.get("commit") or ""),
    )


def _summary(folder: Path) -> dict[str, Any]:
    """summary.json of a finished run; nothing where there is none."""
    try:
        summary = json.loads((folder / SUMMARY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}
