import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.remarks import same_files
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.datasets.splits import check_no_leak, given_split, holdout, kfold
from lmsc_unet.errors import DataError
from tests.datasets.folders import write_dataset

FOLDS = "only trainings fold; scikit-learn comes with lmsc-unet[train]"


def _samples(number, splits=None):
    return tuple(
        Sample(name=f"{n:03d}", image=Path(f"{n:03d}.png"), split=splits[n] if splits else None) for n in range(number)
    )


def test_folds_are_those_of_scikit_learn():
    selection = pytest.importorskip("sklearn.model_selection", reason=FOLDS)
    samples = _samples(22)
    expected = [
        ([samples[i] for i in train], [samples[i] for i in val])
        for train, val in selection.KFold(5, shuffle=True, random_state=19).split(samples)
    ]
    folds = kfold(samples, 5)
    assert [fold.number for fold in folds] == [1, 2, 3, 4, 5]
    assert [(list(fold.train), list(fold.val)) for fold in folds] == expected


@given(number=st.integers(2, 40), num_folds=st.integers(2, 8), seed=st.integers(0, 99))
def test_each_sample_is_held_back_once(number, num_folds, seed):
    pytest.importorskip("sklearn", reason=FOLDS)
    samples = _samples(number)
    if number < num_folds:
        with pytest.raises(DataError, match=f"{number} samples cannot make {num_folds} folds"):
            kfold(samples, num_folds, seed)
        return
    folds = kfold(samples, num_folds, seed)
    assert sorted(sample.name for fold in folds for sample in fold.val) == [sample.name for sample in samples]
    assert all(set(fold.train) | set(fold.val) == set(samples) for fold in folds)
    assert all(not set(fold.train) & set(fold.val) for fold in folds)


@given(number=st.integers(2, 40), share=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_a_share_is_held_back_and_neither_side_is_empty(number, share, seed):
    samples = _samples(number)
    fold = holdout(samples, share, seed)
    assert fold == holdout(samples, share, seed)
    assert sorted((*fold.train, *fold.val), key=lambda sample: sample.name) == list(samples)
    assert 1 <= len(fold.val) < number
    assert abs(len(fold.val) - share * number) <= 1
    assert list(fold.train) == sorted(fold.train, key=lambda sample: sample.name)


@pytest.mark.parametrize(("number", "share"), [(1, 0.5), (0, 0.5), (9, 0), (9, 1), (9, -0.1)])
def test_what_cannot_be_parted_is_refused(number, share):
    with pytest.raises(DataError, match=f"{number} samples cannot be split with a share of {share}"):
        holdout(_samples(number), share)


def test_the_datasets_own_split_is_taken():
    fold = given_split(_samples(4, ["train", "test", "val", "train"]))
    assert [[sample.name for sample in part] for part in (fold.train, fold.val)] == [["000", "003"], ["002"]]
    assert given_split(_samples(3)) is None
    assert given_split(_samples(2, ["test", "test"])) is None
    with pytest.raises(DataError, match="puts 2 images into train and 0 into val"):
        given_split(_samples(3, ["train", "test", "train"]))


def test_an_image_in_training_and_validation_is_refused_by_its_content(tmp_path):
    root = write_dataset(tmp_path / "DATA", ["train/a", "train/b", "val/c"])
    fold = given_split(find_dataset(root).samples)
    check_no_leak(fold.train, fold.val)
    shutil.copy(root / "images/train/b.png", root / "images/val/c.png")
    with pytest.raises(
        DataError, match=r"val/c\.png: the same image is in validation and, as .*train/b\.png, in training"
    ):
        check_no_leak(fold.train, fold.val)


def test_equal_files_are_grouped(tmp_path):
    for name, data in {"a": b"12", "b": b"21", "c": b"12", "d": b"1", "e": b"12"}.items():
        (tmp_path / name).write_bytes(data)
    assert [[path.name for path in twins] for twins in same_files(tmp_path.iterdir())] == [["a", "c", "e"]]


def _grouped(*groups):
    return tuple(replace(sample, group=group) for sample, group in zip(_samples(len(groups)), groups, strict=True))


@given(groups=st.lists(st.sampled_from("abcdef"), min_size=4, max_size=40), num_folds=st.integers(2, 5))
def test_no_group_stands_in_two_folds(groups, num_folds):
    pytest.importorskip("sklearn", reason=FOLDS)
    samples = _grouped(*groups)
    if len(set(groups)) < num_folds:
        with pytest.raises(DataError, match=f"{len(set(groups))} groups cannot make {num_folds} folds"):
            kfold(samples, num_folds)
        return
    folds = kfold(samples, num_folds)
    assert all(not {s.group for s in fold.train} & {s.group for s in fold.val} for fold in folds)
    assert sorted(sample.name for fold in folds for sample in fold.val) == [sample.name for sample in samples]


@given(groups=st.lists(st.sampled_from("abcdef"), min_size=2, max_size=40), share=st.floats(0.05, 0.95))
def test_whole_groups_are_held_back(groups, share):
    samples = _grouped(*groups)
    if len(set(groups)) < 2:
        with pytest.raises(DataError, match="at least two groups are needed"):
            holdout(samples, share)
        return
    fold = holdout(samples, share)
    assert fold.train
    assert fold.val
    assert not {s.group for s in fold.train} & {s.group for s in fold.val}
    assert len(fold.val) <= share * len(samples) + max(Counter(groups).values())


def test_folds_of_groups_are_about_equally_large():
    pytest.importorskip("sklearn", reason=FOLDS)
    folds = kfold(_grouped(*(letter for number, letter in enumerate("abcdefghij") for _ in range(number + 1))), 5)
    assert [len(fold.val) for fold in folds] == [11] * 5
