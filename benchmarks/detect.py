"""How fast a recording is searched, where the time goes, and how much memory it takes.

    OMP_NUM_THREADS=2 python benchmarks/detect.py                       # 2 GB, the bundled model of signals
    OMP_NUM_THREADS=2 python benchmarks/detect.py energy signals RUN --mb 256
    python benchmarks/detect.py --show

A generated ci16_le recording, repeated from a scene of 4 M samples (16 MB), is searched end to end by the code of
`lmsc detect`, at 1, 4 and 8 frames a row, each in a process of its own: million samples a second, shares of the time,
and the most memory the process ever held. The file lies in the system's temporary folder and is removed again. Results
go to results/detect.json with the machine, the date and the commit.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rows import print_head, print_row

from lmsc_unet.apps.detect.searching import SignalSearch, search_recording
from lmsc_unet.apps.detect.writers import write_found
from lmsc_unet.inference.detector import ENERGY, load_detector
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.signals.annotations import write_metadata
from lmsc_unet.signals.detection import pipeline
from lmsc_unet.signals.recording import open_recording
from lmsc_unet.signals.recording.datatypes import encode, parse_datatype
from lmsc_unet.synthetic.radio.scene import SceneOptions, draw_scene, render

RESULTS = Path(__file__).parent / "results/detect.json"
SCENE_SAMPLES = 1 << 22
FRAMES_PER_ROW = (1, 4, 8)
COLUMNS = {
    "model": "model",
    "frames_per_row": "frames a row",
    "msps": "million samples/s",
    "network_share": "network",
    "boxes_share": "boxes",
    "files_share": "files",
    "stft_share": "STFT, beside them",
    "memory_mb": "memory, MB",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["signals"], help="energy, a bundled model, a run or a model file")
    parser.add_argument("--mb", type=int, default=2000, help="size of the recording in million bytes")
    parser.add_argument("--threads", type=int, default=2, help="threads of the model")
    parser.add_argument("--show", action="store_true", help="print the table of the last results")
    parser.add_argument("--one", nargs=2, metavar=("RECORDING", "FRAMES"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(Path(given.one[0]), int(given.one[1]), given.models[0], given.threads)))
    elif given.show:
        show(json.loads(RESULTS.read_text(encoding="utf-8")))
    else:
        RESULTS.write_text(json.dumps(measure_all(given), indent=1) + "\n", encoding="utf-8")


def measure_all(given: argparse.Namespace) -> dict[str, Any]:
    """Every model at every number of frames, and where that was."""
    found = {"mb": given.mb, "model_threads": given.threads, "load_average": os.getloadavg()[0]}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        recording = write_recording(Path(folder), given.mb * 1_000_000)
        for model in given.models:
            for frames in FRAMES_PER_ROW:
                words = [model, "--one", str(recording), str(frames), "--threads", str(given.threads)]
                done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True)
                print(done.stdout, end="", flush=True)
                rows.append({"model": Path(model).name, **json.loads(done.stdout)})
    from lmsc_unet.core.provenance import provenance  # loads PyTorch, and a process's peak begins at its parent's

    return {**provenance(), **found, "rows": rows}


def show(found: dict[str, Any]) -> None:
    """The table of docs/how-to/signals.md."""
    print_head(*COLUMNS.values())
    for row in found["rows"]:
        print_row(*(f"{row[name]:.0%}" if name.endswith("share") else row[name] for name in COLUMNS))
    machine = f"{found['machine']['cpu']}, {found['machine']['cores']} cores, load {found['load_average']:.1f} before"
    print(f"\n{found['mb'] / 1000:g} GB of ci16_le, {found['date'][:10]}, commit {found['commit']}, {machine}.")


def write_recording(folder: Path, num_bytes: int) -> Path:
    """A scene of four signals (template 2) over and over, as ci16_le."""
    samples = render(draw_scene(0, SceneOptions(samples=SCENE_SAMPLES)))
    samples *= np.float32(0.9 / np.abs(samples.view(np.float32)).max())
    block = encode(samples, parse_datatype("ci16_le")).tobytes()
    meta = folder / "long.sigmf-meta"
    with meta.with_suffix(".sigmf-data").open("wb") as file:
        for start in range(0, num_bytes, len(block)):
            file.write(block[: num_bytes - start])
    fields = {"core:datatype": "ci16_le", "core:sample_rate": 20e6, "core:version": "1.2.0"}
    write_metadata(meta, {"global": fields, "captures": [{"core:sample_start": 0}], "annotations": []})
    return meta


def measure(path: Path, frames_per_row: int, model: str, threads: int) -> dict[str, Any]:
    """Searches the recording once, with clocks around its parts; a thread of its own makes transform and levels."""
    runtime = Runtime() if model == ENERGY else Runtime(threads=threads)
    finder = load_detector(model, frames_per_row=frames_per_row, runtime=runtime)
    clock = Clock()
    masker = Timed(finder.masker, clock)
    pipeline.power_rows = clock.around(pipeline.power_rows, "stft")
    pipeline.power_rows = clock.around(pipeline.power_rows, "stft")
    pipeline.db_rows = clock.around(pipeline.db_rows, "levels", inner="stft")
    pipeline.RegionFinder.feed = clock.around(pipeline.RegionFinder.feed, "boxes")
    recording = open_recording(path)
    started_s = time.perf_counter()
    found = search_recording(recording, 0, SignalSearch(finder=replace(finder, masker=masker)))
    searched_s = time.perf_counter() - started_s
    with tempfile.TemporaryDirectory() as folder:
        write_found(Path(folder), "long", found)
    total_s = time.perf_counter() - started_s
    clock.spent_s["network"] /= finder.at_once
    shares = {f"{name}_share": round(spent / total_s, 3) for name, spent in clock.spent_s.items()}
    return {
        "frames_per_row": frames_per_row,
        "msps": round(recording.num_samples / total_s / 1e6, 2),
        **shares,
        "files_share": round((total_s - searched_s) / total_s, 3),
        "signals": len(found.boxes),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }


class Clock:
    """How long each part took, without what it waited for of another."""

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = {"stft": 0.0, "levels": 0.0, "network": 0.0, "boxes": 0.0}
        self._lock = threading.Lock()

    def add(self, name: str, spent_s: float) -> None:
        """Counts a time; threads may."""
        with self._lock:
            self.spent_s[name] += spent_s

    def around(self, function: Any, name: str, inner: str | None = None) -> Any:
        """The same generator function, with the time until each of its items counted."""

        def timed(*arguments: Any, **settings: Any) -> Iterator[Any]:
            items = function(*arguments, **settings)
            while True:
                started_s, inside_s = time.perf_counter(), self.spent_s.get(inner or "", 0.0)
                item = next(items, None)
                self.spent_s[name] += time.perf_counter() - started_s
                self.spent_s[name] -= self.spent_s.get(inner or "", 0.0) - inside_s
                if item is None:
                    return
                yield item

        return timed


class Timed:
    """A masker with a clock."""

    def __init__(self, masker: Any, clock: Clock) -> None:
        self.masker, self.clock = masker, clock

    @property
    def halo_rows(self) -> int:
        """As the masker's."""
        return int(self.masker.halo_rows)

    @property
    def sure(self) -> float:
        """As the masker's."""
        return float(self.masker.sure)

    def __call__(self, rows_db: Any) -> Any:
        """As the masker's."""
        started_s = time.perf_counter()
        result = self.masker(rows_db)
        self.clock.add("network", time.perf_counter() - started_s)
        return result


if __name__ == "__main__":
    main()
