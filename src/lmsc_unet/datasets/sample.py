"""One image and its mask as files, the datasets that they make, and what can be wrong with a file."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lmsc_unet.datasets.options import SpectrogramChunk
from lmsc_unet.errors import DataError
from lmsc_unet.signals.settings import SpectrogramSettings

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

DatasetLayout = Literal["folder", "one folder", "voc", "nnunet", "dsb2018", "nuinsseg", "sigmf"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One image of a dataset and the mask that says its classes."""

    name: str
    """The image's path below the dataset, without the images' folder and the ending; unique in a dataset."""
    image: Path
    """The image file."""
    mask: Path | None = None
    """The mask file, or a folder of one mask file for each object; `None` only where a scan found none."""
    split: Split | None = None
    """The part that the dataset itself puts it in, by its folders or by a split file."""
    group: str | None = None
    """What it must not be parted from, as a patient or a slide; None where nobody says."""
    piece: SpectrogramChunk | None = None
    """Of a recording: the rows that make image and mask; `image` is then the file of samples, `mask` the metadata."""

    @property
    def unit(self) -> str | Path:
        """What stands in one part as a whole: its group, or else its file."""
        return self.group if self.group is not None else self.image

    @property
    def file_name(self) -> str:
        """The name that a split file has: of a piece, that of its recording."""
        return self.name if self.piece is None else self.name.rpartition("/")[0]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What was found in a folder."""

    root: Path
    """The folder."""
    layout: DatasetLayout
    """How its files stand: two folders side by side, or one of the layouts that are known by name."""
    samples: tuple[Sample, ...]
    """In the sorted order of their image paths, on which folds are made."""
    class_names: tuple[str, ...] = ()
    """Names of the classes, where the data itself has some."""
    spectrogram: SpectrogramSettings | None = None
    """How pictures were made from samples, where they were."""
    about: str = ""
    """What stands where, in words."""
    spare: tuple[Path, ...] = ()
    """Images that are no part of it, as they are published without masks."""
    others: Counter[str] = field(default_factory=Counter)
    """How many files of other kinds were passed over, by ending."""

    def of_split(self, split: Split | None) -> tuple[Sample, ...]:
        """The samples of one part, in order; of `None` those that the dataset puts nowhere."""
        return of_split(self.samples, split)


def of_split(samples: Iterable[Sample], split: Split | None) -> tuple[Sample, ...]:
    """The samples of one part, in order."""
    return tuple(sample for sample in samples if sample.split == split)


Severity = Literal["error", "warning"]

_MAX_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong with one file."""

    file: Path
    """The file or folder."""
    reason: str
    """What was found, what is needed, what to do."""
    severity: Severity = "error"
    """`error`: training refuses the dataset; `warning`: it trains, but look at it."""


def refuse(root: Path, problems: Sequence[Problem]) -> None:
    """Raises DataError with the first few errors, if there are any."""
    errors = [problem for problem in problems if problem.severity == "error"]
    if not errors:
        return
    shown = "\n".join(f"  {problem.file}: {problem.reason}" for problem in errors[:_MAX_SHOWN])
    rest = f"\n  ... and {len(errors) - _MAX_SHOWN} more" if len(errors) > _MAX_SHOWN else ""
    files = "1 file" if len(errors) == 1 else f"{len(errors)} files"
    raise DataError(f"{root}: {files} cannot be used:\n{shown}{rest}\n`lmsc data check` lists them all.")
