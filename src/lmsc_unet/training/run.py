"""A whole run: data checked, one training or each fold's, scores of the best and the last epoch, pictures."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lmsc_unet.data.splits import Fold
from lmsc_unet.prediction.predictor import Predictor
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.fit import fit, resolve_precision
from lmsc_unet.training.kfold import over_folds
from lmsc_unet.training.pictures import draw_curves, draw_predictions
from lmsc_unet.training.prepare import Prepared, prepare_data
from lmsc_unet.training.provenance import provenance
from lmsc_unet.training.recorder import Recorder
from lmsc_unet.training.run_folder import open_run, write_text

SUMMARY_FILE = "summary.json"
EPOCHS_SCORED = ("best", "last")


def run(data: Path, out: Path, config: TrainConfig, *, resume: bool = False, overwrite: bool = False) -> dict[str, Any]:
    """Trains by a config and writes the run folder; returns what summary.json holds.

    With folds the folder holds a run folder `fold-K` for each, and their scores together.

    Raises:
        DataError: the data cannot be trained on; each reason is named.
        OutputError: the folder holds another run, or the disk is full.
        ConfigError: settings at odds with the data or the run to resume.
        DivergedError: the loss is not finite; the last good weights are kept.
    """
    config = replace(config, precision=resolve_precision(config.precision))
    prepared = prepare_data(data, config)
    open_run(out, config, resume=resume, overwrite=overwrite)
    if not config.folds:
        return _run_fold(out, prepared.folds[0], prepared, config, title=config.model)
    return _run_folds(out, prepared, config, resume=resume)


def _run_folds(out: Path, prepared: Prepared, config: TrainConfig, *, resume: bool) -> dict[str, Any]:
    summaries = []
    for fold in prepared.folds:
        folder = out / f"fold-{fold.number}"
        open_run(folder, replace(config, fold=fold.number), resume=resume, overwrite=False)
        title = f"{config.model} fold {fold.number}/{config.folds}"
        summaries.append(_run_fold(folder, fold, prepared, config, title=title))
    return _write_summary(out, {"folds": len(summaries), **_together(summaries), **provenance()})


def _run_fold(folder: Path, fold: Fold, prepared: Prepared, config: TrainConfig, *, title: str) -> dict[str, Any]:
    """One training with its scores; a fold that is finished is not run again."""
    finished = folder / SUMMARY_FILE
    if finished.is_file():
        summary: dict[str, Any] = json.loads(finished.read_text())
        return summary
    _write_split(folder, fold)
    started_s = time.monotonic()
    recorder = fit(folder, fold, prepared.label_map, prepared.spec, config, title=title)
    trained_s = time.monotonic() - started_s
    scores = _score(folder, fold, prepared)
    draw_curves(recorder.rows, folder / "curves.png")
    draw_predictions(Predictor.load(folder), fold.val, prepared.label_map, folder / "predictions.png")
    return _write_summary(folder, _summary(config, fold, recorder, trained_s) | scores | provenance())
