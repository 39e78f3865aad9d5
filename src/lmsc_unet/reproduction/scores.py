"""The sections of Tables 2 to 4 and of the open choices: scores beside the paper's, and every pair compared."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from lmsc_unet.reproduction.collecting import Outcome, Scored
from lmsc_unet.reproduction.stage import Stage
from lmsc_unet.reproduction.statistics import Pair, compare_all, summarise, without_foreground


def make_scores(stage: Stage, compared: Callable[[Sequence[Outcome]], Sequence[Pair]] = compare_all) -> dict[str, Any]:
    """Rows of scores, and the pairs of rows with their tests, as plain data."""
    return {
        "kind": "scores",
        **stage.facts(),
        "rows": [_row(outcome, stage) for outcome in stage.outcomes],
        "pairs": [asdict(pair) | {"is_real": pair.is_real} for pair in compared(stage.outcomes)],
    }


def _row(outcome: Outcome, stage: Stage) -> dict[str, Any]:
    experiment = outcome.experiment
    return {
        "title": experiment.title,
        "model": experiment.model,
        "settings": dict(experiment.settings),
        "paper": asdict(experiment.paper) if experiment.paper else None,
        "scores": summarise(outcome),
        "empty": without_foreground(outcome),
        "folds": len(outcome.jobs),
        "runs": [_run(one, stage) for one in outcome.scored],
        "gaps": dict(outcome.gaps),
    }


def _run(one: Scored, stage: Stage) -> dict[str, Any]:
    about = one.about
    return {
        "title": one.job.title,
        "folder": one.job.folder.relative_to(stage.out.resolve()).as_posix(),
        "seed": one.job.config.seed,
        "epochs": about["epochs"],
        "scored": f"{about['epoch']} epoch on {about['part']}",
        "images": len(one.names),
        "trained_s": about["trained_s"],
        "commit": about["origin"]["commit"],
        "machine": about["origin"]["machine"],
    }
