"""`lmsc reproduce`: finds or generates data, trains, makes the sections and writes the report."""

import fcntl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from lmsc_unet.core.provenance import provenance
from lmsc_unet.errors import ConfigError, OutputError
from lmsc_unet.reproduction.budget import BUDGETS, BudgetName
from lmsc_unet.reproduction.context import Outcome, ReportContext, collect, read_results, write_results
from lmsc_unet.reproduction.figures import make_costs, make_curves, make_features
from lmsc_unet.reproduction.peer_section import make_peers
from lmsc_unet.reproduction.peers import PEERS
from lmsc_unet.reproduction.plan import Clock, TrainingJob, by_fold, clock_text, jobs_of, without_repeats
from lmsc_unet.reproduction.predictions import make_figure5, make_figure7
from lmsc_unet.reproduction.recipes import TABLES, DataName, Experiment, Recipe
from lmsc_unet.reproduction.report import write_report
from lmsc_unet.reproduction.runner import WorkerPool, run_jobs
from lmsc_unet.reproduction.sources import DataSource, find_source
from lmsc_unet.reproduction.statistics import make_scores

RUNS, LOGS, LOCK = "runs", "logs", ".lock"
Log = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A section of the report: its experiments and its maker."""

    recipes: tuple[Recipe, ...]
    """Its rows."""
    make: Callable[[ReportContext], dict[str, Any]]
    """Makes plain data and the picture from the trained models."""


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "table1": Target(recipes=(), make=make_costs),
        "table2": Target(recipes=TABLES["table2"], make=make_scores),
        "table3": Target(recipes=TABLES["table3"], make=make_scores),
        "table4": Target(recipes=TABLES["table4"], make=make_scores),
        "choices": Target(recipes=TABLES["choices"], make=make_scores),
        "figure4": Target(recipes=TABLES["table2"], make=make_curves),
        "figure5": Target(recipes=TABLES["table2"], make=make_figure5),
        "figure6": Target(recipes=TABLES["table3"], make=make_features),
        "figure7": Target(recipes=TABLES["table4"], make=make_figure7),
        "peers": Target(recipes=TABLES["peers"], make=make_peers),
    }
)
"""The report's sections by command-line word."""
ALL = tuple(name for name in TARGETS if name != "peers")
"""The sections of `all`: the paper's own, which need no other environment."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to reproduce sections."""

    targets: tuple[str, ...]
    """Names of sections."""
    budget: BudgetName
    """The name of the budget."""
    out: Path
    """The folder of the report and of all runs."""
    data: Mapping[DataName, Path] = field(default_factory=dict)
    """Data sets on disk; the others are generated."""
    num_processes: int = 1
    """Number of concurrent trainings."""
    peers_python: Path = Path(".venv-peers/bin/python")
    """The Python of the environment built by `make peers`."""

    def interpreters(self) -> dict[str, Path]:
        """Models that need another environment, with its Python; empty unless peers are requested.

        Raises:
            ConfigError: the Python does not exist.
        """
        if "peers" not in self.targets:
            return {}
        if not self.peers_python.is_file():
            raise ConfigError(
                f"{self.peers_python}: there is no such Python. `make peers` builds the environment of the peers; "
                "name its Python by --peers-python."
            )
        return {name: self.peers_python.absolute() for name, peer in PEERS.items() if peer.is_elsewhere}


def reproduce(request: Request, log: Log) -> int:
    """Makes the sections and the report; returns the number of failed trainings.

    Sections of earlier calls stay in the report; finished trainings are not repeated.

    Raises:
        DataError: a data set's path does not exist or cannot be used.
        OutputError: the folder's results have another version, or the disk is full.
        KeyboardInterrupt: stopped; finished runs and epochs are kept.
    """
    with _locked(request.out):
        results, pool = read_results(request.out), _worker_pool(request)
        targets = {name: TARGETS[name] for name in TARGETS if name in request.targets}
        experiments = {recipe: recipe() for target in targets.values() for recipe in target.recipes}
        sources = _find_sources(request, experiments.values(), log)
        runs = request.out / RUNS
        jobs = {
            recipe: jobs_of(one, BUDGETS[request.budget], sources[one.data], runs)
            for recipe, one in experiments.items()
        }
        errors = train([job for some in jobs.values() for job in some], pool, log)
        for name, target in targets.items():
            log(f"making {name}")
            outcomes = [collect(experiments[recipe], jobs[recipe], errors) for recipe in target.recipes]
            results[name] = _make(target, _stage(request, sources, outcomes))
            write_results(request.out, results)
        write_report(request.out, results)
    return len(errors)


def train(wanted: Sequence[TrainingJob], pool: WorkerPool, log: Log) -> dict[Path, str]:
    """Runs unfinished trainings; returns the reason of each failure by run folder.

    Raises:
        KeyboardInterrupt: stopped; finished runs and epochs are kept.
    """
    once = by_fold(without_repeats(wanted))
    left = [job for job in once if not job.is_finished]
    errors: dict[Path, str] = {}
    if not left:
        return errors
    clock = Clock(left, pool.num_processes)
    log(
        f"{len(once)} trainings, {len(once) - len(left)} of them done; the others take about "
        f"{clock_text(clock.left_s())} by the speed of two cores"
    )

    def done(job: TrainingJob, error: str | None, seconds: float) -> None:
        clock.note(job, seconds, is_done=error is None)
        if error is not None:
            errors[job.folder] = error
        place = f"[{len(once) - len(clock.left)}/{len(once)}]"
        log(f"{place} {job.title}: {error or clock_text(seconds)}; left {clock_text(clock.left_s())}")

    def heartbeat(running: Mapping[TrainingJob, float]) -> None:
        names = ", ".join(f"{job.title} since {clock_text(seconds)}" for job, seconds in running.items())
        log(f"running {names}; left {clock_text(clock.left_s(running))}")

    run_jobs(left, pool, done, heartbeat)
    return errors


def _worker_pool(request: Request) -> WorkerPool:
    return WorkerPool(
        num_processes=request.num_processes,
        num_gpus=torch.cuda.device_count(),
        logs=request.out.resolve() / LOGS,
        interpreters=request.interpreters(),
    )


def _stage(request: Request, sources: Mapping[DataName, DataSource], outcomes: Sequence[Outcome]) -> ReportContext:
    return ReportContext(
        budget_name=request.budget,
        out=request.out,
        sources=sources,
        outcomes=outcomes,
        interpreters=request.interpreters(),
    )


def _make(target: Target, stage: ReportContext) -> dict[str, Any]:
    started_s = time.monotonic()
    section = target.make(stage)
    trained_s = sum(one.about["trained_s"] for outcome in stage.outcomes for one in outcome.scored)
    times = {"took_s": round(time.monotonic() - started_s, 1), "trained_s": round(trained_s, 1)}
    return section | {"origin": provenance() | times}


def _find_sources(request: Request, experiments: Iterable[Experiment], log: Log) -> dict[DataName, DataSource]:
    """Finds or generates only the data that the experiments need."""
    sources: dict[DataName, DataSource] = {}
    for name in dict.fromkeys(experiment.data for experiment in experiments):
        if name not in request.data:
            log(f"no --data {name}=PATH: using generated images")
        sources[name] = find_source(name, request.data.get(name), BUDGETS[request.budget], request.out)
        log(f"{name}: {sources[name].about}")
    return sources


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Locks the folder against a second `lmsc reproduce`."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / LOCK).open("w")
    except OSError as error:
        raise OutputError(f"{out}: the folder cannot be made or written ({error.strerror}). Name another.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                f"{out}: another `lmsc reproduce` is running here. Wait for it, or name another --out."
            ) from error
        yield
