"""SigMF metadata with one thing wrong, from fixed seeds: each recording is searched or told, and the others go on."""

import copy
import json
import random
from pathlib import Path

import numpy as np

from tests.campaigns import num_cases, run_commands

VALUES = [
    None, True, False, 0, -1, 1, 5, 2**31, 2**63, 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf"), "", "x", "0",
    "\ud800", "a" * 10_000, "../../etc/passwd", "a\x00b", "cf32_le", "ci16_le", [], [[]], [None], ["x"], [5], {},
    {"a": 1}, {"name": 5}, [{"name": "lmsc"}], "DEEP",
]  # fmt: skip
KEYS = [
    "core:datatype", "core:sample_rate", "core:version", "core:num_channels", "core:offset", "core:dataset",
    "core:metadata_only", "core:trailing_bytes", "core:sha512", "core:extensions", "core:sample_start",
    "core:sample_count", "core:frequency", "core:header_bytes", "core:datetime", "core:freq_lower_edge",
    "core:freq_upper_edge", "core:label", "core:description", "core:generator", "core:uuid", "lmsc:snr_db",
    "lmsc:confidence", "captures", "annotations", "global", "",
]  # fmt: skip
NUM_SAMPLES = 2_000


def sound() -> dict:
    edges = {"core:freq_lower_edge": 99.8e6, "core:freq_upper_edge": 100.2e6}
    return {
        "global": {
            "core:datatype": "ci16_le",
            "core:sample_rate": 1e6,
            "core:version": "1.2.0",
            "core:extensions": [{"name": "antenna", "version": "1.0.0", "optional": True}],
            "core:geolocation": {"type": "Point", "coordinates": [1.0, 2.0]},
        },
        "captures": [
            {"core:sample_start": 0, "core:frequency": 1e8},
            {"core:sample_start": 1_000, "core:frequency": 1e8, "core:datetime": "2026-01-01T00:00:00Z"},
        ],
        "annotations": [
            {"core:sample_start": start, "core:sample_count": 300, **edges, "core:label": "A"} for start in (100, 900)
        ],
    }


def changed(rng: random.Random) -> str:
    """The sound metadata with one or two values replaced, added or taken out; now and then its text is damaged."""
    whole: dict = sound()
    for _ in range(rng.choice([1, 1, 2])):
        at, key = rng.choice(places(whole))
        if rng.random() < 0.15:
            del at[key]
        elif rng.random() < 0.2 and isinstance(at, dict):
            at[rng.choice(KEYS)] = copy.deepcopy(rng.choice(VALUES))
        else:
            at[key] = copy.deepcopy(rng.choice(VALUES))
    text = json.dumps(whole).replace('"DEEP"', "[" * 900 + "]" * 900)
    if rng.random() < 0.05:
        place = rng.randrange(len(text))
        text = text[:place] + rng.choice(["", "}", "[", '"', "\\"]) + text[place + rng.choice([0, 1, 50]) :]
    return text


def places(value: object) -> list:
    """Every key of every object and list."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    here = [(value, key) for key in keys]
    return here + [place for key in keys for place in places(value[key])]


def write_recordings(folder: Path, number: int) -> None:
    rng = random.Random(0)
    samples = (np.random.default_rng(0).normal(size=2 * NUM_SAMPLES) * 2_000).astype("<i2").tobytes()
    folder.mkdir()
    for index in range(number):
        (folder / f"r{index:03d}.sigmf-meta").write_text(changed(rng), encoding="utf-8")
        (folder / f"r{index:03d}.sigmf-data").write_bytes(samples)
    for name in ("y", "z"):
        (folder / f"{name}.sigmf-meta").write_text(json.dumps(sound()), encoding="utf-8")
        (folder / f"{name}.sigmf-data").write_bytes(samples)


@num_cases(short=20, long=200)
def test_one_odd_recording_is_told_and_the_others_go_on(number: int, tmp_path: Path) -> None:
    write_recordings(tmp_path / "in", number)
    commands = [["detect", "in", "--out", "out", "--model", "energy"], ["data", "check", "in"]]
    searched, checked = run_commands(commands, tmp_path)
    searched.assert_sound([2])
    checked.assert_sound([1])
    entries = [json.loads(line) for line in (tmp_path / "out/detections.jsonl").read_text().splitlines()]
    assert len({entry["path"] for entry in entries}) == number + 2
    assert all(entry["status"] == "ok" for entry in entries if entry["path"] in ("in/y.sigmf-meta", "in/z.sigmf-meta"))
    errors = [entry["error"] for entry in entries if entry["error"]]
    assert not [error for error in errors if "a bug in lmsc-unet" in error]
    assert all(error.strip() for error in errors)
