"""Splits samples into training and validation."""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from lmsc_unet.datasets.groups import check_groups
from lmsc_unet.datasets.remarks import same_files, same_pixels
from lmsc_unet.datasets.sample import Sample, of_split
from lmsc_unet.errors import DataError

OFFICIAL_SEED = 19
"""The seed of NuInsSeg's official split (Mahbod et al. 2024)."""


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Training and validation samples."""

    number: int
    """From 1."""
    train: tuple[Sample, ...]
    """In dataset order."""
    val: tuple[Sample, ...]
    """In dataset order."""


def kfold(samples: Sequence[Sample], num_folds: int, seed: int = OFFICIAL_SEED) -> list[Fold]:
    """scikit-learn's `KFold(num_folds, shuffle=True, random_state=seed)` over samples in dataset order.

    With 5 folds and seed 19 this is NuInsSeg's official split. Chunks of one file stay together. Samples with groups
    are split by `GroupKFold(num_folds)`: no group is in two folds, and the folds have about equal sizes.

    Raises:
        DataError: fewer samples or groups than folds, or fewer than two folds.
    """
    from sklearn.model_selection import GroupKFold, KFold

    units = list(dict.fromkeys(sample.unit for sample in samples))
    word = _word(samples)
    if num_folds < 2 or len(units) < num_folds:
        raise DataError(
            f"{len(units)} {word} cannot make {num_folds} folds. Take at least 2 folds, and no more than {word}."
        )
    if word == "groups":
        of_sample = [units.index(sample.unit) for sample in samples]
        parts = GroupKFold(num_folds).split(np.zeros(len(samples)), groups=of_sample)
        held = [{samples[i].unit for i in val} for _, val in parts]
    else:
        parts = KFold(num_folds, shuffle=True, random_state=seed).split(np.zeros(len(units)))
        held = [{units[i] for i in val} for _, val in parts]
    return [_fold(samples, number, val) for number, val in enumerate(held, start=1)]


def _word(samples: Iterable[Sample]) -> Literal["groups", "samples"]:
    """The unit of the split."""
    return "groups" if any(sample.group is not None for sample in samples) else "samples"


def _fold(samples: Sequence[Sample], number: int, held: Set[str | Path]) -> Fold:
    return Fold(
        number=number,
        train=tuple(sample for sample in samples if sample.unit not in held),
        val=tuple(sample for sample in samples if sample.unit in held),
    )


def holdout(samples: Sequence[Sample], val_share: float, seed: int = OFFICIAL_SEED) -> Fold:
    """Holds out a random share, at least one sample and not all; whole groups if samples have groups.

    Raises:
        DataError: fewer than two samples, or a share that is not between 0 and 1.
    """
    if len(samples) < 2 or not 0 < val_share < 1:
        raise DataError(
            f"{len(samples)} samples cannot be split with a share of {val_share} held out. "
            "At least two samples are needed, and a share between 0 and 1."
        )
    if _word(samples) == "groups":
        return _held_groups(samples, val_share, seed)
    num_val = min(max(round(val_share * len(samples)), 1), len(samples) - 1)
    held = set(np.random.default_rng(seed).permutation(len(samples))[:num_val].tolist())
    return Fold(
        number=1,
        train=tuple(sample for i, sample in enumerate(samples) if i not in held),
        val=tuple(sample for i, sample in enumerate(samples) if i in held),
    )


def _held_groups(samples: Sequence[Sample], val_share: float, seed: int) -> Fold:
    """Groups in random order while fewer samples than the share are held out; at least one is left for training."""
    groups = list(dict.fromkeys(sample.unit for sample in samples))
    if len(groups) < 2:
        raise DataError(f"All {len(samples)} samples are of the group {groups[0]}; at least two groups are needed.")
    sizes = Counter(sample.unit for sample in samples)
    held: set[str | Path] = set()
    for index in np.random.default_rng(seed).permutation(len(groups)).tolist():
        if len(held) < len(groups) - 1 and sum(sizes[group] for group in held) < val_share * len(samples):
            held.add(groups[index])
    return _fold(samples, 1, held)


def given_split(samples: Iterable[Sample]) -> Fold | None:
    """The split defined by the dataset's folders or split file; None if there is none.

    Raises:
        DataError: only one of train and val exists, or a group is in both.
    """
    samples = tuple(samples)
    check_groups(samples)
    train, val = of_split(samples, "train"), of_split(samples, "val")
    if not train and not val:
        return None
    if not train or not val:
        raise DataError(
            f"the dataset puts {len(train)} images into train and {len(val)} into val. "
            "Fill both, or leave both out so that folds are made."
        )
    return Fold(number=1, train=train, val=val)


def check_no_leak(train: Sequence[Sample], val: Sequence[Sample]) -> None:
    """Rejects an image used for both training and validation, even under two names.

    Files are compared by bytes, and by pixels if an image exists in two file types.

    Raises:
        DataError: names both files.
    """
    train_paths, val_paths = {sample.image for sample in train}, {sample.image for sample in val}
    for twins in (*same_files([*train_paths, *val_paths]), *same_pixels(train_paths, val_paths)):
        trained, held = [path for path in twins if path in train_paths], [path for path in twins if path in val_paths]
        if trained and held:
            raise DataError(
                f"{held[0]}: the same image is in validation and, as {trained[0]}, in training. "
                "Scores would be optimistic: take one of the two out."
            )
