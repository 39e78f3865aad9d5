"""`lmsc predict`: masks of images of any size, by a trained model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lmsc_unet.cli.progress import progress
from lmsc_unet.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lmsc_unet.prediction.job import Job
    from lmsc_unet.prediction.journal import Entry

INTERRUPTED = 130
"""The exit code of a command stopped by Ctrl-C, as shells have it."""


def predict(
    model: Path,
    /,
    *inputs: Path,
    out: Path,
    probabilities: Annotated[bool, Parameter(negative="")] = False,
    overlays: bool = True,
    tile_px: int = 512,
    batch: int = 4,
    threshold: float | None = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Segment images: write masks, overlays and a list of what became of each image.

    A file that fails is reported and skipped. Exit code: 0 all well, 2 some images failed, 1 wrong use.

    Args:
        model: Run folder of `lmsc train`, or a checkpoint.
        inputs: Images, and folders that are searched for images to the bottom.
        out: Folder for masks/, overlays/, probabilities/, predictions.jsonl and run.json.
        probabilities: Also write 16-bit probabilities, 65535 for 1: of class 1, or one folder for each class.
        overlays: Draw each mask over its image.
        tile_px: Side of the tiles that larger images are cut into; more memory, less work done twice.
        batch: Tiles that go through the network at once.
        threshold: Probability from which a pixel is foreground, in place of the model's own.
        resume: Go on in a folder that holds results: what is done is not done again.
        overwrite: Replace the results in the folder.
    """
    from lmsc_unet.images import sha256
    from lmsc_unet.prediction.inputs import find_items
    from lmsc_unet.prediction.job import Job, run_job
    from lmsc_unet.prediction.loading import find_file
    from lmsc_unet.prediction.predictor import Predictor
    from lmsc_unet.prediction.results import Run, open_results, write_run
    from lmsc_unet.prediction.writers import Wanted

    if not inputs:
        raise ConfigError("No input is named. Name images, or folders of images, after the model.")
    if resume and overwrite:
        raise ConfigError("--resume keeps the results in the folder and --overwrite removes them. Give one of the two.")
    items = find_items(inputs, out)
    predictor = Predictor.load(model, tile_px=tile_px, batch=batch, threshold=threshold)
    model_sha256 = sha256(find_file(model))
    settings = {"threshold": threshold, "tile_px": tile_px, "overlays": overlays, "probabilities": probabilities}
    run = Run(
        arguments={"model": str(model), "inputs": [str(path) for path in inputs], "out": str(out), "batch": batch}
        | settings,
        model={"name": predictor.spec.name, "file": str(find_file(model)), "sha256": model_sha256},
    )
    done = open_results(out, run, items, resume=resume, overwrite=overwrite)
    wanted = Wanted(overlays=overlays, probabilities=probabilities)
    job = Job(predictor=predictor, items=items, out=out, wanted=wanted)
    entries = _carry_out(job, done, run_job)
    if len(entries) < len(items):
        print(f"lmsc: stopped after {len(entries)} of {len(items)} images; go on by --resume.", file=sys.stderr)
        return INTERRUPTED
    num_failed = sum(entry.status == "failed" for entry in entries)
    write_run(out, run, images=len(entries), failed=num_failed)
    print(f"{len(entries)} images, {num_failed} failed. Masks are in {out / 'masks'}.")
    return 2 if num_failed else 0


def _carry_out(
    job: "Job", done: "Mapping[str, Entry]", run_job: "Callable[[Job, Mapping[str, Entry]], Iterator[Entry]]"
) -> "Sequence[Entry]":
    """All entries, or those until Ctrl-C; failures are told as they come."""
    entries: list[Entry] = []
    with progress("predicting", len(job.items)) as bar:
        try:
            for entry in run_job(job, done):
                entries.append(entry)
                if entry.error is not None:
                    is_named = entry.error.startswith(entry.path)
                    bar.tell(f"lmsc: {entry.error}" if is_named else f"lmsc: {entry.path}: {entry.error}")
                bar.advance()
        except KeyboardInterrupt:
            pass
    return entries
