"""Samples (an image with its mask), datasets, and problems of files."""

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
    """One image of a dataset and its mask."""

    name: str
    """The image's path relative to the images' folder, without suffix; unique in a dataset."""
    image: Path
    """The image file."""
    mask: Path | None = None
    """The mask file, or a folder with one mask file per object; `None` only in scans of incomplete data."""
    split: Split | None = None
    """The split that the dataset itself defines, by folders or a split file."""
    group: str | None = None
    """Samples that a split must not separate, such as a patient or a slide; None if unknown."""
    repeats: int = 1
    """How often it is drawn per epoch."""
    piece: SpectrogramChunk | None = None
    """For a recording: the rows of image and mask; `image` is then the sample file, `mask` the metadata."""

    @property
    def unit(self) -> str | Path:
        """The unit of splits: the group, or else the file."""
        return self.group if self.group is not None else self.image

    @property
    def file_name(self) -> str:
        """The name in a split file: for a chunk, the recording's name."""
        return self.name if self.piece is None else self.name.rpartition("/")[0]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What was found in a folder."""

    root: Path
    """The folder."""
    layout: DatasetLayout
    """The layout: two folders side by side, or a layout with a name of its own."""
    samples: tuple[Sample, ...]
    """Sorted by image path; folds depend on this order."""
    class_names: tuple[str, ...] = ()
    """Class names defined by the data itself."""
    spectrogram: SpectrogramSettings | None = None
    """How images were made from samples, if they were."""
    about: str = ""
    """The layout in words."""
    spare: tuple[Path, ...] = ()
    """Images published without masks, which are skipped."""
    others: Counter[str] = field(default_factory=Counter)
    """Number of skipped files of other types, by suffix."""

    def of_split(self, split: Split | None) -> tuple[Sample, ...]:
        """The samples of one split, in order; `None` selects those without a split."""
        return of_split(self.samples, split)


def of_split(samples: Iterable[Sample], split: Split | None) -> tuple[Sample, ...]:
    """The samples of one split, in order."""
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
    """`error`: training rejects the dataset; `warning`: training works, but check it."""


def refuse(root: Path, problems: Sequence[Problem]) -> None:
    """Raises DataError with the first few errors, if any."""
    errors = [problem for problem in problems if problem.severity == "error"]
    if not errors:
        return
    shown = "\n".join(f"  {problem.file}: {problem.reason}" for problem in errors[:_MAX_SHOWN])
    rest = f"\n  ... and {len(errors) - _MAX_SHOWN} more" if len(errors) > _MAX_SHOWN else ""
    files = "1 file" if len(errors) == 1 else f"{len(errors)} files"
    raise DataError(f"{root}: {files} cannot be used:\n{shown}{rest}\n`lmsc data check` lists them all.")
