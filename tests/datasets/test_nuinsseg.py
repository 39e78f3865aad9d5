import csv

import pytest

from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.load import find_label_map, load_pair
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.splits import kfold
from lmsc_unet.errors import DataError
from tests.datasets.folders import SHARED, write_image, write_mask

PUBLISHED = SHARED / "nuinsseg" / "published_file_list_665.csv"
needs_list = pytest.mark.skipif(not PUBLISHED.is_file(), reason="NuInsSeg's file list is not beside the repository")
needs_patches = pytest.mark.skipif(
    not (SHARED / "nuinsseg" / "human spleen").is_dir(), reason="NuInsSeg's patches are not beside the repository"
)


def _organ(root, organ, stems):
    for stem in stems:
        write_image(root / organ / "tissue images" / f"{stem}.png", seed=stem)
        write_mask(root / organ / "mask binary" / f"{stem}.png")
        write_mask(root / organ / "label masks modify" / f"{stem}.tif", values=(0, 7))
        write_mask(root / organ / "vague areas" / "mask binary" / f"{stem}.png")
        write_image(root / organ / "distance maps" / f"{stem}.png")


@pytest.fixture
def organs(tmp_path):
    _organ(tmp_path, "human salivory gland", ["human_salivory_01", "human_salivory_03"])  # no 02, and another stem
    _organ(tmp_path, "mouse fat (white and brown)_subscapula", ["mouse_subscapula_1", "mouse_subscapula_10"])
    return tmp_path


def test_the_layout_is_recognised_by_itself(organs):
    dataset = find_dataset(organs)
    assert dataset.layout == "nuinsseg"
    assert [sample.name for sample in dataset.samples] == [
        "human salivory gland/human_salivory_01",
        "human salivory gland/human_salivory_03",
        "mouse fat (white and brown)_subscapula/mouse_subscapula_1",
        "mouse fat (white and brown)_subscapula/mouse_subscapula_10",
    ]
    assert {sample.mask.parent.name for sample in dataset.samples} == {"mask binary"}
    assert all(sample.mask.parents[1] == sample.image.parents[1] for sample in dataset.samples)


def test_another_of_its_folders_may_give_the_masks(organs):
    dataset = find_dataset(organs, DataOptions(masks="label masks modify"))
    assert {sample.mask.suffix for sample in dataset.samples} == {".tif"}


def test_a_single_organ_is_a_dataset(organs):
    dataset = find_dataset(organs / "human salivory gland")
    assert [sample.name for sample in dataset.samples] == ["human_salivory_01", "human_salivory_03"]


def test_a_lost_mask_is_named(organs):
    lost = organs / "human salivory gland" / "mask binary" / "human_salivory_03.png"
    lost.unlink()
    with pytest.raises(DataError, match=r"tissue images/human_salivory_03\.png: the image has no mask"):
        find_dataset(organs)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Every published name, in empty files: pairing and folds look at names alone."""
    root = tmp_path_factory.mktemp("nuinsseg")
    folds = {}
    with PUBLISHED.open(encoding="utf-8", newline="") as stream:
        for organ, file, fold in list(csv.reader(stream))[1:]:
            for folder in ("tissue images", "mask binary", "distance maps"):
                (root / organ / folder).mkdir(parents=True, exist_ok=True)
                (root / organ / folder / file).touch()
            folds[f"{organ}/{file.removesuffix('.png')}"] = int(fold)
    return root, folds


@needs_list
def test_the_whole_published_set_pairs(published):
    root, folds = published
    dataset = find_dataset(root)
    assert dataset.layout == "nuinsseg"
    assert len(dataset.samples) == 665
    assert {sample.name for sample in dataset.samples} == set(folds)
    assert all(sample.mask.name == sample.image.name for sample in dataset.samples)
    assert len({sample.name.split("/")[0] for sample in dataset.samples}) == 31


@needs_list
def test_five_folds_are_the_official_split(published):
    pytest.importorskip("sklearn", reason="only trainings fold; scikit-learn comes with lmsc-unet[train]")
    root, folds = published
    found = kfold(find_dataset(root).samples, 5)
    assert [len(fold.val) for fold in found] == [133] * 5
    assert {sample.name: fold.number for fold in found for sample in fold.val} == folds


@needs_patches
@pytest.mark.parametrize("masks", ["masks", "label masks modify"])
def test_real_patches_load_and_both_kinds_of_mask_agree(masks):
    dataset = find_dataset(SHARED / "nuinsseg" / "human spleen", DataOptions(masks=masks))
    label_map = find_label_map(dataset.samples)
    assert len(dataset.samples) == 34
    assert label_map.kind == ("binary" if masks == "masks" else "instances")
    image, mask = load_pair(dataset.samples[0], label_map)
    assert (image.shape, str(image.dtype), mask.shape) == ((512, 512, 3), "uint8", (512, 512))
    assert round(float(mask.mean()), 4) == 0.1465  # `mask binary` is `label masks modify` above 0
