"""`lmsc evaluate`: scores a model on images with masks, or on recordings."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from lmsc_unet.core.progress import progress
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.inference.runtime import TILE_PX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lmsc_unet.evaluation.detection import BoxScores
    from lmsc_unet.evaluation.session import EvaluationSession


def evaluate(
    model: str,
    data: Path,
    /,
    *,
    out: Path | None = None,
    format: Literal["table", "json"] = "table",
    options: Annotated[DataOptions, Parameter(name="*")] = DataOptions(),  # noqa: B008 - frozen
    split: Literal["train", "val", "test", "all"] | None = None,
    threshold: float | None = None,
    scale: float | None = None,
    tile_px: int = TILE_PX,
    batch: int = 1,
    backend: str | None = None,
    threads: int | None = None,
    frames_per_row: int | None = None,
    split_seed: int = 19,
    draws: int = 2000,
    seed: int = 19,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Score a model on a folder of images and masks, or of recordings; every score names its average.

    With --instances, objects are scored too: PQ, DQ, SQ, AJI, and F1 at an IoU of 0.5 to 0.9. On SigMF recordings the
    pixel scores of their spectrograms are followed by scores of boxes in time and frequency, for the model and the
    energy detector.

    Args:
        model: A bundled model's name (`lmsc models --bundled`), a run folder of `lmsc train`, a checkpoint, or a file
            of `lmsc export`.
        data: Folder with images/ and masks/ paired by stem, NuInsSeg as published, or SigMF recordings.
        out: Folder for scores.json, per_image.csv and worst_and_best.png; for recordings also boxes.csv and boxes.png.
        format: Output format.
        options: Location of images and masks, and meaning of mask values.
        split: The split to score; by default test if the data has it, else val, else all.
        threshold: Probability from which a pixel is foreground; replaces the model's own.
        scale: Resize factor of images before they are segmented; replaces the model's own.
        tile_px: Longest side of the tiles that larger images are cut into.
        batch: Tiles per network call.
        backend: Runtime of the model: onnxruntime, openvino, cuda, tensorrt, or torch for a run; by default the fastest
            installed.
        threads: Threads for one image.
        frames_per_row: For recordings: frames averaged per row; by default as many as fit a recording into one image
            for pixels, and for boxes what `lmsc detect` chooses.
        split_seed: For recordings: the seed of the training's 70/15/15 split.
        draws: Number of bootstrap resamples for the 95 % intervals.
        seed: Seed of the resamples.
        overwrite: Replace the scores in the folder.
    """
    from lmsc_unet.evaluation.intervals import Bootstrap
    from lmsc_unet.evaluation.output import check_output, write_boxes, write_output
    from lmsc_unet.evaluation.report import per_image_csv
    from lmsc_unet.evaluation.session import EvaluationOptions, open_evaluation
    from lmsc_unet.inference.runtime import Runtime

    bootstrap = Bootstrap(num_draws=draws, seed=seed)
    if out is not None:
        check_output(out, overwrite=overwrite)
    scored = EvaluationOptions(data=options, split=split, frames_per_row=frames_per_row, split_seed=split_seed)
    runtime = Runtime(backend=backend, threads=threads)
    trial = open_evaluation(
        model, data, scored, tile_px=tile_px, batch=batch, threshold=threshold, scale=scale, runtime=runtime
    )
    if trial.num_trained_on:
        print(
            f"lmsc: note: {trial.num_trained_on} of {len(trial.samples)} images have names of this model's training "
            f"images, so the scores are optimistic. Score held-out images: --split-file {model}/split.csv --split val",
            file=sys.stderr,
        )
    if trial.objects is not None and not trial.objects.are_numbered:
        print(
            "lmsc: note: no mask numbers its objects, so each connected component of the truth is scored as one "
            "object: objects that touch are one, and separating them counts as wrong.",
            file=sys.stderr,
        )
    with progress("evaluating", len(trial.samples)) as bar:
        evaluation = trial.evaluate(bar.advance)
    if not evaluation.has_foreground:
        print(
            "lmsc: note: no mask has any foreground: every detection is false, and most scores are 0 or undefined.",
            file=sys.stderr,
        )
    boxes = _score_boxes(trial)
    report = trial.report(evaluation, bootstrap, boxes)
    if out is not None:
        write_output(out, report, per_image_csv(evaluation), trial.picture(evaluation))
        write_boxes(out, boxes)
    if format == "json":
        print(json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print_tables(report)
    if out is not None:
        print(f"Scores, per_image.csv and a picture of the worst and best images are in {out}.", file=sys.stderr)
    return 0


def _score_boxes(trial: "EvaluationSession") -> "list[BoxScores]":
    if not trial.num_recordings:
        return []
    with progress("searching", trial.num_recordings) as bar:
        return trial.score_boxes(bar.advance)


def _print_tables(report: "Mapping[str, Any]") -> None:
    from lmsc_unet.core.tables import print_tables
    from lmsc_unet.evaluation.box_report import boxes_table
    from lmsc_unet.evaluation.instance_report import instances_table
    from lmsc_unet.evaluation.report import to_tables
    from lmsc_unet.evaluation.session import energy_table

    at = {"mask": "the mask's own size", "network": "the network's size"}[report["score_at"]]
    print(f"{report['model']['name']}, {report['images']} images ({report['split']}), scored at {at}\n")
    of_objects = (instances_table(report["instances"]),) if "instances" in report else ()
    of_signals = (energy_table(report["energy"]), boxes_table(report["boxes"])) if "boxes" in report else ()
    print_tables(*to_tables(report), *of_objects, *of_signals)
