"""A campaign of damaged model files and odd descriptions: each is refused, or makes the mask of the sound one."""

import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the tests write ONNX files by it")

from lmsc_unet.imageio import read_mask, write_png
from lmsc_unet.inference.metadata import Description, to_text, with_digest
from tests.apps.segment.conftest import blobs
from tests.campaigns import num_cases, run_commands
from tests.inference.model_files import write_model
from tests.inference.networks import spec

SEED = 23
Mutation = Callable[[bytearray, random.Random], bytes]
BAD_VALUES: tuple[Any, ...] = (
    *(math.nan, math.inf, -math.inf, 1e308, 1e6, 10**30, -(10**30), 0, -1, 1.5, True),
    *(None, "", "a" * 5000, "\0", [], [[]], [math.nan], ["a"] * 5000, {}, {"a": {"b": 1}}),
)
HOSTILE_TEXTS = (
    *("", "null", "5", "[]", "{}", "[" * 100_000, '{"a":' * 50_000, '{"version": 1}', '{"version": true, "spec": {}}'),
    '{"version": ' + "9" * 5000 + "}",
    '{"version": 1, "spec": ' + "[" * 900 + "]" * 900 + "}",
    '{"version": 1, "spec": {"name": "a", "mean": ' + "[" * 900 + "]" * 900 + "}}",
)


def with_a_flipped_bit(content: bytearray, rng: random.Random) -> bytes:
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


def with_other_bytes(content: bytearray, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 4, 16))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content)


def truncated(content: bytearray, rng: random.Random) -> bytes:
    return bytes(content[: rng.randrange(len(content))])


def without_a_part(content: bytearray, rng: random.Random) -> bytes:
    start, end = sorted(rng.randrange(len(content)) for _ in range(2))
    return bytes(content[:start] + content[end:])


MUTATIONS: tuple[Mutation, ...] = (with_a_flipped_bit, with_other_bytes, truncated, without_a_part)


def hold(models: list[Path], sound: Path, folder: Path) -> None:
    """Predicts by each model: exit code 1 or 2 with a message, or the mask of the sound model."""
    write_png(folder / "a.png", blobs(40, 56))
    outs = [folder / "masks" / str(index) for index in range(len(models) + 1)]
    commands = [
        ["predict", str(model), str(folder / "a.png"), "--out", str(out), "--threads", "1", "--backend", "onnxruntime"]
        for model, out in zip([sound, *models], outs, strict=True)
    ]
    expected, *found = run_commands(commands, folder)
    expected.assert_sound((0,))
    mask = read_mask(outs[0] / "masks/a.png")
    for outcome, out in zip(found, outs[1:], strict=True):
        outcome.assert_sound()
        assert "LMSC_DEBUG" not in outcome.errors, outcome.errors
        if outcome.exit_code == 0:
            assert np.array_equal(read_mask(out / "masks/a.png"), mask), outcome.words


@num_cases(16, 200)
def test_a_damaged_model_file_is_refused_or_makes_the_same_mask(number: int, tmp_path: Path) -> None:  # R4
    sound = write_model(tmp_path / "sound.onnx")
    whole = with_digest(sound.read_bytes())
    sound.write_bytes(whole)
    rng = random.Random(SEED)
    models = []
    for index in range(number):
        models.append(tmp_path / f"damaged-{index}.onnx")
        models[-1].write_bytes(MUTATIONS[index % len(MUTATIONS)](bytearray(whole), rng))
    hold(models, sound, tmp_path)


def odd_descriptions(rng: random.Random) -> Iterator[str]:
    """Whole texts that are hostile, then descriptions of which one field, at the top or inside, has a bad value."""
    yield from HOSTILE_TEXTS
    while True:
        odd = json.loads(to_text(Description(spec=spec(mean=(0.5,)))))
        stft: dict[str, Any] = {"nfft": 256, "hop": 256, "window": "hann", "frames_per_row": 1}
        shown: dict[str, Any] = {"low_db": -10.0, "high_db": 40.0}
        holder = rng.choice([odd, odd["spec"], odd["spec"], odd["spec"], stft, shown])
        holder[rng.choice(list(holder))] = rng.choice(BAD_VALUES)
        if holder in (stft, shown):
            odd["spec"]["spectrogram"] = {"stft": stft, "shown": shown}
        yield json.dumps(odd)


@num_cases(24, 300)
def test_an_odd_description_is_refused_before_it_does_harm(number: int, tmp_path: Path) -> None:  # R5, R6
    sound = write_model(tmp_path / "sound.onnx")
    models = []
    for index, text in zip(range(number), odd_descriptions(random.Random(SEED)), strict=False):
        models.append(write_model(tmp_path / f"odd-{index}.onnx", text=text))
        models[-1].write_bytes(with_digest(models[-1].read_bytes()))
    hold(models, sound, tmp_path)
