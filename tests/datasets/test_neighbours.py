"""Neighbouring crops of one picture are found by their edges, and images that only look alike are not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from lmsc_unet.cli.main import main
from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.neighbours import edges_of, groups_of, neighbours
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.errors import DataError
from lmsc_unet.imageio import write_png

SIDE_PX = 96


def picture(seed: int, side_px: int = 2 * SIDE_PX) -> np.ndarray:
    """Smooth texture under a light that falls off to the right, and the noise of a camera."""
    rng = np.random.default_rng(seed)
    noise = Image.fromarray(rng.integers(0, 255, (side_px, side_px, 3), dtype=np.uint8))
    texture = np.asarray(noise.filter(ImageFilter.GaussianBlur(3)), np.float32)
    light = np.linspace(1.5, 0.6, side_px)[None, :, None]
    return np.clip(texture * light + rng.normal(0, 1, texture.shape), 0, 255).astype(np.uint8)


def quarters(image: np.ndarray) -> list[np.ndarray]:
    half = len(image) // 2
    return [image[top : top + half, left : left + half] for top in (0, half) for left in (0, half)]


def test_the_quarters_of_a_picture_are_neighbours_and_other_pictures_are_not() -> None:
    images = [*quarters(picture(0)), *quarters(picture(1)), picture(2, SIDE_PX), picture(3, SIDE_PX)]
    found = set(neighbours([edges_of(image) for image in images]))
    ours = {(0, 1), (2, 3), (0, 2), (1, 3)}
    assert found == ours | {(a + 4, b + 4) for a, b in ours}
    assert groups_of(len(images), sorted(found)) == {0: [0, 1, 2, 3], 4: [4, 5, 6, 7]}


def test_images_of_other_sides_meet_at_the_edge_that_is_as_long() -> None:
    whole = picture(5)
    wide, tall = whole[:70], whole[70:]
    assert list(neighbours([edges_of(tall), edges_of(wide)])) == [(1, 0)]


def test_flat_dark_and_short_edges_are_no_neighbours() -> None:
    dark = np.zeros((SIDE_PX, SIDE_PX, 1), np.uint8)
    light = np.tile(np.linspace(0, 250, SIDE_PX).astype(np.uint8)[None, :, None], (SIDE_PX, 1, 1))  # the same in each
    short = quarters(picture(0, 80))
    assert not list(neighbours([edges_of(image) for image in (dark, dark, light, light, *short)]))


def write(root: Path) -> Path:
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    mask[20:40, 20:40] = 255
    for seed, name in enumerate("ab"):
        for number, image in enumerate(quarters(picture(seed))):
            write_png(root / "images" / f"{name}{number}.png", image)
            write_png(root / "masks" / f"{name}{number}.png", mask)
    return root


def test_crops_are_a_group_named_by_the_first(tmp_path: Path) -> None:
    samples = find_dataset(write(tmp_path), DataOptions(group="crops")).samples
    assert {sample.name: sample.group for sample in samples} == {
        f"{name}{n}": f"{name}0" for name in "ab" for n in range(4)
    }


def test_the_check_warns_of_crops_that_a_split_may_separate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path / "data")
    assert main(["data", "check", str(data)]) == 0
    told = capsys.readouterr().out
    assert "8 images are neighbouring crops of 2 pictures: " in told
    assert "--group crops keeps them together" in told
    assert main(["data", "check", str(data), "--group", "crops"]) == 0
    assert "neighbouring crops" not in capsys.readouterr().out
    split = tmp_path / "split.csv"
    split.write_text("name,split\n" + "".join(f"a{n},train\nb{n},val\n" for n in range(4)))
    assert main(["data", "check", str(data), "--split-file", str(split)]) == 0
    assert "neighbouring crops" not in capsys.readouterr().out


def test_recordings_have_no_crops(tmp_path: Path) -> None:
    from tests.datasets.test_sigmf_folder import write_labelled

    with pytest.raises(DataError, match="--group crops looks at the edges of images"):
        find_dataset(write_labelled(tmp_path), DataOptions(group="crops"))
