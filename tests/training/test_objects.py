"""Objects become contours to learn, and a trained network gives them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lmsc_unet.cli.main import main
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.errors import ConfigError
from lmsc_unet.imageio import read_image, write_png
from lmsc_unet.inference.metadata import read_description
from lmsc_unet.inference.predictor import Prediction, Predictor
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.metrics.counts import IGNORE
from lmsc_unet.training.dataset import Crops, DecodedSamples, WholeImages
from lmsc_unet.training.load_model import load_module
from lmsc_unet.training.objects import CONTOUR_PX, UNKNOWN, contour_targets, load_objects
from lmsc_unet.training.prepare import prepare_data
from lmsc_unet.training.run_folder import read_config

from .small import lmsc_train, small_config, write_discs

INSTANCES = LabelMap(kind="instances")
FAST = ("--network.widths=[4, 8]", "--network.convs=[1, 1]", "--network.mbb-levels=[]")
SMALL_FAST = (*FAST, "--network.brb-levels=[]", "--input.scale=1")


def masked_by(mask: Path) -> Sample:
    return Sample(name="m", image=mask, mask=mask)


def write_labels(folder: Path, count: int = 4, side_px: int = 48) -> Path:
    """Discs in pairs that touch, each with a number of its own, as 16-bit masks."""
    write_discs(folder, count, side_px)
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:side_px, :side_px]
    for number in range(count):
        row, column = rng.integers(10, side_px - 20, 2)
        labels = np.zeros((side_px, side_px), np.uint16)
        for disc, at in enumerate((column, column + 9), start=1):
            labels[(rows - row) ** 2 + (columns - at) ** 2 < 25] = disc + 300
        ground = rng.integers(0, 60, (side_px, side_px, 3))
        write_png(
            folder / "images" / f"{number}.png", np.where(labels[..., None] > 0, 150 + ground, ground).astype(np.uint8)
        )
        write_png(folder / "masks" / f"{number}.png", labels)
    return folder


@given(
    arrays(
        np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.sampled_from([0, 1, 2, -1, UNKNOWN])
    )
)
def test_contours_are_the_pixels_of_an_object_near_to_another_value(objects: np.ndarray) -> None:
    ids, contour = contour_targets(torch.from_numpy(objects)).numpy()
    for place in np.ndindex(objects.shape):
        value = objects[place]
        near = objects[tuple(slice(max(at - CONTOUR_PX, 0), at + CONTOUR_PX + 1) for at in place)]
        assert ids[place] == (IGNORE if value == UNKNOWN else value != 0)
        if UNKNOWN in near:
            expected = IGNORE
        elif value and (near != value).any():
            expected = 1
        else:
            expected = IGNORE if value < 0 else 0
        assert contour[place] == expected, place


def test_a_number_in_several_pieces_is_no_object(tmp_path: Path) -> None:
    mask = np.zeros((6, 9), np.uint16)
    mask[1:3, 1:3], mask[4:6, 1:3], mask[1:6, 5:8] = 7, 7, 900
    write_png(tmp_path / "m.png", mask)
    objects = load_objects(masked_by(tmp_path / "m.png"), INSTANCES)
    assert (objects[mask == 0] == 0).all()
    assert len(np.unique(objects[mask == 7])) == 1
    assert (objects[mask == 7] < 0).all()
    assert (objects[mask == 900] > 0).all()


def test_diagonal_neighbours_are_one_piece(tmp_path: Path) -> None:
    write_png(tmp_path / "m.png", np.eye(5, dtype=np.uint16) * 400)
    assert load_objects(masked_by(tmp_path / "m.png"), INSTANCES).max() > 0


def test_a_folder_with_a_mask_per_object_numbers_them(tmp_path: Path) -> None:
    for name, column in (("a", 0), ("b", 2)):
        mask = np.zeros((4, 4), np.uint8)
        mask[:, column : column + 2] = 255
        write_png(tmp_path / f"{name}.png", mask)
    assert load_objects(masked_by(tmp_path), LabelMap(kind="binary")).tolist() == [[1, 1, 2, 2]] * 4


def test_crops_have_classes_and_contours_that_move_with_the_image(tmp_path: Path) -> None:
    config = small_config(size_px=32, data={"instances": True}, augment={"scale_jitter": 1.5, "stain_probability": 0.0})
    prepared = prepare_data(write_labels(tmp_path), config)
    decoded = DecodedSamples(prepared.folds[0].train, prepared.label_map, prepared.spec)
    crops = Crops(decoded, config)
    found = torch.zeros(2)
    for key in range(12):
        image, target = crops[key]
        assert image.shape == (3, 32, 32)
        assert target.shape == (2, 32, 32)
        ids, contour = target
        assert ((contour == 1) <= (ids == 1)).all()
        found += torch.stack([(ids == 1).sum(), (contour == 1).sum()])
        if (ids == 1).sum() > 20:
            assert image.mean(0)[ids == 1].median() > image.mean(0)[ids == 0].median() + 1
    assert 0 < found[1] < found[0]
    whole, target, _ = WholeImages(decoded)[0]
    assert target.shape == (2, *whole.shape[1:])


def test_images_are_drawn_as_often_as_their_repeats_say(tmp_path: Path) -> None:
    folder = write_discs(tmp_path / "A", 5)
    split = tmp_path / "split.csv"
    split.write_text("name,split,times\n0,train,3\n1,train,0\n2,train,1\n3,val,2\n4,val,1\n")
    quiet = {"affine_probability": 0.0, "flip_probability": 0.0, "stain_probability": 0.0, "intensity_probability": 0.0}
    config = small_config(size_px=40, data={"split_file": str(split), "repeats": "times"}, augment=quiet)
    prepared = prepare_data(folder, config)
    crops = Crops(DecodedSamples(prepared.folds[0].train, prepared.label_map, prepared.spec), config)
    drawn = [tuple(crops[key][1].flatten().tolist()) for key in range(len(crops))]
    assert len(crops) == 4
    assert sorted(drawn.count(one) for one in set(drawn)) == [1, 3]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objects")
    write_labels(folder / "data")
    assert (
        lmsc_train(
            folder / "data",
            folder / "run",
            "--instances",
            "--recipe=tissue",
            *SMALL_FAST,
            "--batch=2",
            "--model=lmsc-unet-s",
        )
        == 0
    )
    return folder


def test_a_run_a_file_and_its_int8_give_the_contour_beside_the_classes(run: Path, tmp_path: Path) -> None:
    image = read_image(run / "data" / "images" / "0.png")
    ours = Predictor.load(run / "run").predict(image)
    assert ours.contour is not None
    assert ours.contour.shape == ours.mask.shape
    assert ours.probability.shape == (2, *ours.mask.shape)
    file = tmp_path / "m.onnx"
    assert main(["export", str(run / "run"), "--out", str(file), "--outputs", "probabilities", "--threads", "1"]) == 0
    theirs = Predictor.load(file, runtime=Runtime(backend="onnxruntime", threads=1)).predict(image)
    assert theirs.contour is not None
    np.testing.assert_allclose(theirs.contour, ours.contour, rtol=0, atol=1e-4)
    np.testing.assert_allclose(theirs.probability, ours.probability, rtol=0, atol=1e-4)
    assert read_description(file).spec.contour


def test_a_model_with_contours_writes_instances_unless_it_is_told_not_to(run: Path, tmp_path: Path) -> None:
    images = str(run / "data" / "images")
    assert main(["predict", str(run / "run"), images, "--out", str(tmp_path / "a"), "--backend", "torch"]) == 0
    flags = ("--backend", "torch", "--no-instances")
    assert main(["predict", str(run / "run"), images, "--out", str(tmp_path / "b"), *flags]) == 0
    assert len(list((tmp_path / "a" / "instances").iterdir())) == 4
    assert not (tmp_path / "b" / "instances").exists()


def test_touching_objects_are_parted_at_their_contour() -> None:
    mask = np.ones((20, 40), np.uint8)
    contour = np.zeros(mask.shape, np.float32)
    contour[:, 18:21] = 0.9
    names, probability = ("background", "nucleus"), np.zeros((2, *mask.shape), np.float32)
    whole = Prediction(mask=mask, probability=probability, class_names=names, contour=np.zeros_like(contour))
    parted = Prediction(mask=mask, probability=probability, class_names=names, contour=contour)
    assert parted.instances().max() == 2
    assert (parted.instances() > 0).all()
    assert len(np.unique(parted.instances()[:, :18])) == 1
    assert whole.instances().max() == 1


def test_a_file_of_classes_has_no_contour(run: Path, tmp_path: Path) -> None:
    image, file = read_image(run / "data" / "images" / "0.png"), tmp_path / "m.onnx"
    assert main(["export", str(run / "run"), "--out", str(file), "--outputs", "classes", "--threads", "1"]) == 0
    theirs = Predictor.load(file, runtime=Runtime(backend="onnxruntime", threads=1)).predict(image)
    assert theirs.contour is None
    assert (theirs.mask == Predictor.load(run / "run").predict(image).mask).mean() > 0.999


def test_weights_with_contours_begin_a_training_without_and_the_other_way_round(run: Path, tmp_path: Path) -> None:
    still = (
        "--epochs=1",
        "--optimizer.learning-rate=1e-12",
        "--optimizer.weight-decay=0",
        "--ema-decay=0",
        *SMALL_FAST,
    )
    plain, again = tmp_path / "plain", tmp_path / "again"
    assert lmsc_train(write_discs(tmp_path / "discs"), plain, "--from", str(run / "run"), *still) == 0
    assert lmsc_train(run / "data", again, "--from", str(plain), "--instances", *still) == 0
    first, without, both = (load_module(folder)[0].head.weight for folder in (run / "run", plain, again))
    torch.testing.assert_close(without, first[:4], rtol=0, atol=1e-6)
    torch.testing.assert_close(both[:4], without, rtol=0, atol=1e-6)
    assert both.shape == first.shape


def test_a_file_with_contours_begins_a_training_without(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    assert main(["export", str(run / "run"), "--out", str(file), "--threads", "1"]) == 0
    assert (
        lmsc_train(write_discs(tmp_path / "discs"), tmp_path / "b", "--from", str(file), "--epochs=1", *SMALL_FAST) == 0
    )
    assert read_config(tmp_path / "b").model == "lmsc-unet-s"


def test_boxes_of_recordings_have_no_contours(tmp_path: Path) -> None:
    from tests.datasets.test_sigmf_folder import write_labelled

    with pytest.raises(ConfigError, match=r"--instances separates objects of images"):
        prepare_data(write_labelled(tmp_path), small_config(data={"instances": True}))
