"""The width of typical objects, and the scale that a training takes from it."""

from pathlib import Path

import numpy as np
import pytest

from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.imageio import write_png
from lmsc_unet.training.prepare import typical_width_px

cv2 = pytest.importorskip("cv2", reason="only trainings measure objects; OpenCV comes with lmsc-unet[train]")
BINARY = LabelMap(kind="binary", raw_values=((0,), (255,)), ignore_index=100)


def sample(folder: Path, mask: np.ndarray, name: str = "a") -> Sample:
    path = folder / f"{name}.png"
    write_png(path, mask)
    return Sample(name=name, image=path, mask=path)


def discs(*places: tuple[int, int, int]) -> np.ndarray:
    """Filled circles of (x, y, radius) on 200 x 200 px."""
    mask = np.zeros((200, 200), np.uint8)
    for x, y, radius in places:
        cv2.circle(mask, (x, y), radius, 255, -1)
    return mask


@pytest.mark.parametrize(
    ("places", "width_px"),
    [
        ([(50, 50, 10), (120, 120, 10)], 21),
        ([(50, 50, 15), (74, 50, 15), (98, 50, 15)], 31),  # touching in a row: as wide as one
        ([(20 * i, 20, 3) for i in range(1, 9)] + [(100, 120, 40)], 81),  # most pixels lie in the large one
        ([], 0),
    ],
)
def test_a_width_is_that_of_the_object_most_pixels_lie_in(tmp_path, places, width_px):
    assert typical_width_px([sample(tmp_path, discs(*places))], BINARY) == pytest.approx(width_px, rel=0.05, abs=0.1)


def test_pixels_to_leave_out_are_no_object(tmp_path):
    mask = discs((50, 50, 10))
    mask[100:] = 100
    assert typical_width_px([sample(tmp_path, mask)], BINARY) == pytest.approx(21, abs=1.5)


def test_many_masks_weigh_by_their_pixels(tmp_path):
    samples = [sample(tmp_path, discs((50, 50, 8)), f"small{i}") for i in range(3)]
    samples.append(sample(tmp_path, discs((100, 100, 30)), "large"))
    assert typical_width_px(samples, BINARY) == pytest.approx(61, abs=1.5)
