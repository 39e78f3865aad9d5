"""How long `lmsc --help` and a first mask take from nothing, and how much memory: whole processes, from outside.

    python benchmarks/coldstart.py [MODEL] [--rounds 9] [--out benchmarks/results/coldstart.json]
    python benchmarks/coldstart.py --show

MODEL is what `lmsc predict` takes; without one an INT8 LMSC-UNet is made whose weights were never trained, and which is
calibrated on noise: time and memory do not depend on them. The commands take turns, with a bare `python -c pass`; the
first round is not counted. Wall time is what a user waits on a machine with nothing else to do. On a busy one, put
`chrt --rr 1` before the command, which the result then says. The peak of memory is each process's own, as this script
stays smaller than what it measures.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SIDE_PX = 256
SCHEDULERS = {0: "as usual", 1: "before all others", 2: "before all others"}
"""By number in Linux; `chrt --rr 1 python benchmarks/coldstart.py` measures on a machine that has other work."""
MAKE_MODEL = """
import shutil, sys
from pathlib import Path
from lmsc_unet.benchmark.plan import Files
from lmsc_unet.benchmark.plan import Variant

variant = Variant(model="lmsc-unet", backend="onnxruntime", precision="int8")
with __import__("tempfile").TemporaryDirectory() as folder:
    made = Files(folder=Path(folder), size_px=256).find(variant)
    shutil.copy(made, sys.argv[1])
"""
MAKE_IMAGE = """
import sys
from pathlib import Path
import numpy as np
from lmsc_unet.imageio import write_png

side = int(sys.argv[2])
write_png(Path(sys.argv[1]), np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "coldstart.json")
    parser.add_argument("--show", action="store_true", help="print the result that is there, and measure nothing")
    options = parser.parse_args()
    if options.show:
        show(json.loads(options.out.read_text()))
        return
    with tempfile.TemporaryDirectory(prefix="lmsc-coldstart-") as folder:
        rows = measure(commands(options.model, Path(folder)), options.rounds)
    from lmsc_unet.core.provenance import provenance  # now, as it brings PyTorch

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    result = {
        "model": Path(options.model).name if options.model else "lmsc-unet in INT8, never trained",
        "side_px": SIDE_PX,
        "rounds": options.rounds,
        "load_average": load,
        "scheduler": scheduler(),
        "rows": rows,
    }
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(result | provenance(), indent=2) + "\n")
    show(result | provenance())


def commands(model: str | None, folder: Path) -> dict[str, list[str]]:
    """What is measured, by the name that a table gives it."""
    image = folder / "one.png"
    subprocess.run([sys.executable, "-c", MAKE_IMAGE, str(image), str(SIDE_PX)], check=True)
    if model is None:
        model = str(folder / "model-int8.onnx")
        subprocess.run([sys.executable, "-c", MAKE_MODEL, model], check=True)
    lmsc = [sys.executable, "-m", "lmsc_unet.cli"]
    predict = [*lmsc, "predict", model, str(image), "--out", str(folder / "out"), "--overwrite"]
    return {"python -c pass": [sys.executable, "-c", "pass"], "lmsc --help": [*lmsc, "--help"], "lmsc predict": predict}


def measure(words: dict[str, list[str]], rounds: int) -> list[dict[str, Any]]:
    """A row for each command: medians over the rounds, and the highest peak."""
    runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in words}
    for _ in range(rounds + 1):
        for name, command in words.items():
            runs[name].append(run(command))
    return [
        {
            "command": name,
            "wall_s": round(statistics.median(wall_s for wall_s, _, _ in found[1:]), 4),
            "wall_s_least": round(min(wall_s for wall_s, _, _ in found[1:]), 4),
            "processor_s": round(statistics.median(processor_s for _, processor_s, _ in found[1:]), 4),
            "peak_rss_mib": round(max(peak_mib for _, _, peak_mib in found[1:]), 1),
        }
        for name, found in runs.items()
    ]


def run(command: list[str]) -> tuple[float, float, float]:
    """Wall and processor seconds of a process, and its peak of memory in MiB."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    started_s = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started_s
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}.")
    peak_mib = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return wall_s, usage.ru_utime + usage.ru_stime, peak_mib


def scheduler() -> str:
    """How the system schedules this process and those that it starts."""
    number = os.sched_getscheduler(0) if hasattr(os, "sched_getscheduler") else None
    return SCHEDULERS.get(number, "otherwise")


def show(result: dict[str, Any]) -> None:
    """Prints a result as a Markdown table."""
    print("| | wall, s | least, s | processor, s | peak MiB |\n|---|---:|---:|---:|---:|")
    for row in result["rows"]:
        times = (row["wall_s"], row["wall_s_least"], row["processor_s"])
        print(f"| `{row['command']}` | {' | '.join(f'{value:.2f}' for value in times)} | {row['peak_rss_mib']:.0f} |")
    machine = result["machine"]
    busy = f"load average {result['load_average']:.1f}, scheduled {result['scheduler']}"
    where = f"{machine['cpu']}, {machine['cores']} cores, {busy}"
    made = f"{result['rounds']} rounds, {result['date'][:10]}, commit {result['commit']}"
    print(f"\n{result['model']}, one image of {result['side_px']} x {result['side_px']} px. {made}, {where}.")


if __name__ == "__main__":
    main()
