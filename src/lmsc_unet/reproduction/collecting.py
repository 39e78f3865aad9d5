"""What the run folders hold, put together: the folds of an experiment, with their gaps."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lmsc_unet.errors import OutputError
from lmsc_unet.metrics.counts import Counts
from lmsc_unet.reproduction.experiment import Experiment
from lmsc_unet.reproduction.plan import SCORED_FILE, VERSION, Job


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """A finished job: the counts of each image that it is scored on."""

    job: Job
    """What was trained."""
    names: tuple[str, ...]
    """The images."""
    counts: Counts
    """Their counts, "N K", in the same order."""
    about: Mapping[str, Any]
    """What else scored.json says: epochs, seconds, versions, machine."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """An experiment with what is there of it."""

    experiment: Experiment
    """What was to be trained."""
    jobs: tuple[Job, ...]
    """All its folds."""
    scored: tuple[Scored, ...]
    """Those that are finished."""
    gaps: Mapping[str, str]
    """Title of a job that is not -> why."""

    @property
    def names(self) -> tuple[str, ...]:
        """All images that were scored, fold by fold."""
        return tuple(name for one in self.scored for name in one.names)

    @property
    def counts(self) -> Counts:
        """The counts of all images that were scored, "N K"."""
        return join([one.counts for one in self.scored])

    def scored_on(self, name: str) -> Scored | None:
        """The fold that was scored on an image."""
        return next((one for one in self.scored if name in one.names), None)


def collect(experiment: Experiment, jobs: Sequence[Job], errors: Mapping[Path, str]) -> Outcome:
    """Reads the finished folds; `errors` says by run folder why others are not."""
    return Outcome(
        experiment=experiment,
        jobs=tuple(jobs),
        scored=tuple(read_scored(job) for job in jobs if job.is_finished),
        gaps={job.title: errors.get(job.folder, "not run") for job in jobs if not job.is_finished},
    )


def read_scored(job: Job) -> Scored:
    """The scores of a finished job.

    Raises:
        OutputError: the file is damaged, or of another version.
    """
    path = job.folder / SCORED_FILE
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        counts = Counts(**{kind: np.array(about["counts"][kind], np.int64) for kind in ("tp", "fp", "fn", "tn")})
        names = tuple(about["names"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path}: cannot be read ({error}). Delete it, and its scores are taken anew.") from error
    if about.get("version") != VERSION:
        raise OutputError(f"{path}: version {about.get('version')}, not {VERSION}. Delete it to take the scores anew.")
    rest = {key: value for key, value in about.items() if key not in ("names", "counts")}
    return Scored(job=job, names=names, counts=counts, about=rest)


def join(parts: Sequence[Counts]) -> Counts:
    """Stacked counts one after another."""
    return Counts(
        tp=np.concatenate([one.tp for one in parts]),
        fp=np.concatenate([one.fp for one in parts]),
        fn=np.concatenate([one.fn for one in parts]),
        tn=np.concatenate([one.tn for one in parts]),
    )
