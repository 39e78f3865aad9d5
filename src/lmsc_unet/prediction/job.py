"""`lmsc predict` as a function: many images in, a results folder out; one bad file does not stop the others."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lmsc_unet.data.reading import load_image
from lmsc_unet.errors import LmscError, OutputError
from lmsc_unet.prediction.inputs import Item
from lmsc_unet.prediction.journal import Entry, add_entry, write_entries
from lmsc_unet.prediction.predictor import Predictor
from lmsc_unet.prediction.writers import Wanted, mask_file, other_files, write_results


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to predict, and where to put it."""

    predictor: Predictor
    """What segments an image."""
    items: Sequence[Item]
    """The images, in order."""
    out: Path
    """The results folder, opened."""
    wanted: Wanted
    """Which files are written beside the masks."""


def run_job(job: Job, done: Mapping[str, Entry]) -> Iterator[Entry]:
    """Yields the entry of each image in order, once its files and its line are written.

    Args:
        job: What to do.
        done: Entries of an earlier run by mask; images that they call ok and whose files are there are not
            predicted again.

    Raises:
        OutputError: a result cannot be written; those before it are kept, and the job can be resumed.
    """
    entries: list[Entry] = []
    for item in job.items:
        known = done.get(mask_file(item.name))
        entry = known if known is not None and is_complete(job, item, known) else predict_and_note(job, item)
        entries.append(entry)
        yield entry
    if done:
        write_entries(job.out, entries)


def predict_and_note(job: Job, item: Item) -> Entry:
    """Predicts one image, writes its files, then its line.

    Raises:
        OutputError: a result cannot be written.
    """
    try:
        entry = predict_item(job, item)
        add_entry(job.out, entry)
    except OutputError as error:
        raise OutputError(f"{error} What was done before is kept: go on by --resume.") from error
    return entry


def predict_item(job: Job, item: Item) -> Entry:
    """Predicts one image and writes its files; what is wrong with it is said in the entry.

    Raises:
        OutputError: a result cannot be written.
    """
    start = time.perf_counter()
    mask = mask_file(item.name)
    try:
        image = load_image(item.path)
        prediction = job.predictor.predict(image)
    except (LmscError, MemoryError) as error:
        reason = str(error) or "the image does not fit into memory. Cut it into smaller ones."
        return Entry(path=str(item.path), status="failed", error=reason, mask=mask)
    write_results(job.out, item.name, image, prediction, job.predictor.spec.num_logits, job.wanted)
    return Entry(
        path=str(item.path),
        status="ok",
        size=prediction.mask.shape,
        class_shares=prediction.shares,
        ms=round(1000 * (time.perf_counter() - start), 1),
        mask=mask,
    )


def is_complete(job: Job, item: Item, entry: Entry) -> bool:
    """Whether an image was predicted before, and all its files are still there."""
    files = [mask_file(item.name), *other_files(item.name, job.predictor.spec.num_logits, job.wanted)]
    return entry.status == "ok" and all((job.out / file).is_file() for file in files)
