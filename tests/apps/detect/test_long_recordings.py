"""A long recording takes no more memory than a short one, and its bursts are found wherever they lie."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

NUM_SAMPLES = 60_000_000
STARTS = (5_000_000, 31_000_000, 59_000_000)
BURST = 400_000

MEASURE = """
import resource, sys
from lmsc_unet.cli.main import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
sys.exit(code)
"""


def write_sparse(folder: Path, num_samples: int, starts: tuple[int, ...]) -> Path:
    """Silence, but for bursts in noise; on disk it takes what the bursts take."""
    rng = np.random.default_rng(0)
    with (folder / f"{num_samples}.sigmf-data").open("wb") as file:
        file.truncate(4 * num_samples)
        for start in starts:
            noise = rng.normal(0, 100, (2 * BURST, 2))
            phase = 2 * np.pi * 0.1 * np.arange(BURST)
            noise[BURST // 2 : -BURST // 2] += 5000 * np.stack([np.cos(phase), np.sin(phase)], axis=1)
            file.seek(4 * start)
            file.write(noise.astype("<i2").tobytes())
    meta = folder / f"{num_samples}.sigmf-meta"
    fields = {"core:datatype": "ci16_le", "core:sample_rate": 1e6, "core:version": "1.2.0"}
    meta.write_text(json.dumps({"global": fields, "captures": [{"core:sample_start": 0}], "annotations": []}))
    return meta


def peak_mb(*arguments: object) -> float:
    command = [sys.executable, "-c", MEASURE, "detect", *map(str, arguments), "--frames-per-row", "64"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(found.stdout.split()[-1])


def test_memory_does_not_grow_with_the_recording(tmp_path):
    """240 MB of samples would take 480 MB as complex numbers."""
    long, short = write_sparse(tmp_path, NUM_SAMPLES, STARTS), write_sparse(tmp_path, 4_000_000, (1_000_000,))
    options = ("--model", "energy", "--out")
    needed_mb = peak_mb(long, *options, tmp_path / "long") - peak_mb(short, *options, tmp_path / "short")
    assert needed_mb < 40
    with next((tmp_path / "long").rglob("signals.csv")).open() as file:
        found = [(float(row["start_s"]), float(row["stop_s"])) for row in csv.DictReader(file)]
    for start in STARTS:
        expected = ((start + BURST / 2) / 1e6, (start + 1.5 * BURST) / 1e6)
        assert any(pair == pytest.approx(expected, abs=0.03) for pair in found), found
