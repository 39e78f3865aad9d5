"""A campaign of damaged images: each is read or told, and the sound ones beside it are segmented all the same."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the tests write ONNX files by it")

from lmsc_unet.imageio import read_image, read_mask, write_png
from tests.campaigns import Outcome, num_cases, run_commands
from tests.imageio.pictures import HEIGHT_PX, WIDTH_PX, picture, tiff
from tests.imageio.test_damage import WHOLE_FILES
from tests.inference.model_files import write_model

SEED = 19
IN_A_FOLDER = 20
Mutation = Callable[[bytearray, random.Random], bytes]


def truncated(content: bytearray, rng: random.Random) -> bytes:
    return bytes(content[: rng.randrange(len(content))])


def with_other_bytes(content: bytearray, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 4, 16))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content)


def with_another_header(content: bytearray, rng: random.Random) -> bytes:
    """Sizes, depths and offsets stand there."""
    at = rng.randrange(min(len(content), 200) - 4)
    content[at : at + 4] = rng.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\1\0\0", b"\1\0\0\0"))
    return bytes(content)


def with_a_block_of_zeros(content: bytearray, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    content[at : at + 64] = bytes(len(content[at : at + 64]))
    return bytes(content)


def with_a_part_twice(content: bytearray, rng: random.Random) -> bytes:
    start, end = sorted(rng.randrange(len(content)) for _ in range(2))
    return bytes(content[:end] + content[start:])


def without_a_part(content: bytearray, rng: random.Random) -> bytes:
    start, end = sorted(rng.randrange(len(content)) for _ in range(2))
    return bytes(content[:start] + content[end:])


MUTATIONS: tuple[Mutation, ...] = (
    truncated,
    with_other_bytes,
    with_another_header,
    with_a_block_of_zeros,
    with_a_part_twice,
    without_a_part,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files as other programs write them, by their endings."""
    folder = tmp_path_factory.mktemp("whole")
    for name, write in WHOLE_FILES.items():
        write(folder / name)
    return {name: (folder / name).read_bytes() for name in WHOLE_FILES}


def write_damaged(folder: Path, whole: dict[str, bytes], number: int) -> list[Path]:
    """Datasets `images/` and `masks/` of up to twenty images each: damaged ones, and two that are sound."""
    rng = random.Random(SEED)
    names = sorted(whole)
    for index in range(number):
        name = names[index % len(names)]
        damaged = rng.choice(MUTATIONS)(bytearray(whole[name]), rng)
        file = folder / f"{index // IN_A_FOLDER:03}/images/{index:04}{Path(name).suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(damaged)
    datasets = sorted(folder.iterdir())
    for dataset in datasets:
        write_png(dataset / "images/sound-1.png", picture(3))
        tiff(dataset / "images/sound-2.tif", picture(1, np.uint16))
        for image in sorted((dataset / "images").iterdir()):
            write_png(dataset / f"masks/{image.stem}.png", picture(1) // 128 * 255)
    return datasets


@num_cases(40, 800)
def test_damaged_images_are_told_and_their_neighbours_segmented(
    number: int, whole: dict[str, bytes], tmp_path: Path
) -> None:
    model = write_model(tmp_path / "bright.onnx")
    datasets = write_damaged(tmp_path / "data", whole, number)
    checks = [["data", "check", str(one)] for one in datasets]
    predictions = [
        ["predict", str(model), str(one / "images"), "--out", str(tmp_path / "out" / one.name), "--no-overlays"]
        for one in datasets
    ]
    outcomes = run_commands([*checks, *predictions], tmp_path)
    for outcome in outcomes[: len(checks)]:
        outcome.assert_sound(exit_codes=(1,))
    for dataset, outcome in zip(datasets, outcomes[len(checks) :], strict=True):
        outcome.assert_sound(exit_codes=(0, 2))
        hold_results(dataset, tmp_path / "out" / dataset.name, outcome)


def hold_results(dataset: Path, out: Path, outcome: Outcome) -> None:
    """Each image is in the list once, with a mask of its size or a message that names it."""
    entries = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    images = sorted((dataset / "images").iterdir())
    assert sorted(Path(one["path"]).name for one in entries) == [image.name for image in images]
    failed = [one for one in entries if one["error"] is not None]
    assert outcome.exit_code == (2 if failed else 0)
    for one in failed:
        assert Path(one["path"]).name in one["error"], one
        assert "Traceback" not in one["error"]
    for one in entries:
        if one["error"] is None:
            assert read_mask(out / one["mask"]).shape == read_image(Path(one["path"])).shape[:2]
    assert not {one["path"] for one in failed if "sound" in one["path"]}
    assert read_mask(out / "masks/sound-1.png").shape == (HEIGHT_PX, WIDTH_PX)
