"""The trainings that tables and figures need, each once by the hash of its config and data, and their durations."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lmsc_unet.config import from_mapping, to_mapping
from lmsc_unet.datasets.sigmf_folder import TEST_SHARE, VAL_SHARE
from lmsc_unet.reproduction.budget import Budget
from lmsc_unet.reproduction.recipes import DataName, Experiment
from lmsc_unet.reproduction.sources import DataSource
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.recipes import RECIPES, layout_settings, merged

NOT_DECISIVE = ("workers", "devices", "data")
"""Settings excluded from a run's hash: those that do not change the result, and the path of the split file."""
SCORED_VERSION = 1
"""Version of a job's procedure; a new version runs everything again."""
SCORED_FILE = "scored.json"
"""The result of a finished job in its run folder."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingJob:
    """One training with its scores: a fold of an experiment, or an experiment without folds."""

    title: str
    """Its title in the progress output."""
    experiment: str
    """The experiment that first needs it."""
    model: str
    """A name of `lmsc models`, or of a peer."""
    data: Path
    """The data folder."""
    folder: Path
    """The run folder."""
    config: TrainConfig
    """All settings."""
    num_train: int
    """Number of training images, for the time estimate."""
    num_held: int
    """Number of validation images; as many are scored."""

    @property
    def is_finished(self) -> bool:
        """Whether its scores are written."""
        return (self.folder / SCORED_FILE).is_file()

    @property
    def part(self) -> str:
        """The scored images: the held-out fold, or the test set."""
        return "val" if self.config.folds else "test"

    @property
    def epoch(self) -> str:
        """The scored weights: the last epoch if the best would be selected on the scored images, else the best."""
        return "last" if self.config.folds else "best"

    def to_line(self) -> str:
        """The job as one line of JSON for a worker."""
        plain = {"title": self.title, "model": self.model, "data": str(self.data), "folder": str(self.folder)}
        return json.dumps(plain | {"part": self.part, "epoch": self.epoch, "config": to_mapping(self.config)})


def jobs_of(experiment: Experiment, budget: Budget, source: DataSource, runs: Path) -> tuple[TrainingJob, ...]:
    """The trainings of an experiment, one per fold."""
    base = config_of(experiment, budget, source)
    return tuple(_job(experiment, fold, base, source, runs) for fold in range(1, base.folds + 1) or (0,))


def without_repeats(jobs: Iterable[TrainingJob]) -> tuple[TrainingJob, ...]:
    """Each run once, although several tables show it."""
    once: dict[Path, TrainingJob] = {}
    for job in jobs:
        once.setdefault(job.folder, job)
    return tuple(once.values())


def config_of(experiment: Experiment, budget: Budget, source: DataSource) -> TrainConfig:
    """The recipe `paper`, changed by the data, the budget and the experiment, in this order."""
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


def run_key(config: TrainConfig, source: DataSource) -> str:
    """Twelve hexadecimal digits that identify everything a run's result depends on.

    Default settings are omitted, so that a new setting in a later version does not change existing keys.
    """
    changed = _unlike(to_mapping(config), to_mapping(TrainConfig()))
    decisive = {name: value for name, value in changed.items() if name not in NOT_DECISIVE}
    text = json.dumps([SCORED_VERSION, source.fingerprint, decisive], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _job(experiment: Experiment, fold: int, base: TrainConfig, source: DataSource, runs: Path) -> TrainingJob:
    config = from_mapping(TrainConfig, to_mapping(base) | {"fold": fold}, experiment.name)
    held_share = 1 / config.folds if config.folds else VAL_SHARE
    train_share = 1 - held_share - (0 if config.folds else TEST_SHARE)
    return TrainingJob(
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
    """The settings that differ from the defaults, nested as before."""
    found = {}
    for name, value in settings.items():
        default = defaults.get(name)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            value = _unlike(value, default)
            default = {}
        if value != default:
            found[name] = value
    return found


TRAIN_S: Mapping[str, float] = MappingProxyType({"unet": 0.6})
"""Seconds per training image of 256 x 256 px on two cores in bfloat16, by model."""
SCORE_S: Mapping[str, float] = MappingProxyType({"unet": 0.25})
"""Seconds per validated or scored image."""
OTHERS_TRAIN_S, OTHERS_SCORE_S = 0.2, 0.06
"""For LMSC-UNet, and assumed for all others."""
START_S = 3.0
"""Seconds of a training before its first step."""


def estimate_s(job: TrainingJob) -> float:
    """Estimated seconds of a job on two idle cores; other machines differ by a factor."""
    config = job.config
    share = (config.size_px / 256) ** 2
    train_s = TRAIN_S.get(job.model, OTHERS_TRAIN_S) * job.num_train
    score_s = SCORE_S.get(job.model, OTHERS_SCORE_S) * job.num_held
    return START_S + share * (config.epochs * (train_s + score_s / config.validate_every) + score_s)


def by_fold(jobs: Iterable[TrainingJob]) -> tuple[TrainingJob, ...]:
    """Fold 1 of all experiments before fold 2, short ones first, so that a stopped run allows comparisons."""
    return tuple(sorted(jobs, key=lambda job: (job.config.fold, estimate_s(job))))


class Clock:
    """Estimates the remaining time from the jobs finished on this machine."""

    def __init__(self, jobs: Iterable[TrainingJob], num_processes: int) -> None:
        self.left = {job: estimate_s(job) for job in jobs}
        self.num_processes = num_processes
        self.estimated_s = self.taken_s = 0.0

    def note(self, job: TrainingJob, seconds: float, *, is_done: bool) -> None:
        """Removes a job; a failed one does not change the estimate."""
        estimate = self.left.pop(job)
        if is_done:
            self.estimated_s += estimate
            self.taken_s += seconds

    def left_s(self, running: Mapping[TrainingJob, float] = MappingProxyType({})) -> float:
        """Remaining seconds, minus those that running jobs have already taken."""
        factor = self.taken_s / self.estimated_s if self.estimated_s else 1.0
        behind = sum(min(seconds, factor * self.left[job]) for job, seconds in running.items() if job in self.left)
        return (factor * sum(self.left.values()) - behind) / self.num_processes


def clock_text(seconds: float) -> str:
    """Hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))
