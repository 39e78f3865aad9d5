"""The two data sets: from the user's disk, or generated substitutes."""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from lmsc_unet.core.storage import write_text
from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.sample import Dataset
from lmsc_unet.datasets.sigmf_folder import random_parts
from lmsc_unet.datasets.split_file import split_line
from lmsc_unet.errors import DataError
from lmsc_unet.reproduction.budget import Budget
from lmsc_unet.reproduction.recipes import DataName
from lmsc_unet.synthetic.radio.scene import SceneOptions
from lmsc_unet.synthetic.radio.writer import write_pictures
from lmsc_unet.synthetic.tissue.writer import write_nuclei

PUBLISHED: Mapping[DataName, tuple[str, int]] = MappingProxyType(
    {"nuinsseg": ("NuInsSeg", 665), "rf": ("the RF signal dataset", 4000)}
)
"""The paper's name of each set, and its number of images."""
SPLIT_SEED = 19


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """A data set to train on."""

    name: DataName
    """The paper's set, which this is or replaces."""
    path: Path
    """The folder."""
    about: str
    """Its description in captions."""
    num_images: int
    """Its images, or chunks of recordings."""
    fingerprint: str
    """Hash of its file names, sizes and split: other data means other runs."""
    split_file: Path | None = None
    """A split file, unless the folder defines the split."""


def find_source(name: DataName, given: Path | None, budget: Budget, out: Path) -> DataSource:
    """The data of one set: the given folder, or generated images in `out`.

    Raises:
        DataError: the path does not exist or cannot be used.
        OutputError: the generated images cannot be written.
    """
    if given is not None and not given.is_dir():
        raise DataError(f"--data {name}={given}: no such folder. Name the one that holds {PUBLISHED[name][0]}.")
    path = (given or GENERATORS[name](budget, out / "data")).resolve()
    dataset = find_dataset(path)
    split_file = _write_split(dataset, out / "data" / "rf-split.csv") if name == "rf" else None
    return DataSource(
        name=name,
        path=path,
        about=_about(name, dataset, is_given=given is not None),
        num_images=len(dataset.samples),
        fingerprint=_fingerprint(dataset, split_file),
        split_file=split_file,
    )


def split_rows(names: Sequence[str]) -> list[str]:
    """Lines `name,split` that split files like `lmsc train` splits recordings: 70 % train, 15 % val, 15 % test."""
    return [split_line(name, part) for name, part in zip(names, random_parts(len(names), SPLIT_SEED), strict=True)]


def _write_split(dataset: Dataset, path: Path) -> Path | None:
    """Writes a split of the files, unless the folders define one."""
    found = {sample.split for sample in dataset.samples}
    if {"train", "val", "test"} <= found:
        return None
    names = list(dict.fromkeys(sample.file_name for sample in dataset.samples))
    if len(names) < 7:
        raise DataError(
            f"{dataset.root}: {len(names)} files are too few to train, validate and test on. Take 7 or more."
        )
    path = path.resolve()
    write_text(path, "\n".join(["name,split", *split_rows(names)]) + "\n")
    return path


def _about(name: DataName, dataset: Dataset, *, is_given: bool) -> str:
    title, published = PUBLISHED[name]
    number, root = len(dataset.samples), dataset.root
    if not is_given or _is_generated(root):
        kind = "generated pictures of stained tissue" if name == "nuinsseg" else "generated spectrograms"
        return f"{number} {kind} in place of {title}"
    if dataset.layout == "nuinsseg" and number < published:
        return f"{number} of the {published} images of {title}"
    return f"{number} images of {root}"


def _is_generated(root: Path) -> bool:
    """Whether `lmsc scenes` or `lmsc data nuclei` wrote the folder."""
    return (root / "boxes.csv").is_file() or (root / "images" / "tissue_001.png").is_file()


def _fingerprint(dataset: Dataset, split_file: Path | None) -> str:
    digest = hashlib.sha256()
    for sample in dataset.samples:
        mask = sample.mask or sample.image
        digest.update(f"{sample.name} {sample.image.stat().st_size} {mask.stat().st_size}\n".encode())
    if split_file is not None:
        digest.update(split_file.read_bytes())
    return digest.hexdigest()


def _generate_nuclei(budget: Budget, folder: Path) -> Path:
    path = folder / f"nuclei-{budget.num_nuclei}-{budget.nuclei_side_px}px"
    return _whole(path, lambda new: write_nuclei(new, count=budget.num_nuclei, size_px=budget.nuclei_side_px))


def _generate_pieces(budget: Budget, folder: Path) -> Path:
    path = folder / f"rf-{budget.num_pieces}{'' if budget.piece_samples is None else '-short'}"
    options, processes = SceneOptions(samples=budget.piece_samples), os.cpu_count() or 1

    def write(new: Path) -> None:
        is_many = budget.num_pieces > 100
        for _ in write_pictures(new, options, count=budget.num_pieces, processes=processes if is_many else 1):
            pass

    return _whole(path, write)


def _whole(path: Path, write: Callable[[Path], None]) -> Path:
    """Creates a folder atomically: writes it beside its place and moves it there."""
    if not path.is_dir():
        new = path.with_name(f".{path.name}.partial")
        shutil.rmtree(new, ignore_errors=True)
        write(new)
        new.rename(path)
    return path


GENERATORS: Mapping[DataName, Callable[[Budget, Path], Path]] = MappingProxyType(
    {"nuinsseg": _generate_nuclei, "rf": _generate_pieces}
)
"""The generator of each set's substitute."""
