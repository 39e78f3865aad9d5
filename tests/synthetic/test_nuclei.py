import numpy as np
import pytest

from lmsc_unet.cli.main import main
from lmsc_unet.datasets.check import check_dataset
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import ConfigError, OutputError
from lmsc_unet.imageio import read_image, read_mask
from lmsc_unet.synthetic.tissue.writer import draw_tissue, write_nuclei


@pytest.fixture(scope="module")
def tissue():
    return draw_tissue(np.random.default_rng(5), 512)


def test_a_seed_gives_the_same_pictures_whatever_the_count(tmp_path):
    write_nuclei(tmp_path / "three", count=3, size_px=96, seed=4)
    write_nuclei(tmp_path / "one", count=1, size_px=96, seed=4)
    write_nuclei(tmp_path / "other", count=1, size_px=96, seed=5)
    first = [read_image(tmp_path / folder / "images" / "tissue_001.png") for folder in ("three", "one", "other")]
    np.testing.assert_array_equal(first[0], first[1])
    assert (first[0] != first[2]).any()


def test_what_is_written_is_a_dataset_with_masks_and_labels_that_agree(tmp_path, capsys):
    assert main(["data", "nuclei", str(tmp_path), "--count", "3", "--size-px", "128"]) == 0
    assert f"3 pictures of 128 x 128 px with masks are in {tmp_path}" in capsys.readouterr().out
    report = check_dataset(tmp_path)
    assert (report.num_pairs, report.problems) == (3, ())
    assert check_dataset(tmp_path, DataOptions(masks="labels")).class_pixels == report.class_pixels
    for path in (tmp_path / "labels").iterdir():
        labels = read_mask(path)
        np.testing.assert_array_equal(read_mask(tmp_path / "masks" / path.name), np.where(labels, 255, 0))
        assert labels.dtype == np.uint16


def test_numbers_have_no_gaps_and_nuclei_are_many_and_of_many_sizes(tissue):
    areas = np.bincount(tissue.labels.ravel())[1:]
    assert areas.min() > 0
    assert 20 <= len(areas) <= 200
    assert np.quantile(areas, 0.9) > 3 * np.quantile(areas, 0.1)
    assert 0.03 < (tissue.labels > 0).mean() < 0.4


def test_some_nuclei_touch(tissue):
    left, right = tissue.labels[:, :-1], tissue.labels[:, 1:]
    assert ((left != right) & (left > 0) & (right > 0)).any()


def test_nuclei_are_bluer_and_darker_than_what_is_around_them():
    for number in range(4):
        tissue = draw_tissue(np.random.default_rng(number), 256)
        inside, outside = (tissue.image[mask].mean(axis=0) for mask in (tissue.labels > 0, tissue.labels == 0))
        assert inside.sum() < outside.sum() - 60
        assert inside[2] - inside[0] > outside[2] - outside[0]


def test_the_stain_differs_between_pictures():
    means = [draw_tissue(np.random.default_rng((0, number)), 64).image.mean(axis=(0, 1)) for number in range(8)]
    assert np.std(means, axis=0).max() > 8


def test_wrong_use_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="count is 0; it must be at least 1"):
        write_nuclei(tmp_path, count=0, size_px=64)
    write_nuclei(tmp_path, count=1, size_px=32)
    with pytest.raises(OutputError, match="the folder holds images already"):
        write_nuclei(tmp_path, count=1, size_px=32)
