"""A TIFF of 20,000 x 20,000 px through `lmsc predict`: memory, megapixels a second, and the network's share of it.

    OMP_NUM_THREADS=1 python benchmarks/huge.py                          # an untrained lmsc-unet in INT8; needs PyTorch
    OMP_NUM_THREADS=1 python benchmarks/huge.py --model nuclei           # a bundled model or a file
    OMP_NUM_THREADS=1 python benchmarks/huge.py --height-px 1792         # as wide, with as high tiles: as much memory

A stained tissue is drawn once and repeated over a tiled, deflated BigTIFF. Each run segments it in a process of its own
with mask and overlay, the network on one thread; before and after, the bare network is timed on tiles of the same size
and on 256 px, and medians are compared. Seconds are of the processor, all threads together, and of the clock.
`cost_over_net` is all that a pixel of the image costs the processor (start, reading, what tiles see twice, drawing,
compression) over what it costs the bare network, `clock_over_net` the time that passes. Results go to results/huge.json
with the machine, the date and the commit.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from lmsc_unet.inference.loading import load
from lmsc_unet.inference.modes import scaled_px
from lmsc_unet.inference.runtime import TILE_PX, Runtime
from lmsc_unet.inference.sliding_window import Side, Tiling
from lmsc_unet.synthetic.tissue.writer import draw_tissue

RESULTS = Path(__file__).parent / "results/huge.json"
TILE = 512
"""Side of the file's tiles."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a bundled model or a model file; an untrained lmsc-unet in INT8 without it")
    parser.add_argument("--width-px", type=int, default=20_000)
    parser.add_argument("--height-px", type=int, default=20_000)
    parser.add_argument("--tile-px", type=int, default=TILE_PX)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--show", action="store_true", help="print what was found last, for the docs")
    parser.add_argument("--one", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        run_one(given.one)
        return
    if given.show:
        show(json.loads(RESULTS.read_text(encoding="utf-8")))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), given)
    print(json.dumps(found, indent=2))
    given.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def show(found: dict[str, Any]) -> None:
    """One sentence of the docs."""
    height_px, width_px = found["image_px"]
    cost, clock, twice = found["cost_over_net"], found["clock_over_net"], 1 + found["seen_twice"]
    machine, made = found["machine"]["cpu"], f"{found['date'][:10]}, commit {found['commit']}"
    print(
        f"A TIFF of {width_px:,} x {height_px:,} px ({found['file_mb']} MB): mask and overlay in "
        f"{found['clock_s']:.0f} s with {found['memory_mb']} MB of memory at most, the network on one thread. "
        f"A pixel takes {clock:.2f} times as long as in the bare network, and {cost:.2f} times the processor's time, "
        f"{twice:.2f} of it for what tiles see twice. "
        f"({machine}, {made}.)"
    )


def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """All figures, by turns."""
    model = given.model or str(untrained(folder))
    image = folder / "huge.tif"
    write_image(image, given.height_px, given.width_px)
    rows, columns = tiles_of(model, (given.height_px, given.width_px), given.tile_px)
    runs, bare_s, bare_256_s = [], [], []
    for turn in range(given.runs):
        bare_s += time_network(model, (rows.tile_px, columns.tile_px), 3)
        bare_256_s += time_network(model, (256, 256), 8)
        runs.append(predict(folder / f"out-{turn}", model, image, given.tile_px))
    bare_s += time_network(model, (rows.tile_px, columns.tile_px), 3)
    megapixels = given.height_px * given.width_px / 1e6
    cpu_s = statistics.median(run["cpu_s"] for run in runs)
    clock_s = statistics.median(run["clock_s"] for run in runs)
    bare = rows.tile_px * columns.tile_px / 1e6 / statistics.median(bare_s)
    seen = len(rows.starts_px) * rows.tile_px * len(columns.starts_px) * columns.tile_px / 1e6
    return {
        "command": " ".join(["python", "benchmarks/huge.py", *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": git("rev-parse", "--short", "HEAD"),
        "machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)},
        "image_px": [given.height_px, given.width_px],
        "file_mb": round(image.stat().st_size / 1e6),
        "tile_px": [rows.tile_px, columns.tile_px],
        "seen_twice": round(seen / megapixels - 1, 3),
        "memory_mb": round(max(run["memory_mb"] for run in runs)),
        "clock_s": round(clock_s, 1),
        "cpu_s": round(cpu_s, 1),
        "mpx_per_cpu_s": round(megapixels / cpu_s, 3),
        "net_mpx_per_s": round(bare, 3),
        "net_256_px_mpx_per_s": round(256**2 / 1e6 / statistics.median(bare_256_s), 3),
        "cost_over_net": round(cpu_s * bare / megapixels, 3),
        "clock_over_net": round(clock_s * bare / megapixels, 3),
    }


def predict(out: Path, model: str, image: Path, tile_px: int) -> dict[str, float]:
    """One run of `lmsc predict` in a process of its own."""
    arguments = ["predict", model, str(image), "--out", str(out), "--threads", "1", "--tile-px", str(tile_px)]
    command = [sys.executable, __file__, "--one", *arguments]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]))


def run_one(arguments: list[str]) -> None:
    """Runs the command line here, and prints what it took."""
    from lmsc_unet.cli.main import main as lmsc

    started_s = time.perf_counter()
    assert lmsc(arguments) == 0
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent_s = usage.ru_utime + usage.ru_stime
    clock_s = time.perf_counter() - started_s
    print(json.dumps({"clock_s": clock_s, "cpu_s": spent_s, "memory_mb": usage.ru_maxrss / 1e3}))


def time_network(model: str, size_px: tuple[int, int], number: int) -> list[float]:
    """Seconds of the processor for a tile, alone, without the first one."""
    loaded = load(model, Runtime(threads=1))
    pixels = np.random.default_rng(0).normal(size=(1, loaded.spec.input_channels, *size_px))
    tile = pixels.astype(np.float32)
    return [seconds(lambda: loaded.network(tile)) for _ in range(number + 1)][1:]


def seconds(work: Callable[[], object]) -> float:
    started_s = time.process_time()
    work()
    return time.process_time() - started_s


def tiles_of(model: str, size_px: tuple[int, int], tile_px: int) -> tuple[Side, Side]:
    """How the image is cut."""
    spec = load(model, Runtime(threads=1)).spec
    tiling = Tiling(tile_px=tile_px, multiple_px=spec.side_multiple_px, margin_px=spec.margin_px)
    height_px, width_px = scaled_px(*size_px, spec.scale)
    return tiling.side(height_px), tiling.side(width_px)


def write_image(path: Path, height_px: int, width_px: int) -> None:
    """Stained tissue again and again, each time turned and mirrored otherwise, so that no tile is the other's copy."""
    tissue = draw_tissue(np.random.default_rng(0), TILE).image

    def tiles() -> Iterator[NDArray[np.uint8]]:
        rng = np.random.default_rng(0)
        for _ in range(-(-height_px // TILE) * -(-width_px // TILE)):
            tile = np.rot90(tissue, rng.integers(4))
            yield np.ascontiguousarray(tile[:, ::-1] if rng.random() < 0.5 else tile)

    shape = (height_px, width_px, 3)
    options = {"tile": (TILE, TILE), "photometric": "rgb", "bigtiff": True, "compression": "zlib"}
    tifffile.imwrite(path, tiles(), shape=shape, dtype=np.uint8, **options)


def untrained(folder: Path) -> Path:
    """An exported INT8 file with random weights: the speed does not depend on them."""
    from lmsc_unet.benchmark.files import Files
    from lmsc_unet.benchmark.plan import Variant

    files = Files(folder=folder, size_px=256)
    return files.find(Variant(model="lmsc-unet", backend="onnxruntime", precision="int8"))


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout.strip()


def cpu_name() -> str:
    """As Linux calls it."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
