"""A folder of SigMF recordings as a dataset."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from lmsc_unet.datasets.check import check_dataset
from lmsc_unet.datasets.folder import find_dataset, layout_of
from lmsc_unet.datasets.load import find_label_map, load_pair
from lmsc_unet.datasets.options import ChunkOptions, DataOptions
from lmsc_unet.datasets.sigmf_folder import random_parts
from lmsc_unet.datasets.splits import kfold
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.signals.settings import SpectrogramSettings, Stft
from lmsc_unet.synthetic.radio.scene import SceneOptions, draw_scene
from lmsc_unet.synthetic.radio.writer import picture_and_mask, scene_name, write_pictures, write_scenes
from tests.signals.archives import pack
from tests.signals.sigmf_files import metadata, noise, write_pair
from tests.signals.test_raw_recordings import write_wav

OPTIONS = SceneOptions(seed=3, samples=131_072)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    list(write_scenes(folder, OPTIONS, count=8, datatype="cf32_le"))
    return folder


def annotated(count=1, labels=("A",), num_samples=20_000):
    """Metadata with a box for each label, one after another."""
    boxes = [
        {
            "core:sample_start": 4_000 * k,
            "core:sample_count": 2_000,
            "core:freq_lower_edge": -100.0,
            "core:freq_upper_edge": 100.0,
            "core:label": label,
        }
        for k, label in enumerate(labels)
    ]
    return metadata(annotations=boxes)


def write_labelled(folder, labels=(("A",), ("B", "A"), ("B",)), num_samples=20_000):
    for number, some in enumerate(labels):
        write_pair(folder, annotated(labels=some), noise(num_samples, seed=number), name=f"r{number}")
    return folder


def test_scenes_as_recordings_look_as_scenes_as_pictures(scenes):
    dataset = find_dataset(scenes)
    assert (dataset.layout, len(dataset.samples)) == ("sigmf", 8)
    label_map = find_label_map(dataset.samples)
    assert label_map.class_names == ("noise", "signal")
    for index, sample in enumerate(dataset.samples):
        scene = draw_scene(index, OPTIONS)
        assert sample.name == f"{scene_name(scene)}/0-x2-0"  # 131,072 samples are one picture of 2 frames a row
        picture, mask = load_pair(sample, label_map)
        expected_picture, expected_mask = picture_and_mask(scene)
        assert picture.shape == (256, 256, 1)
        np.testing.assert_array_equal(mask, expected_mask)
        assert np.abs(picture[..., 0].astype(int) - expected_picture).max() <= 3  # the floor is seen over all rows


def test_pieces_joined_are_the_whole_spectrogram(scenes):
    fine = find_dataset(scenes, pieces=ChunkOptions(scales=(1,), rows=100))
    whole = find_dataset(scenes, pieces=ChunkOptions(scales=(1,), rows=512))
    label_map = find_label_map(whole.samples)
    assert len(fine.samples) == 6 * len(whole.samples)  # 512 rows in six pieces of 85 or 86
    for part in (0, 1):
        pieces = [load_pair(sample, label_map)[part] for sample in fine.samples[:6]]
        np.testing.assert_array_equal(np.concatenate(pieces), load_pair(whole.samples[0], label_map)[part])


@pytest.mark.parametrize(
    ("number", "expected"),
    [(2, (1, 1, 0)), (3, (1, 1, 1)), (8, (6, 1, 1)), (20, (14, 3, 3)), (4000, (2800, 600, 600))],
)
def test_recordings_are_split_70_15_15_by_the_seed(number, expected):
    counts = Counter(random_parts(number, 19))
    assert (counts["train"], counts["val"], counts["test"]) == expected
    assert random_parts(number, 19) == random_parts(number, 19)
    if number > 100:
        assert random_parts(number, 19) != random_parts(number, 20)


def test_all_pieces_of_a_recording_are_in_one_part_and_in_one_fold(scenes):
    samples = find_dataset(scenes, pieces=ChunkOptions(scales=(1, 4), rows=64)).samples
    for recording in {sample.image for sample in samples}:
        assert len({sample.split for sample in samples if sample.image == recording}) == 1
    pytest.importorskip("sklearn", reason="only trainings fold; scikit-learn comes with lmsc-unet[train]")
    folds = kfold(samples, 4)
    assert all(not {one.image for one in fold.train} & {one.image for one in fold.val} for fold in folds)
    assert sum(len(fold.val) for fold in folds) == len(samples)


def test_folders_and_split_files_name_recordings(tmp_path):
    for part in ("train", "val", "test"):
        write_labelled(tmp_path / "a" / part, [("A",)])
    assert [sample.split for sample in find_dataset(tmp_path / "a").samples] == ["test", "train", "val"]
    write_labelled(tmp_path / "b")
    (tmp_path / "split.csv").write_text("name,split\nr0,val\nr1,train\nr2,test\n")
    dataset = find_dataset(tmp_path / "b", DataOptions(split_file=tmp_path / "split.csv"))
    assert [(one.file_name, one.split) for one in dataset.samples] == [("r0", "val"), ("r1", "train"), ("r2", "test")]


def test_groups_of_recordings_stay_in_one_part(tmp_path):
    for day in ("monday", "tuesday", "friday"):
        write_labelled(tmp_path / "a" / day)
    samples = find_dataset(tmp_path / "a", DataOptions(group="folder")).samples
    parts = {(one.group, one.split) for one in samples}
    assert sorted(group for group, _ in parts) == ["friday", "monday", "tuesday"]
    assert {split for _, split in parts} == {"train", "val", "test"}
    write_labelled(tmp_path / "b" / "monday")
    with pytest.raises(DataError, match="all recordings are of the group monday; two groups are needed"):
        find_dataset(tmp_path / "b", DataOptions(group="folder"))


def test_labels_can_be_classes(tmp_path):
    write_labelled(tmp_path)
    dataset = find_dataset(tmp_path, pieces=ChunkOptions(by_label=True))
    assert dataset.class_names == ("noise", "A", "B")
    label_map = find_label_map(dataset.samples)
    assert set(np.unique(load_pair(dataset.samples[1], label_map)[1])) == {0, 1, 2}
    named = find_dataset(tmp_path, DataOptions(classes=("noise", "B", "A")))
    mask = load_pair(named.samples[2], find_label_map(named.samples))[1]
    assert set(np.unique(mask)) == {0, 1}
    other = find_dataset(tmp_path, DataOptions(classes=("noise", "A", "C")))
    with pytest.raises(DataError, match="has the label 'B', but the classes are noise, A, C"):
        load_pair(other.samples[2], find_label_map(other.samples))


def test_a_single_scale_is_the_models(tmp_path):
    write_labelled(tmp_path)
    shown = SpectrogramSettings(stft=Stft(nfft=64, hop=32))
    dataset = find_dataset(tmp_path, pieces=ChunkOptions(spectrogram=shown, scales=(4,)))
    assert dataset.spectrogram == replace(shown, stft=replace(shown.stft, frames_per_row=4))
    assert find_dataset(tmp_path).spectrogram == SpectrogramSettings()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([("A",)], "There is one recording only, and recordings are split whole"),
        ([(), ()], "none of the 2 recordings has an annotation"),
    ],
)
def test_recordings_that_cannot_be_trained_on_are_refused(labels, message, tmp_path):
    write_labelled(tmp_path, labels)
    with pytest.raises(DataError, match=message):
        find_dataset(tmp_path)


def test_a_bad_recording_is_named_and_the_check_tells_of_all(tmp_path):
    write_labelled(tmp_path)
    bad = write_pair(tmp_path, metadata(rate_hz=0), noise(100), name="bad")
    samples = noise(20_000)
    samples[77] = np.nan
    write_pair(tmp_path, metadata(), samples, name="nan")
    with pytest.raises(DataError, match="the sample rate is 0") as caught:
        find_dataset(tmp_path)
    assert str(bad) in str(caught.value)
    report = check_dataset(tmp_path)
    assert report.has_errors
    assert any("from sample 77 on are NaN" in problem.reason for problem in report.problems)
    bad.unlink()


def test_the_check_counts_classes_and_sizes(tmp_path):
    report = check_dataset(write_labelled(tmp_path))
    assert not report.has_errors
    assert report.label_map.class_names == ("noise", "signal")
    assert report.class_pixels[1] > 0
    assert report.sizes_px == {(78, 256): 3}


def test_a_set_of_pictures_says_how_they_were_made(tmp_path):
    list(write_pictures(tmp_path / "set", SceneOptions(samples=65_536), count=2))
    dataset = find_dataset(tmp_path / "set")
    assert dataset.layout == layout_of(tmp_path / "set") == "folder"
    assert dataset.spectrogram == SpectrogramSettings()
    assert dataset.class_names == ("noise", "signal")
    (tmp_path / "set/spectrogram.yaml").write_text(json.dumps({"stft": {"nftt": 5}}))
    with pytest.raises(ConfigError, match="Did you mean 'nfft'"):
        find_dataset(tmp_path / "set")


def test_one_name_in_two_files_is_told(tmp_path):
    """Otherwise a recording and its archive may stand on both sides of a split."""
    write_labelled(tmp_path)
    archive = pack(tmp_path / "r0.sigmf-meta", tmp_path / "r0.sigmf.gz")
    with pytest.raises(DataError, match=r"r0\.sigmf-meta has the same name, and may be the same recording") as caught:
        find_dataset(tmp_path)
    assert str(archive) in str(caught.value)


def test_recordings_are_learnt_from_as_they_are_stored(tmp_path):
    """WAV files with metadata, tar archives, and captures with a rate of their own."""
    samples = noise(20_000)
    pair = write_pair(tmp_path / "pair", annotated(), samples, name="r0")
    wav = write_wav(tmp_path / "wav.wav", samples.tobytes(), kind=3, bits=32)
    header = wav.stat().st_size - samples.nbytes
    meta = annotated() | {"captures": [{"core:sample_start": 0, "core:header_bytes": header}]}
    meta["global"]["core:dataset"] = "wav.wav"
    write_pair(tmp_path, meta, None, name="wav.wav")
    pack(pair, tmp_path / "tar.sigmf.tar")
    sdrangel = annotated() | {"captures": [{"core:sample_start": 0, "sdrangel:sample_rate": 2_000}]}
    write_pair(tmp_path, sdrangel, samples, name="rate")
    loaded = {sample.name.split("/")[0]: sample for sample in find_dataset(tmp_path).samples}
    pictures = {name: load_pair(sample, find_label_map([sample])) for name, sample in loaded.items() if name != "pair"}
    assert set(pictures) == {"wav.wav", "tar", "rate"}
    for picture, _ in pictures.values():
        np.testing.assert_array_equal(picture, pictures["tar"][0])
    np.testing.assert_array_equal(pictures["wav.wav"][1], pictures["tar"][1])
    assert pictures["rate"][1].sum() < 0.6 * pictures["tar"][1].sum()  # 200 of 2,000 Hz


@pytest.mark.parametrize("name", ["a_433.92M_250k.cu8", "b.WAV"])
def test_a_folder_of_recordings_without_annotations_is_told(name, tmp_path):
    (tmp_path / name).write_bytes(bytes(99))
    with pytest.raises(DataError, match=f"holds recordings such as {name}, but no SigMF metadata.*lmsc detect"):
        find_dataset(tmp_path)
