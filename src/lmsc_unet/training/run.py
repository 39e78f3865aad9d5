"""A whole run: data checked, one training or each fold's, scores of the best and the last epoch, pictures."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from lmsc_unet.data.labels import LabelMap
from lmsc_unet.data.splits import Fold
from lmsc_unet.evaluation.evaluate import Evaluation, evaluate
from lmsc_unet.evaluation.intervals import Bootstrap
from lmsc_unet.evaluation.report import make_report, per_image_csv
from lmsc_unet.prediction.files import write_text
from lmsc_unet.prediction.predictor import Predictor
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.fit import fit, resolve_precision
from lmsc_unet.training.kfold import over_folds
from lmsc_unet.training.loading import load_model
from lmsc_unet.training.pictures import draw_curves, draw_predictions
from lmsc_unet.training.prepare import Prepared, prepare_data
from lmsc_unet.training.provenance import provenance
from lmsc_unet.training.recorder import Recorder
from lmsc_unet.training.run_folder import open_run

SUMMARY_FILE = "summary.json"
AVERAGES = ("paper", "pooled", "per_image")


def run(data: Path, out: Path, config: TrainConfig, *, resume: bool = False, overwrite: bool = False) -> dict[str, Any]:
    """Trains by a config and writes the run folder; returns what summary.json holds.

    Where all folds of a cross-validation are trained, each has a run folder `fold-K` of its own in the folder.

    Raises:
        DataError: the data cannot be trained on; each reason is named.
        OutputError: the folder holds another run, or the disk is full.
        ConfigError: settings at odds with the data or the run to resume.
        DivergedError: the loss is not finite; the last good weights are kept.
    """
    origin = provenance() | {"data": str(data.resolve())}
    config = replace(config, precision=resolve_precision(config.precision))
    prepared = prepare_data(data, config)
    open_run(out, config, resume=resume, overwrite=overwrite)
    if len(prepared.folds) == 1:
        return run_fold(out, prepared.folds[0], prepared, config, origin)
    summaries = []
    for fold in prepared.folds:
        folder, of_fold = out / f"fold-{fold.number}", replace(config, fold=fold.number)
        open_run(folder, of_fold, resume=resume, overwrite=overwrite)
        summaries.append(run_fold(folder, fold, prepared, of_fold, origin))
    return write_summary(out, together(summaries) | origin)


def run_fold(
    folder: Path, fold: Fold, prepared: Prepared, config: TrainConfig, origin: dict[str, Any]
) -> dict[str, Any]:
    """One training, its scores and its pictures; what is finished already is not run again."""
    if (folder / SUMMARY_FILE).is_file():
        finished: dict[str, Any] = json.loads((folder / SUMMARY_FILE).read_text())
        return finished
    write_text(folder / "split.csv", split_text(fold))
    started_s = time.monotonic()
    title = f"{config.model} fold {fold.number}/{config.folds}" if config.folds else config.model
    recorder = fit(folder, fold, prepared.label_map, prepared.spec, config, title=title)
    trained_s = time.monotonic() - started_s
    scores = score(folder, fold, prepared.label_map)
    draw_curves(recorder.rows, folder / "curves.png")
    draw_predictions(Predictor.load(folder), fold.val, prepared.label_map, folder / "predictions.png")
    return write_summary(folder, describe(config, fold, recorder, trained_s) | scores | origin)


def describe(config: TrainConfig, fold: Fold, recorder: Recorder, trained_s: float) -> dict[str, Any]:
    """What was trained on what, and for how long (after a kill: since it was resumed)."""
    return {
        "model": config.model,
        "recipe": config.recipe,
        "fold": config.fold or None,
        "epochs": len(recorder.rows),
        "best_epoch": recorder.best_epoch,
        "train_images": len(fold.train),
        "val_images": len(fold.val),
        "trained_s": round(trained_s, 1),
    }


def score(folder: Path, fold: Fold, label_map: LabelMap) -> dict[str, Any]:
    """Scores of the best and of the last epoch, and per_image.csv of the best.

    The best epoch is chosen on the images that are scored, which flatters; so both stand side by side. Where the
    paper's scores are taken at the network's size, those at the masks' own size stand beside them.
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
    """The scores by average, with their bootstrap intervals."""
    report = make_report(evaluation, Bootstrap())
    return {name: report[name] for name in (*AVERAGES, "intervals", "left_out")}


def together(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """What the folds have in common, and the spread of each score over them."""
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


def split_text(fold: Fold) -> str:
    """The split as a CSV that `--split-file` takes; recordings are named whole."""
    rows = [f"{_quoted(s.file_name)},{part}" for part in ("train", "val") for s in getattr(fold, part)]
    return "\n".join(["name,split", *dict.fromkeys(rows)]) + "\n"


def write_summary(folder: Path, summary: dict[str, Any]) -> dict[str, Any]:
    """Writes summary.json, the sign that a run is finished."""
    write_text(folder / SUMMARY_FILE, json.dumps(summary, indent=2) + "\n")
    return summary


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(sign in name for sign in ',"\n') else name
