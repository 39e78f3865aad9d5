"""A whole run: checks the data, trains once or per fold, scores the best and the last epoch, draws pictures."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lmsc_unet.core.provenance import provenance
from lmsc_unet.core.storage import write_text
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.split_file import split_line
from lmsc_unet.datasets.splits import Fold
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.evaluation.intervals import Bootstrap
from lmsc_unet.evaluation.report import make_report, per_image_csv
from lmsc_unet.evaluation.segmentation import Evaluation, evaluate
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.metrics.averages import over_folds
from lmsc_unet.training.checkpoint_callback import METRICS_FILE, CheckpointCallback, write_metrics
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.fit import fit, resolve_precision
from lmsc_unet.training.load_model import load_model
from lmsc_unet.training.pictures import draw_curves, draw_predictions
from lmsc_unet.training.prepare import Prepared, prepare_data
from lmsc_unet.training.process import is_leader
from lmsc_unet.training.run_folder import as_begun, check_run_folder, discard_unstarted, open_run

SUMMARY_FILE = "summary.json"
AVERAGES = ("paper", "pooled", "per_image")


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training of a run: the only one, or one fold of the cross-validation."""

    folder: Path
    """Its folder."""
    fold: Fold
    """Its training and validation samples."""
    config: TrainConfig
    """All settings."""

    @property
    def title(self) -> str:
        """The training's name in the progress bar."""
        config = self.config
        return f"{config.model} fold {self.fold.number}/{config.folds}" if config.folds else config.model

    @property
    def is_finished(self) -> bool:
        """Whether its summary is written."""
        return (self.folder / SUMMARY_FILE).is_file()


def run(data: Path, out: Path, config: TrainConfig, *, resume: bool = False, overwrite: bool = False) -> dict[str, Any]:
    """Trains by a config and writes the run folder; returns the contents of summary.json.

    If all folds of a cross-validation are trained, each has its own run folder `fold-K`. With several devices the
    script runs once per device; all but the first return an empty summary.

    Raises:
        DataError: the data cannot be trained on, or differs from the data of the run to resume.
        OutputError: the folder holds another run, or the disk is full.
        ConfigError: the settings contradict each other, the data or the run to resume.
        DivergedError: the loss is not finite; the last good weights are kept.
    """
    if resume and overwrite:
        raise ConfigError("--resume keeps the run in the folder and --overwrite removes it. Give one of the two.")
    origin = provenance() | {"data": str(data.resolve())}
    config = replace(config, precision=resolve_precision(config.precision))
    config = as_begun(out, config) if resume else config
    if is_leader():  # before reading the data, which takes time
        check_run_folder(out, config, resume=resume, overwrite=overwrite)
    prepared = prepare_data(data, config)
    trainings = plan(out, prepared.folds, config)
    if not is_leader():
        return assist(trainings, prepared)
    open_run(out, config, resume=resume, overwrite=overwrite)
    try:
        for one in trainings:
            if one.folder != out:
                open_run(one.folder, one.config, resume=resume, overwrite=overwrite)
        summaries = [train(one, prepared, origin) for one in trainings]
    except Exception:  # of any kind: a run without a finished epoch cannot be resumed
        discard_unstarted(out)
        raise
    return summaries[0] if len(summaries) == 1 else write_summary(out, together(summaries) | origin)


def plan(out: Path, folds: Sequence[Fold], config: TrainConfig) -> tuple[Training, ...]:
    """The trainings of a run: one in its own folder, or several in `fold-K`."""
    if len(folds) == 1:
        return (Training(folder=out, fold=folds[0], config=config),)
    return tuple(
        Training(folder=out / f"fold-{fold.number}", fold=fold, config=replace(config, fold=fold.number))
        for fold in folds
    )


def train(one: Training, prepared: Prepared, origin: dict[str, Any]) -> dict[str, Any]:
    """Trains, scores and draws one training; skips what is already finished."""
    if one.is_finished:
        finished: dict[str, Any] = json.loads((one.folder / SUMMARY_FILE).read_text())
        return finished
    write_split(one.folder / "split.csv", one.fold)
    started_s = time.monotonic()
    recorder = fit(one.folder, one.fold, prepared.label_map, prepared.spec, one.config, title=one.title)
    trained_s = time.monotonic() - started_s
    write_metrics(one.folder / METRICS_FILE, recorder.rows)  # a kill after the last checkpoint loses a row
    scores = score(one.folder, one.fold, prepared.label_map)
    draw_curves(recorder.rows, one.folder / "curves.png")
    best = Predictor(*load_model(one.folder / "best.ckpt"))
    draw_predictions(best, one.fold.val, prepared.label_map, one.folder / "predictions.png")
    return write_summary(one.folder, describe(one, recorder, trained_s) | scores | origin)


def assist(trainings: Sequence[Training], prepared: Prepared) -> dict[str, Any]:
    """The work of every process of `--devices` but the first: its share of each training."""
    for one in trainings:
        if not one.is_finished:
            fit(one.folder, one.fold, prepared.label_map, prepared.spec, one.config, title=one.title)
    return {}


def describe(one: Training, recorder: CheckpointCallback, trained_s: float) -> dict[str, Any]:
    """Describes the training and its duration (since the last resume)."""
    return {
        "model": one.config.model,
        "recipe": one.config.recipe,
        "fold": one.config.fold or None,
        "epochs": len(recorder.rows),
        "best_epoch": recorder.best_epoch,
        "train_images": len(one.fold.train),
        "val_images": len(one.fold.val),
        "trained_s": round(trained_s, 1),
    }


def score(folder: Path, fold: Fold, label_map: LabelMap) -> dict[str, Any]:
    """Scores of the best and of the last epoch, and per_image.csv of the best.

    The best epoch is selected on the scored images, so its scores are optimistic; hence both are reported. If the
    paper's scores are computed at the network's size, those at the masks' size are reported too.
    """
    scores = {}
    for epoch in ("best", "last"):
        network, spec = load_model(folder / f"{epoch}.ckpt")
        evaluation = evaluate(Predictor(network, spec), fold.val, label_map)
        scores[epoch] = averages_of(evaluation)
        if epoch == "best":
            write_text(folder / "per_image.csv", per_image_csv(evaluation))
        if spec.score_at != "mask":
            at_mask = Predictor(network, replace(spec, score_at="mask"))
            scores[f"{epoch}_at_mask_size"] = averages_of(evaluate(at_mask, fold.val, label_map))
    return scores


def averages_of(evaluation: Evaluation) -> dict[str, Any]:
    """The scores per average, with bootstrap intervals."""
    report = make_report(evaluation, Bootstrap())
    return {name: report[name] for name in (*AVERAGES, "intervals", "left_out")}


def together(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """The common facts of all folds, and the spread of each score over them."""
    epochs = [key for key in summaries[0] if key.startswith(("best", "last")) and key != "best_epoch"]
    spread = {key: over_folds([{name: one[key][name] for name in AVERAGES} for one in summaries]) for key in epochs}
    return {
        "model": summaries[0]["model"],
        "recipe": summaries[0]["recipe"],
        "folds": len(summaries),
        "epochs": [one["epochs"] for one in summaries],
        "best_epochs": [one["best_epoch"] for one in summaries],
        "trained_s": round(sum(one["trained_s"] for one in summaries), 1),
        **spread,
    }


def write_split(path: Path, fold: Fold) -> None:
    """Writes the split as a CSV for `--split-file`, recordings whole; a resumed run must have the same split.

    Raises:
        DataError: the run was started on other images or with another split.
    """
    rows = [split_line(sample.file_name, part) for part in ("train", "val") for sample in getattr(fold, part)]
    text = "\n".join(["name,split", *dict.fromkeys(rows)]) + "\n"
    if path.is_file() and path.read_bytes() != text.encode():  # as bytes: a name may contain line breaks
        raise DataError(
            f"{path}: the run was started on other images, or on another split of them, than the data has now. "
            "Resume it on the same data, or start a new run in another folder."
        )
    write_text(path, text)


def write_summary(folder: Path, summary: dict[str, Any]) -> dict[str, Any]:
    """Writes summary.json, which marks a run as finished."""
    write_text(folder / SUMMARY_FILE, json.dumps(summary, indent=2) + "\n")
    return summary
