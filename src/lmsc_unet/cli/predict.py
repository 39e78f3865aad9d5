"""`lmsc predict`: segments images of any size with a trained model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from lmsc_unet.core.progress import progress
from lmsc_unet.datasets.options import split_at_commas
from lmsc_unet.inference.runtime import TILE_PX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lmsc_unet.apps.segment.job import SegmentJob
    from lmsc_unet.apps.segment.results import ImageEntry


def predict(
    model: str,
    /,
    *inputs: Path,
    out: Path,
    instances: bool | None = None,
    formats: Annotated[tuple[str, ...], Parameter(name="--format", converter=split_at_commas, negative="")] = (),
    pixel_size_um: float | None = None,
    probabilities: Annotated[bool, Parameter(negative="")] = False,
    overlays: bool = True,
    mask_values: Literal["visible", "ids"] = "visible",
    tile_px: int = TILE_PX,
    batch: int = 1,
    threshold: float | None = None,
    scale: float | None = None,
    backend: str | None = None,
    threads: int | None = None,
    max_pixels: int | None = None,
    num_shards: int | None = None,
    shard_id: int | None = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Segment images: write masks, overlays and a list of results.

    A file that fails is reported and skipped. Exit code: 0 all well, 2 some images failed, 1 wrong use.

    Args:
        model: A bundled model's name (`lmsc models --bundled`), a run folder of `lmsc train`, a checkpoint, or a file
            of `lmsc export`.
        inputs: Images, and folders that are searched recursively; of a dataset only its images are used. Also patterns
            in quotes, such as 'data/**/*.tif', and manifests: a .txt with a path per line, or a .csv with a column
            path.
        out: Folder for masks/, instances/, overlays/, regions.csv, predictions.jsonl, run.json and the rest.
        instances: Also write label images, in which each object has a number of its own, and draw the objects' borders
            in overlays, and measure them in regions.csv; for models of two classes. By default where the model
            separates touching objects.
        formats: Also write the objects, each with its outline, in other formats, comma-separated: geojson (QuPath),
            coco, imagej (RoiSet.zip), yolo; parquet for the table; labels is --instances. Without label images, objects
            are the connected components of each class.
        pixel_size_um: Side of a pixel in micrometres, for measurements; by default what the file says, if it does.
        probabilities: Also write 16-bit probabilities with 65535 for 1: of class 1, or a folder per class.
        overlays: Draw each mask over its image.
        mask_values: visible: two classes are 0 and 255, more are palette indices equal to class ids; ids: grey values
            are class ids, which look black.
        tile_px: Longest side of the tiles of larger images; larger tiles overlap less but take more memory.
        batch: Tiles per network call.
        threshold: Probability from which a pixel is foreground; replaces the model's own.
        scale: Resize factor of images before they are segmented; replaces the model's own: 0.5 if objects are twice as
            wide as in the model's training. Masks keep the image's size.
        backend: Runtime of the model: onnxruntime, openvino, cuda, tensorrt, or torch for a run; by default the fastest
            installed.
        threads: Threads for one image.
        max_pixels: Reject images with more pixels by their header, for untrusted input; by default 2^28, and TIFFs of
            any size that can be read by rows.
        num_shards: Divide the inputs among so many runs, such as the machines of a cluster; each needs its --shard-id
            and a folder of its own.
        shard_id: The part that this run does, from 0: $SLURM_ARRAY_TASK_ID, or $JOB_COMPLETION_INDEX of Kubernetes.
        resume: Continue in a folder that holds results; finished images are skipped.
        overwrite: Replace the results in the folder.
    """
    from lmsc_unet.apps.segment.job import close_job, num_instances
    from lmsc_unet.apps.segment.opening import SegmentOptions, open_job
    from lmsc_unet.apps.shards import shard_from

    settings = SegmentOptions(
        tile_px=tile_px,
        batch=batch,
        threshold=threshold,
        scale=scale,
        overlays=overlays,
        probabilities=probabilities,
        mask_values=mask_values,
        instances=instances,
        formats=formats,  # type: ignore[arg-type] # checked there
        pixel_size_um=pixel_size_um,
        backend=backend,
        threads=threads,
        max_pixels=max_pixels,
    )
    shard = shard_from(num_shards, shard_id)
    job = open_job(model, inputs, out, settings, shard=shard, resume=resume, overwrite=overwrite)
    for remark in job.remarks:
        print(f"lmsc: note: {remark}", file=sys.stderr)
    entries = _carry_out(job)
    number = len(job.items)
    num_failed = close_job(job, entries)
    found = f", {num_instances(entries)} instances in {out / 'instances'}" if job.wanted.instances else ""
    print(f"{number} images, {num_failed} failed. Masks are in {out / 'masks'}{found}.")
    if job.wanted.has_objects:
        print(f"Measurements of the objects are in {out / 'regions.csv'} and {out / 'summary.csv'}.")
    return 2 if num_failed else 0


def _carry_out(job: "SegmentJob") -> "Sequence[ImageEntry]":
    """All entries; reports failures as they occur."""
    from lmsc_unet.apps.segment.job import run_job
    from lmsc_unet.core.memory import return_freed_memory

    return_freed_memory()  # for rows of large images
    entries: list[ImageEntry] = []
    with progress("predicting", len(job.items)) as bar:
        try:
            for entry in run_job(job):
                entries.append(entry)
                if entry.error is not None:
                    is_named = entry.error.startswith(entry.path)
                    bar.log(f"lmsc: {entry.error}" if is_named else f"lmsc: {entry.path}: {entry.error}")
                bar.advance()
        except KeyboardInterrupt as stop:
            number = f"{len(entries)} of {len(job.items)} images"
            raise type(stop)(f"stopped after {number}; go on by --resume.") from None
    return entries
