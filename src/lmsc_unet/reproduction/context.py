"""The inputs of tables and figures: the budget, the data, finished folds and gaps, and results.json."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lmsc_unet.core.storage import write_text
from lmsc_unet.errors import OutputError
from lmsc_unet.metrics.counts import Counts
from lmsc_unet.reproduction.budget import BUDGETS, Budget, BudgetName
from lmsc_unet.reproduction.plan import SCORED_FILE, SCORED_VERSION, TrainingJob
from lmsc_unet.reproduction.recipes import DataName, Experiment
from lmsc_unet.reproduction.sources import DataSource
from lmsc_unet.training.config import TrainConfig

FILE = "results.json"
VERSION = 2
"""Version of the file's layout."""


def read_results(out: Path) -> dict[str, Any]:
    """The existing sections; empty without a file.

    Raises:
        OutputError: the file is not a results file, or has another version.
    """
    path = out / FILE
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version, sections = content["version"], dict(content["sections"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"{path}: this is no results file of `lmsc reproduce`. Name another folder by --out."
        ) from error
    if version != VERSION:
        raise OutputError(
            f"{path}: written in version {version} of the file, and this lmsc-unet writes version {VERSION}. "
            "Name another folder by --out, or remove the file; finished runs in runs/ are kept."
        )
    return sections


def write_results(out: Path, sections: dict[str, Any]) -> None:
    """Replaces the file as a whole.

    Raises:
        OutputError: the disk is full or the folder is not writable.
    """
    text = json.dumps({"version": VERSION, "sections": sections}, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(out / FILE, text + "\n")


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """A finished job: the counts of each scored image."""

    job: TrainingJob
    """What was trained."""
    names: tuple[str, ...]
    """The images."""
    counts: Counts
    """Their counts, "N K", in the same order."""
    about: Mapping[str, Any]
    """The other contents of scored.json: epochs, seconds, versions, machine."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """An experiment and its finished folds."""

    experiment: Experiment
    """The experiment."""
    jobs: tuple[TrainingJob, ...]
    """All its folds."""
    scored: tuple[Scored, ...]
    """Finished folds."""
    gaps: Mapping[str, str]
    """Title of an unfinished job -> reason."""

    @property
    def names(self) -> tuple[str, ...]:
        """All scored images, fold by fold."""
        return tuple(name for one in self.scored for name in one.names)

    @property
    def counts(self) -> Counts:
        """The counts of all scored images, "N K"."""
        return join([one.counts for one in self.scored])

    def scored_on(self, name: str) -> Scored | None:
        """The fold that was scored on an image."""
        return next((one for one in self.scored if name in one.names), None)


def collect(experiment: Experiment, jobs: Sequence[TrainingJob], errors: Mapping[Path, str]) -> Outcome:
    """Reads the finished folds; `errors` maps run folders of other folds to reasons."""
    return Outcome(
        experiment=experiment,
        jobs=tuple(jobs),
        scored=tuple(read_scored(job) for job in jobs if job.is_finished),
        gaps={job.title: errors.get(job.folder, "not run") for job in jobs if not job.is_finished},
    )


def read_scored(job: TrainingJob) -> Scored:
    """Reads the scores of a finished job.

    Raises:
        OutputError: the file is damaged, or has another version.
    """
    path = job.folder / SCORED_FILE
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        counts = Counts(**{kind: np.array(about["counts"][kind], np.int64) for kind in ("tp", "fp", "fn", "tn")})
        names = tuple(about["names"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path}: cannot be read ({error}). Delete it, then it is scored again.") from error
    if about.get("version") != SCORED_VERSION:
        found = about.get("version")
        raise OutputError(f"{path}: version {found}, not {SCORED_VERSION}. Delete it, then it is scored again.")
    rest = {key: value for key, value in about.items() if key not in ("names", "counts")}
    return Scored(job=job, names=names, counts=counts, about=rest)


def join(parts: Sequence[Counts]) -> Counts:
    """Concatenates stacked counts."""
    return Counts(
        tp=np.concatenate([one.tp for one in parts]),
        fp=np.concatenate([one.fp for one in parts]),
        fn=np.concatenate([one.fn for one in parts]),
        tn=np.concatenate([one.tn for one in parts]),
    )


FIGURES = "figures"


@dataclass(frozen=True, kw_only=True)
class ReportContext:
    """Everything that the maker of a section may use."""

    budget_name: BudgetName
    """The name of the budget."""
    out: Path
    """The folder of the report."""
    sources: Mapping[DataName, DataSource]
    """The data sets in use."""
    outcomes: Sequence[Outcome]
    """The section's experiments, in the order of its rows."""
    interpreters: Mapping[str, Path] = field(default_factory=dict)
    """Python of another environment, by model."""

    @property
    def budget(self) -> Budget:
        """The budget itself."""
        return BUDGETS[self.budget_name]

    @property
    def source(self) -> DataSource:
        """The data of the section's experiments."""
        return self.sources[self.outcomes[0].experiment.data]

    def facts(self) -> dict[str, Any]:
        """The facts in every caption of trained models."""
        return {
            "budget": self.budget_name,
            "budget_about": self.budget.about,
            "data": self.source.about,
            "data_path": str(self.source.path),
            "images": self.source.num_images,
            "seed": TrainConfig.seed,
            "gaps": {title: reason for one in self.outcomes for title, reason in one.gaps.items()},
        }

    def python_of(self, model: str) -> Path:
        """The Python that can build a model."""
        return self.interpreters.get(model, Path(sys.executable))

    def figure_path(self, name: str) -> Path:
        """The path of a figure."""
        return self.out / FIGURES / f"{name}.png"
