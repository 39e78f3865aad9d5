"""An image labelled by tiles, in row strips, has the objects of the whole image."""

import tracemalloc

import numpy as np
import pytest

from lmsc_unet.inference import label_rows as module
from lmsc_unet.inference.instances import INTERIOR, decode_instances
from lmsc_unet.inference.label_rows import label_image, label_rows
from tests.inference.test_instances import contours, discs, quality, regions_in


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(module, "TILE_SIDE_PX", 70)
    monkeypatch.setattr(module, "HALO_PX", 48)
    monkeypatch.setattr(module, "STRIP_ROWS", 9)


def tissue(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Some hundred discs of 8 to 26 px, many of which touch."""
    rng = np.random.default_rng(seed)
    number = height * width // 350
    circles = rng.uniform((0, 0, 4), (height, width, 13), (number, 3))
    return discs((height, width), *map(tuple, circles))


@pytest.mark.parametrize("has_contours", [False, True])
def test_tiles_give_the_objects_of_the_whole_image(small_tiles, has_contours):
    truth = tissue(310, 260)
    regions = regions_in(truth > 0, contours(truth) if has_contours else None)
    whole, tiled = decode_instances(regions), label_image(regions)
    assert whole.max() > 60
    np.testing.assert_array_equal(tiled, whole)


@pytest.mark.parametrize("rows_at_a_time", [1, 7, 64, 1000])
def test_the_result_does_not_depend_on_how_rows_arrive(small_tiles, rows_at_a_time):
    regions = regions_in(tissue(310, 150) > 0)
    strips = (regions[top : top + rows_at_a_time] for top in range(0, len(regions), rows_at_a_time))
    found = list(label_rows(strips, *regions.shape))
    np.testing.assert_array_equal(np.concatenate([rows.labels for rows in found]), label_image(regions))
    np.testing.assert_array_equal(np.concatenate([rows.mask for rows in found]), regions > 0)


def test_an_object_far_larger_than_a_halo_is_one_object(small_tiles):
    truth = discs((400, 400), (200, 200, 170))
    assert label_image(regions_in(truth > 0)).max() == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (70, 70), (71, 141)])
def test_images_of_any_shape(small_tiles, shape):
    assert label_image(np.zeros(shape, np.uint8)).shape == shape
    full = label_image(np.full(shape, INTERIOR, np.uint8))
    assert full.max() == (shape[0] * shape[1] >= 20)


def test_numbers_go_from_the_top_without_gaps(small_tiles):
    labels = label_image(regions_in(tissue(300, 300) > 0))
    numbers, firsts = np.unique(labels[labels > 0], return_index=True)
    assert numbers.tolist() == list(range(1, len(numbers) + 1))
    assert (np.diff(firsts) > 0).all()


def test_memory_does_not_grow_with_the_height(monkeypatch):
    monkeypatch.setattr(module, "TILE_SIDE_PX", 128)
    part = regions_in(tissue(256, 300) > 0)

    def peak_bytes(times: int) -> int:
        tracemalloc.start()
        for _rows in label_rows((part for _ in range(times)), 256 * times, 300):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_bytes(16) < 1.2 * peak_bytes(4)


def test_touching_tiles_at_the_real_size():
    truth = tissue(1100, 300, seed=3)
    regions = regions_in(truth > 0)
    assert quality(label_image(regions), decode_instances(regions)) == 1
