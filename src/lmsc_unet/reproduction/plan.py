"""Which trainings the tables and figures need: each once, by the hash of its config and data."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmsc_unet.config import from_mapping, to_mapping
from lmsc_unet.datasets.sigmf_folder import TEST_SHARE, VAL_SHARE
from lmsc_unet.reproduction.budget import Budget
from lmsc_unet.reproduction.experiment import DataName, Experiment
from lmsc_unet.reproduction.sources import Source
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.recipes import RECIPES, layout_settings, merged

NOT_DECISIVE = ("workers", "devices", "data")
"""Settings that are no part of a run's hash: what does not change the outcome, and where the split file lies."""
VERSION = 1
"""Of what a job does; another version runs everything anew."""
SCORED_FILE = "scored.json"
"""What a finished job leaves in its run folder."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One training and its scores: a fold of an experiment, or an experiment without folds."""

    title: str
    """What progress calls it."""
    experiment: str
    """The name of the experiment that first asked for it."""
    model: str
    """A name of `lmsc models`, or of a peer."""
    data: Path
    """The data folder."""
    folder: Path
    """The run folder."""
    config: TrainConfig
    """All settings."""
    num_train: int
    """Images that it trains on, for the estimate of its time."""
    num_held: int
    """Images that it validates on; it is scored on as many."""

    @property
    def is_finished(self) -> bool:
        """Whether its scores are written."""
        return (self.folder / SCORED_FILE).is_file()

    @property
    def part(self) -> str:
        """What is scored: what cross-validation holds back, or the test set."""
        return "val" if self.config.folds else "test"

    @property
    def epoch(self) -> str:
        """Which weights are scored: the last where they are scored on what would choose the best, else the best."""
        return "last" if self.config.folds else "best"

    def to_line(self) -> str:
        """The job as one line of JSON, as a worker reads it."""
        plain = {"title": self.title, "model": self.model, "data": str(self.data), "folder": str(self.folder)}
        return json.dumps(plain | {"part": self.part, "epoch": self.epoch, "config": to_mapping(self.config)})


def jobs_of(experiment: Experiment, budget: Budget, source: Source, runs: Path) -> tuple[Job, ...]:
    """The trainings of an experiment, one for each fold."""
    base = config_of(experiment, budget, source)
    return tuple(_job(experiment, fold, base, source, runs) for fold in range(1, base.folds + 1) or (0,))


def without_repeats(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """Each run once, though several tables show it."""
    once: dict[Path, Job] = {}
    for job in jobs:
        once.setdefault(job.folder, job)
    return tuple(once.values())


def config_of(experiment: Experiment, budget: Budget, source: Source) -> TrainConfig:
    """The recipe `paper`, changed by what the data asks for, by the budget and by the experiment, in this order."""
    of_data: Mapping[DataName, Mapping[str, Any]] = {
        "nuinsseg": {"folds": budget.folds, **budget.nuinsseg},
        "rf": {"data": {"split_file": str(source.split_file)} if source.split_file else {}, **budget.rf},
    }
    settings = merged(
        {"recipe": "paper", "model": experiment.model},
        RECIPES["paper"],
        layout_settings(source.path),
        budget.settings,
        of_data[experiment.data],
        experiment.settings,
    )
    return from_mapping(TrainConfig, settings, experiment.name)


def run_key(config: TrainConfig, source: Source) -> str:
    """Twelve hexadecimal digits of all that decides what a run ends with.

    Settings that are as by default are left out, so that a new one in a later version changes no key.
    """
    changed = _unlike(to_mapping(config), to_mapping(TrainConfig()))
    decisive = {name: value for name, value in changed.items() if name not in NOT_DECISIVE}
    text = json.dumps([VERSION, source.fingerprint, decisive], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _job(experiment: Experiment, fold: int, base: TrainConfig, source: Source, runs: Path) -> Job:
    config = from_mapping(TrainConfig, to_mapping(base) | {"fold": fold}, experiment.name)
    held_share = 1 / config.folds if config.folds else VAL_SHARE
    train_share = 1 - held_share - (0 if config.folds else TEST_SHARE)
    return Job(
        title=f"{experiment.name}{f', fold {fold} of {config.folds}' if fold else ''}",
        experiment=experiment.name,
        model=experiment.model,
        data=source.path,
        folder=runs.resolve() / run_key(config, source),
        config=config,
        num_train=round(train_share * source.num_images),
        num_held=round(held_share * source.num_images),
    )


def _unlike(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not as by default, nested as they were."""
    found = {}
    for name, value in settings.items():
        default = defaults.get(name)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            value = _unlike(value, default)
            default = {}
        if value != default:
            found[name] = value
    return found
