from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.imageio import read_image
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.metrics.counts import IGNORE
from lmsc_unet.training.augment import HED_TO_RGB, RGB_TO_HED, build_transform, draw, jitter_stains
from lmsc_unet.training.config import AugmentConfig, TrainConfig
from lmsc_unet.training.dataset import Crops, DecodedSamples, EpochOrder, WholeImages

from .small import small_config, write_discs


def decoded(folder: Path, budget_mib: int = 64, **spec: object) -> DecodedSamples:
    samples = find_dataset(folder).samples
    return DecodedSamples(
        samples, LabelMap(kind="binary", raw_values=((0,), (255,))), ModelSpec(name="t", **spec), budget_mib
    )


def crops(folder: Path, **changes: object) -> Crops:
    config: TrainConfig = small_config(**changes)
    return Crops(decoded(folder, size_px=config.size_px), config)


@pytest.mark.parametrize("side_px", [20, 32, 46, 100], ids=["under a crop", "a crop", "over a crop", "far over"])
def test_a_crop_has_the_asked_size_whatever_the_image(tmp_path: Path, side_px: int) -> None:
    image, mask = crops(write_discs(tmp_path, side_px=side_px))[0]
    assert image.shape == (3, 32, 32)
    assert image.dtype == torch.float32
    assert mask.shape == (32, 32)
    assert set(mask.unique().tolist()) <= {0, 1}


def test_a_key_gives_the_same_crop_whatever_was_drawn_before(tmp_path: Path) -> None:
    folder = write_discs(tmp_path)
    first, second = crops(folder), crops(folder)
    for key in (3, 8, 1):
        second[key]
    for ours, theirs in zip(first[14], second[14], strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("treatment", ["tiles", "resize"])
def test_pixels_of_which_nothing_is_known_are_left_out_of_training_and_validation(tmp_path: Path, treatment) -> None:
    """I8: a strip with the nodata value of the file."""
    folder = write_discs(tmp_path, side_px=64)
    for path in (folder / "images").glob("*.png"):
        image = read_image(path).astype(np.float32)
        image[:16] = -9999
        tifffile.imwrite(
            path.with_suffix(".tif"), image, photometric="rgb", extratags=[(42113, 2, 0, "-9999", True)], metadata=None
        )
        path.unlink()
    data = decoded(folder, size_px=64, treatment=treatment)
    image, mask, _ = WholeImages(data)[0]
    assert (mask[:16] == IGNORE).all()
    assert (mask[17:] != IGNORE).all()
    assert image.isfinite().all()
    assert image[:, 17:].std() > 0.5  # the strip takes no contrast away
    drawn = Crops(data, small_config(size_px=64, augment={"affine_probability": 0.0}))
    for key in range(4):
        crop, ids = drawn[key]
        assert crop.isfinite().all()
        assert (ids == IGNORE).float().mean() == 0.25


def test_another_epoch_gives_another_crop(tmp_path: Path) -> None:
    data = crops(write_discs(tmp_path))
    assert not torch.equal(data[2][0], data[2 + len(data)][0])


def test_image_and_mask_move_together(tmp_path: Path) -> None:
    quiet = {"stain_probability": 0.0, "intensity_probability": 0.0}
    data = crops(write_discs(tmp_path, side_px=64), augment=quiet)
    for key in range(12):
        image, mask = data[key]
        grey = image.mean(0)
        inside, outside = grey[mask == 1], grey[mask == 0]
        if len(inside) > 20:
            assert inside.median() > outside.median() + 1  # discs are bright: by far over noise and soft edges


def test_an_epoch_shows_every_sample_once_and_ranks_share_it() -> None:
    orders = [EpochOrder(10, seed=1, epoch=lambda: 3, rank=rank, num_ranks=2) for rank in range(2)]
    keys = [key for order in orders for key in order]
    assert sorted(keys) == list(range(30, 40))


def test_a_step_shows_the_same_samples_to_one_process_or_to_two() -> None:
    whole = list(EpochOrder(16, seed=1, epoch=lambda: 0))
    first, second = (list(EpochOrder(16, seed=1, epoch=lambda: 0, rank=rank, num_ranks=2)) for rank in range(2))
    for step in range(4):
        shared = first[2 * step : 2 * step + 2] + second[2 * step : 2 * step + 2]
        assert sorted(shared) == sorted(whole[4 * step : 4 * step + 4])


def test_an_order_goes_on_where_it_was_left() -> None:
    whole = list(EpochOrder(16, seed=1, epoch=lambda: 2))
    assert list(EpochOrder(16, seed=1, epoch=lambda: 2, num_done=lambda: 6)) == whole[6:]
    assert list(EpochOrder(16, seed=1, epoch=lambda: 2, num_done=lambda: 18)) == []  # the last batch was a small one


def test_validation_images_are_padded_with_pixels_that_do_not_count(tmp_path: Path) -> None:
    image, mask, index = WholeImages(decoded(write_discs(tmp_path, count=1, side_px=42)))[0]
    assert image.shape == (3, 48, 48)
    assert (mask[42:] == IGNORE).all()
    assert (mask[:, 42:] == IGNORE).all()
    assert set(mask[:42, :42].unique().tolist()) == {0, 1}
    assert index == 0


def test_a_huge_validation_image_comes_in_tiles_that_cover_it(tmp_path: Path) -> None:
    images = WholeImages(decoded(write_discs(tmp_path, count=1, side_px=1100)))
    assert [images[key][0].shape[1:] for key in range(len(images))] == [(1024, 1024), (1024, 80), (80, 1024), (80, 80)]
    counted = sum(int((images[key][1] != IGNORE).sum()) for key in range(len(images)))
    assert counted == 1100 * 1100


def test_what_exceeds_the_cache_is_decoded_anew_and_is_the_same(tmp_path: Path) -> None:
    folder = write_discs(tmp_path)
    kept, anew = decoded(folder), decoded(folder, budget_mib=0)
    assert kept[1] is kept[1]
    assert anew[1] is not anew[1]
    assert np.array_equal(kept[1].image, anew[1].image)


def test_a_colour_image_may_be_turned_grey() -> None:
    config = AugmentConfig(grey_probability=1, stain_probability=0, intensity_probability=0)
    image = np.random.default_rng(0).random((3, 32, 32), dtype=np.float32)
    crop, _ = draw(build_transform(config, 32), image, np.zeros((32, 32), np.uint8), seed=1)
    assert (crop[0] == crop[1]).all()
    assert (crop[1] == crop[2]).all()
    assert crop.std() > 0.05


def test_stains_are_taken_apart_and_put_together() -> None:
    image = torch.rand(3, 5, 7) * 0.9 + 0.05
    torch.testing.assert_close(jitter_stains(image, torch.ones(3), torch.zeros(3)), image)
    torch.testing.assert_close(HED_TO_RGB @ RGB_TO_HED, torch.eye(3), atol=1e-5, rtol=0)


def test_more_haematoxylin_makes_an_image_darker() -> None:
    image = torch.full((3, 4, 4), 0.5)
    assert jitter_stains(image, torch.tensor([1.5, 1.0, 1.0]), torch.zeros(3)).mean() < 0.5
