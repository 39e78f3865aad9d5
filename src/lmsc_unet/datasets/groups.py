"""Groups of related images, such as those of one patient, slide or organ, which a split must not separate."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path, PurePosixPath

from lmsc_unet.datasets.labels import listed
from lmsc_unet.datasets.load import load_image
from lmsc_unet.datasets.neighbours import edges_of, groups_of, neighbours
from lmsc_unet.datasets.sample import Problem, Sample, Split
from lmsc_unet.datasets.split_file import SPLIT_WORDS, column_of
from lmsc_unet.errors import DataError

_NUMBERED = re.compile(r"([^\d]*\d+[a-zA-Z]*)[-_ .].*\d")
"""The part of a name before its first number, if a separator and another number follow."""
FOLDER = "folder"
"""The value that groups images by folder."""
CROPS = "crops"
"""The value that groups images that are neighbouring crops of one picture."""


def with_groups(samples: Sequence[Sample], root: Path, group: str, split_file: Path | None) -> tuple[Sample, ...]:
    """Assigns samples to the groups named by folders or by a column of the split file.

    Args:
        samples: All samples of the dataset.
        root: The dataset, for messages.
        group: `folder`, `crops`, or a column of the split file; empty for no groups.
        split_file: CSV with the column `name` and that column.

    Raises:
        DataError: the folder or column does not exist, or an image has no group.
    """
    if not group:
        return tuple(samples)
    if group == CROPS:
        named: Mapping[str, str] = _by_crops(samples)
    elif group == FOLDER:
        named = _by_folder(samples, root)
    else:
        named = _by_column(samples, root, group, split_file)
    return tuple(replace(sample, group=named[sample.name]) for sample in samples)


MOST_REPEATS = 1000


def with_repeats(samples: Sequence[Sample], root: Path, column: str, split_file: Path | None) -> tuple[Sample, ...]:
    """Assigns to samples how often they are drawn per epoch, from a column of the split file; 1 if it does not say.

    Raises:
        DataError: there is no split file or no such column, or a value is not a whole number from 0 to 1000.
    """
    if not column:
        return tuple(samples)
    if split_file is None:
        raise DataError(
            f"--repeats {column} is a column of the split file, but there is none. Name it by --split-file, a CSV with "
            f"the columns name and {column}."
        )
    named = column_of(samples, root, split_file, column)
    for name, value in named.items():
        if not value.isdecimal() or int(value) > MOST_REPEATS:
            raise DataError(
                f"{split_file}: the {column} of {name} is {value!r}; it must be a whole number up to {MOST_REPEATS}."
            )
    return tuple(replace(sample, repeats=int(named.get(sample.name, "1"))) for sample in samples)


def _by_folder(samples: Iterable[Sample], root: Path) -> dict[str, str]:
    """The folder of each image, without train, val or test."""
    named = {}
    for sample in samples:
        folders = PurePosixPath(sample.file_name).parent.parts
        named[sample.name] = "/".join(folders[1:] if folders and folders[0].lower() in SPLIT_WORDS else folders)
    if not any(named.values()):
        raise DataError(
            f"{root}: --group folder takes the folder that an image lies in as its group, but the images lie in no "
            "subfolders. Name the groups in a column of the split file, and that column by --group."
        )
    return named


def _by_crops(samples: Sequence[Sample]) -> dict[str, str]:
    """The first image of those that neighbouring crops continue; an image without neighbours is alone.

    Raises:
        DataError: an image cannot be read.
    """
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        edges = list(pool.map(lambda sample: edges_of(load_image(sample.image)), samples))
    named = {sample.name: sample.name for sample in samples}
    for first, members in groups_of(len(samples), list(neighbours(edges))).items():
        named |= {samples[index].name: samples[first].name for index in members}
    return named


def _by_column(samples: Sequence[Sample], root: Path, group: str, split_file: Path | None) -> Mapping[str, str]:
    if split_file is None:
        raise DataError(
            f"--group {group} is a column of the split file, but there is none. Name it by --split-file, a CSV with "
            f"the columns name and {group}; or take --group folder for the folders of the images."
        )
    named = column_of(samples, root, split_file, group)
    missing = [sample.name for sample in samples if not named.get(sample.name)]
    if missing:
        raise DataError(
            f"{split_file}: {len(missing)} images have no {group}, such as {listed(missing, 3)}. Name it for each."
        )
    return named


def check_groups(samples: Iterable[Sample]) -> None:
    """Rejects a group whose images are in two splits.

    Raises:
        DataError: names the group and an image in each split.
    """
    parts: dict[str, dict[Split | None, str]] = defaultdict(dict)
    for sample in samples:
        if sample.group is not None:
            parts[sample.group].setdefault(sample.split, sample.name)
    for group, names in parts.items():
        if len(names) > 1:
            shown = " and ".join(f"in {split or 'no part'} ({name})" for split, name in sorted(names.items(), key=str))
            raise DataError(f"The group {group} is {shown}. Put all its images into one split.")


def groups_in_names(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    """Groups suggested by file names: `slide1_x0_y512` and `slide1_x0_y1024` belong to slide1.

    A group is a name up to its first number, if other numbers follow. Returns nothing if half of the images would be
    alone in their groups.
    """
    samples = tuple(samples)
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        found = _NUMBERED.match(PurePosixPath(sample.file_name).name)
        if found:
            groups[found[1]].append(sample)
    shared = {name: images for name, images in groups.items() if len(images) > 1}
    return shared if len(shared) > 1 and 2 * sum(map(len, shared.values())) >= len(samples) else {}


def group_problems(samples: Sequence[Sample]) -> Iterator[Problem]:
    """Reports names that suggest groups, unless groups are named or the split keeps them together."""
    if any(sample.group is not None or sample.piece is not None for sample in samples):
        return
    groups = groups_in_names(samples)
    separated = [name for name, images in groups.items() if len({image.split for image in images}) > 1]
    if not groups or (samples[0].split is not None and not separated):
        return
    name = (separated or list(groups))[0]
    shown = listed([image.name for image in groups[name]], 3)
    reason = (
        f"the names suggest {len(groups)} groups of images, such as {name} ({shown}). If these are of one slide or "
        "patient, a split that separates them makes scores optimistic: name groups by --group."
    )
    yield Problem(file=groups[name][0].image, reason=reason, severity="warning")
