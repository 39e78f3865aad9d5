"""Prints the tables of the last `make speed`, from results/benchmark.json; `--short` is the README's."""

import argparse
import json
from pathlib import Path
from typing import Any

from rows import print_head, print_row

from lmsc_unet.benchmark.rows import report_to_markdown

RESULT = Path(__file__).parent / "results" / "benchmark.json"
UNET = ("unet", "fp32")
SHORT = (
    ("unet", "torch", "fp32"),
    ("unet", "onnxruntime", "fp32"),
    ("unet", "openvino", "fp32"),
    ("lmsc-unet", "torch", "fp32"),
    ("lmsc-unet", "onnxruntime", "fp32"),
    ("lmsc-unet", "onnxruntime", "int8"),
    ("lmsc-unet", "openvino", "int8"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true")
    given = parser.parse_args()
    if not RESULT.is_file():
        print("Not measured yet: `make speed` does it.")
        return
    report = json.loads(RESULT.read_text())
    if given.short:
        print_short(report)
    else:
        print(report_to_markdown(report))


def print_short(report: dict[str, Any]) -> None:
    """One image on all threads that were measured, for those who choose."""
    threads = max(row["threads"] for row in report["rows"])
    rows = {
        (row["model"], row["backend"], row["precision"]): row for row in report["rows"] if row["threads"] == threads
    }
    unet_ms = {backend: row["ms_median"] for (model, backend, kind), row in rows.items() if (model, kind) == UNET}
    ratios = ("x U-Net, eager", "x U-Net float32, same runtime")
    print_head("model", "runtime", "precision", "file, MB", "ms", *ratios, num_words=3)
    for name in SHORT:
        if name in rows:
            row = rows[name]
            size, ms, eager = f"{row['file_mib'] * 1.048576:.1f}", row["ms_median"], row["speedup_over_unet_eager"]
            print_row(*name, size, f"{ms:.0f}", f"{eager:.1f}", f"{unet_ms[name[1]] / ms:.1f}")
    origin = report["provenance"]
    machine = f"{origin['machine']['cpu']}, {threads} threads"
    print(f"\n{report['plan']['size_px']} px a side, {machine}, {origin['date'][:10]}, commit {origin['commit']}.")


if __name__ == "__main__":
    main()
