"""Which part of a dataset is scored."""

from collections.abc import Sequence
from typing import Literal

from lmsc_unet.datasets.sample import Sample, of_split
from lmsc_unet.errors import DataError

Part = Literal["train", "val", "test", "all"]


def select(samples: Sequence[Sample], part: Part | None = None) -> tuple[Part, tuple[Sample, ...]]:
    """The samples of a part and its name; without one `test` where the data has it, else `val`, else all.

    Raises:
        DataError: the data puts no image into that part.
    """
    chosen = part or default_part(samples)
    if chosen == "all":
        return chosen, tuple(samples)
    found = of_split(samples, chosen)
    if not found:
        known = sorted({sample.split for sample in samples if sample.split})
        has = f"it has {', '.join(known)}" if known else "it names no parts"
        raise DataError(
            f"The data has no image in {chosen}; {has}. Choose another by --split, or name parts by folders "
            "train/ val/ test/ or by --split-file."
        )
    return chosen, found


def default_part(samples: Sequence[Sample]) -> Part:
    """What was held back for the end, or else from training, or else all that there is."""
    if of_split(samples, "test"):
        return "test"
    return "val" if of_split(samples, "val") else "all"
