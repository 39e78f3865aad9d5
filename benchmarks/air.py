"""Scores `lmsc detect` at default settings on real recordings, and prints the table of docs/models/signals.md.

    python benchmarks/air.py --evaluate FOLDER [ARGUMENT...]    # writes results/air.json
    python benchmarks/air.py                                    # prints the table

FOLDER holds NAME.sigmf-meta, NAME.sigmf-data and truth.json: {"recordings": [{"name", "boxes", "ignore"}]}, each box
[start_s, stop_s, low_hz, high_hz] at radio frequency, one per transmission. Found and true boxes are matched greedily
by IoU in time and frequency, at least 0.5. A found box that lies by half or more in an "ignore" box counts neither way.
Sources are the words before the first underscore of the names; ARGUMENTs are passed to `lmsc detect`.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rows import print_head, print_row

from lmsc_unet.core.provenance import provenance

RESULT = Path(__file__).parent / "results" / "air.json"
MIN_IOU = 0.5
Box = Sequence[float]


def main() -> None:
    """Evaluates a folder, or prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluate", type=Path, metavar="FOLDER")
    options, arguments = parser.parse_known_args()
    if options.evaluate:
        truth = json.loads((options.evaluate / "truth.json").read_text())["recordings"]
        found = [score(options.evaluate, one, arguments) for one in truth]
        command = " ".join(["lmsc detect", *arguments])
        RESULT.write_text(json.dumps({**provenance(), "detect": command, "recordings": found}, indent=1) + "\n")
    print_table(json.loads(RESULT.read_text()))


def score(folder: Path, truth: dict[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    """True, found and false boxes of one recording."""
    with tempfile.TemporaryDirectory() as out:
        words = ("detect", str(folder / f"{truth['name']}.sigmf-meta"), "--out", f"{out}/o", *arguments)
        subprocess.run((sys.executable, "-m", "lmsc_unet.cli", *words), check=True, capture_output=True)
        found = [box for path in Path(out).rglob("signals.csv") for box in read_boxes(path)]
    hits = match(truth["boxes"], found)
    is_ignored = [any(common(box, other) >= 0.5 * area(box) for other in truth.get("ignore", ())) for box in found]
    false = sum(index not in hits.values() and not ignored for index, ignored in enumerate(is_ignored))
    return {"name": truth["name"], "true": len(truth["boxes"]), "found": len(hits), "false": false}


def match(true: Sequence[Box], found: Sequence[Box]) -> dict[int, int]:
    """The found box of each true one, best pairs first."""
    pairs = sorted(
        ((iou(one, other), i, j) for i, one in enumerate(true) for j, other in enumerate(found)), reverse=True
    )
    matched: dict[int, int] = {}
    for value, i, j in pairs:
        if value >= MIN_IOU and i not in matched and j not in matched.values():
            matched[i] = j
    return matched


def read_boxes(path: Path) -> list[Box]:
    """The boxes of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        return [[float(row[key]) for key in ("start_s", "stop_s", "low_hz", "high_hz")] for row in csv.DictReader(file)]


def common(one: Box, other: Box) -> float:
    """The area that two boxes share, in s Hz."""
    seconds = min(one[1], other[1]) - max(one[0], other[0])
    return max(0.0, seconds) * max(0.0, min(one[3], other[3]) - max(one[2], other[2]))


def area(box: Box) -> float:
    """The area of a box in s Hz."""
    return max(box[1] - box[0], 1e-12) * max(box[3] - box[2], 1e-12)


def iou(one: Box, other: Box) -> float:
    """Intersection over union."""
    both = common(one, other)
    return both / (area(one) + area(other) - both)


def print_table(result: dict[str, Any]) -> None:
    """Found, false and missed transmissions by source."""
    print_head("source", "recordings", "found of annotated", "false", "recall", "precision")
    sources: dict[str, list[dict[str, Any]]] = {}
    for one in result["recordings"]:
        sources.setdefault(one["name"].split("_")[0], []).append(one)
    for name, some in sources.items():
        print_line(name, some)
    print_line("all", result["recordings"])
    print(f"\n`{result['detect']}`, {result['date'][:10]}, commit {result['commit'][:10]}.")


def print_line(name: str, some: Sequence[dict[str, Any]]) -> None:
    """One row of the table."""
    true, found, false = (sum(one[key] for one in some) for key in ("true", "found", "false"))
    recall = f"{found / true:.2f}" if true else "-"
    precision = f"{found / (found + false):.2f}" if found + false else "-"
    print_row(name, str(len(some)), f"{found} of {true}", str(false), recall, precision)


if __name__ == "__main__":
    main()
