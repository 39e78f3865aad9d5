"""Times whole commands of two source trees, interleaved: `python benchmarks/trees.py BEFORE AFTER`.

Prints a row per command (medians in seconds, the ratio, the peak of memory in MiB) and writes results/trees.json. Both
trees run in this Python's environment.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tifffile

from lmsc_unet.core.provenance import provenance

RESULT = Path(__file__).parent / "results" / "trees.json"
RUN = """
import resource, sys, time
from lmsc_unet.cli.main import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
sys.exit(code)
"""
TIMED = """
import subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
assert done.returncode == 0, done.stderr
print(time.perf_counter() - start, done.stderr.split()[-1])
"""


def lmsc(tree: Path, *words: object) -> tuple[float, int]:
    """Seconds and peak MiB of one command."""
    environment = os.environ | {"PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": ""}  # as installed
    command = [sys.executable, "-c", TIMED, sys.executable, "-c", RUN, *map(str, words)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    seconds, mib = done.stdout.split()
    return float(seconds), int(mib)


def commands(folder: Path, tree: Path, large_px: int) -> dict[str, tuple[int, tuple[object, ...]]]:
    """Name -> rounds and words; draws what they need."""
    lmsc(tree, "data", "nuclei", folder / "small", "--count", 24, "--size-px", 256)
    lmsc(tree, "data", "nuclei", folder / "tiny", "--count", 10, "--size-px", 256)
    lmsc(tree, "scenes", folder / "radio", "--count", 1, "--samples", 2**21, "--sample-rate-hz", 1e6)
    blocks = np.random.default_rng(0).integers(0, 255, (large_px // 8, large_px // 8, 3), dtype=np.uint8)
    picture = np.kron(blocks, np.ones((8, 8, 1), np.uint8))
    tifffile.imwrite(folder / "large.tif", picture, tile=(256, 256), compression="zlib", photometric="rgb")
    out, one = ("--out", folder / "out"), sorted((folder / "small" / "images").iterdir())[0]
    here = ("--backend", "onnxruntime")
    return {
        "lmsc --help": (7, ("--help",)),
        "predict one image": (5, ("predict", "nuclei", one, *out, *here)),
        "predict 24 images of 256 px": (5, ("predict", "nuclei", folder / "small" / "images", *out, *here)),
        f"predict a TIFF of {large_px} x {large_px} px": (2, ("predict", "nuclei", folder / "large.tif", *out, *here)),
        "detect 2,097,152 samples": (5, ("detect", folder / "radio", *out, *here)),
        "train an epoch of 8 images": (5, ("train", folder / "tiny", *out, "--epochs", 1)),
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--large-px", type=int, default=8000)
    given = parser.parse_args()
    trees = {"before": given.before, "after": given.after}
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, (rounds, words) in commands(folder, given.after, given.large_px).items():
            found: dict[str, list[tuple[float, int]]] = {"before": [], "after": []}
            for turn in range(rounds):
                for which in ("before", "after") if turn % 2 else ("after", "before"):
                    shutil.rmtree(folder / "out", ignore_errors=True)
                    found[which].append(lmsc(trees[which], *words))
            medians = {which: statistics.median(seconds for seconds, _ in some) for which, some in found.items()}
            peaks = {which: max(mib for _, mib in some) for which, some in found.items()}
            rows.append({"command": title, "rounds": rounds, "s": medians, "mib": peaks})
            ratio = medians["after"] / medians["before"]
            print(
                f"| {title} | {medians['before']:.2f} | {medians['after']:.2f} | {ratio:.2f} | {peaks['after']} |",
                flush=True,
            )
    RESULT.write_text(json.dumps({"rows": rows, "origin": provenance()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
