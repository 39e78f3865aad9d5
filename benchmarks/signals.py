"""Scores the signal models on generated recordings and on real ones, and prints the tables of docs/how-to/signals.md.

    lmsc scenes runs/rf-test --count 320 --seed 1
    python benchmarks/signals.py --evaluate runs/rf-test MODEL...    # writes results/signals-NAME.json for each
    python benchmarks/signals.py --real ../shared/data/rf MODEL...   # writes results/signals-real.json
    python benchmarks/signals.py [--print scores|snr|alike|alike-snr|real]   # prints a table

A MODEL is NAME=PATH: a run folder of `lmsc train` or an exported file; the energy detector is always there. Names that
begin with `alike-` are the three networks that were trained alike, on Table 4's pictures.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rows import print_head, print_row

from lmsc_unet.core.provenance import provenance
from lmsc_unet.metrics.matching import Detections, count_matches
from lmsc_unet.signals.annotations import read_boxes
from lmsc_unet.signals.recording import open_recordings

RESULTS = Path(__file__).parent / "results"
BUNDLED = ("lmsc-unet-s", "lmsc-unet-s-int8", "lmsc-unet-s-openvino", "lmsc-unet-int8")
ALIKE = ("alike-unet", "alike-lmsc-unet-plain", "alike-lmsc-unet")
ENERGY = "energy detector"
PIXELS = {"miou": "IoU per image", "dc": "Dice per image", "f1": "F1 pooled", "acc": "accuracy"}
BOXES = {"recall": "recall", "precision": "precision", "map_50": "mAP@0.5"}


def main() -> None:
    """Evaluates what is named, or prints one of the Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluate", type=Path, metavar="RECORDINGS")
    parser.add_argument("--real", type=Path, metavar="RECORDINGS")
    parser.add_argument("--print", choices=PRINTERS, default="scores")
    parser.add_argument("models", nargs="*", metavar="NAME=PATH")
    options = parser.parse_args()
    models = dict(model.split("=", 1) for model in options.models)
    if options.evaluate:
        for name, model in models.items():
            write(f"signals-{name}", evaluate(name, model, options.evaluate))
    elif options.real:
        found = {name: list(search(options.real, model)) for name, model in {**models, ENERGY: "energy"}.items()}
        write("signals-real", {**provenance(), "models": found})
    else:
        PRINTERS[options.print]()


def evaluate(name: str, model: str, data: Path) -> dict[str, Any]:
    """The scores of a model as `lmsc evaluate` gives them, and where they come from."""
    words = ("evaluate", model, str(data), "--split", "all")
    scores = json.loads(lmsc(*words, "--format", "json"))
    summary = Path(model) / "summary.json"
    training = json.loads(summary.read_text()) if summary.is_file() else {}
    kept = {key: training[key] for key in ("command", "epochs", "trained_s", "date", "commit") if key in training}
    made = {"name": name, "evaluation": f"lmsc {' '.join(words)}", **provenance(), "training": kept}
    return {**made, **{key: scores[key] for key in ("images", "paper", "intervals", "energy", "boxes")}}


def search(data: Path, model: str) -> Iterator[dict[str, Any]]:
    """Annotated and found bursts (IoU of 0.5 and more) and false boxes of each recording in a folder."""
    for path in sorted(data.glob("*.sigmf-meta")):
        recording = open_recordings(path)[0]
        true = [(box.start_sample, box.low_hz, box.stop_sample, box.high_hz) for box in read_boxes(recording)]
        with tempfile.TemporaryDirectory() as out:
            lmsc("detect", str(path), "--model", model, "--out", out)
            found = list(read_found(next(Path(out).rglob("signals.csv")), recording.sample_rate_hz))
        counts = count_matches(
            [
                Detections(
                    true_xyxy=np.array(true).reshape(-1, 4),
                    found_xyxy=np.array([row[:4] for row in found]).reshape(-1, 4),
                    confidences=np.array([row[4] for row in found]),
                )
            ]
        )
        yield {"recording": path.stem, "annotated": len(true), "found": counts.tp, "false": counts.fp}


def read_found(path: Path, rate_hz: float) -> Iterator[tuple[float, ...]]:
    """First sample, lower edge, last sample, upper edge and confidence of each signal in a table."""
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            start, stop = float(row["start_s"]) * rate_hz, float(row["stop_s"]) * rate_hz
            yield start, float(row["low_hz"]), stop, float(row["high_hz"]), float(row["confidence"])


def lmsc(*words: str) -> str:
    """What a command prints."""
    print("lmsc", *words, file=sys.stderr)
    command = (sys.executable, "-m", "lmsc_unet.cli", *words)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def write(name: str, result: dict[str, Any]) -> None:
    """Writes one result file."""
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def results(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The result files that are there, in the order of the table."""
    paths = [RESULTS / f"signals-{name}.json" for name in names]
    return [json.loads(path.read_text()) for path in paths if path.is_file()]


def print_scores(names: tuple[str, ...]) -> None:
    """Pixels by the paper's averages and boxes of 5 dB and more, the energy detector last."""
    print_head("model", *PIXELS.values(), *(f"{title}, 5 dB and more" for title in BOXES.values()))
    found = results(names)
    for one in found:
        print_row(title_of(one), *shares(one["paper"], PIXELS), *boxes(one, "model"))
    print_row(ENERGY, *shares(found[0]["energy"]["paper"], PIXELS), *boxes(found[0], "energy"))
    made = sorted({(one["date"][:10], one["commit"]) for one in found})
    print(f"\n{found[0]['images']} recordings; {'; '.join(f'{date}, commit {commit}' for date, commit in made)}.")


def print_snr(names: tuple[str, ...]) -> None:
    """Recall of boxes by SNR."""
    found = results(names)
    groups = [row["group"] for row in found[0]["boxes"] if row["by"] == "snr_db" and row["detector"] == "energy"]
    print_head("recall at IoU 0.5 by SNR in dB", *groups)
    for one, detector, title in [*((one, "model", title_of(one)) for one in found), (found[0], "energy", ENERGY)]:
        rows = {row["group"]: row for row in of_detector(one, detector) if row["by"] == "snr_db"}
        print_row(title, *(share(rows[group]["recall"]) for group in groups))


def print_real() -> None:
    """Bursts found and false boxes of each real recording."""
    real = json.loads((RESULTS / "signals-real.json").read_text())
    names = [row["recording"] for row in next(iter(real["models"].values()))]
    print_head("found of annotated + false", *names)
    for name, rows in real["models"].items():
        print_row(name, *(f"{row['found']} of {row['annotated']} + {row['false']}" for row in rows))


def title_of(one: dict[str, Any]) -> str:
    """The network's name."""
    return str(one["name"]).removeprefix("alike-")


def of_detector(one: dict[str, Any], detector: str) -> list[dict[str, Any]]:
    """The rows of box scores of the energy detector, or of the model."""
    return [row for row in one["boxes"] if (row["detector"] == "energy") == (detector == "energy")]


def boxes(one: dict[str, Any], detector: str) -> list[str]:
    """Box scores of signals of 5 dB and more."""
    row = next(row for row in of_detector(one, detector) if (row["by"], row["group"]) == ("all", "5 dB and more"))
    return shares(row, BOXES)


def shares(scores: dict[str, Any], names: dict[str, str]) -> list[str]:
    """Scores as they stand in a table."""
    return [share(scores[name]) for name in names]


def share(value: float | None) -> str:
    """A share between 0 and 1, or a dash."""
    return "-" if value is None else f"{value:.3f}"


PRINTERS = {
    "scores": partial(print_scores, BUNDLED),
    "snr": partial(print_snr, BUNDLED),
    "alike": partial(print_scores, ALIKE),
    "alike-snr": partial(print_snr, ALIKE),
    "real": print_real,
}


if __name__ == "__main__":
    main()
