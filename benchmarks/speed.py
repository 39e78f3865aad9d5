"""Prints the tables of the last `make speed`, from results/benchmark.json."""

import json
from pathlib import Path

from lmsc_unet.benchmark.tables import report_to_markdown

RESULT = Path(__file__).parent / "results" / "benchmark.json"


def main() -> None:
    if RESULT.is_file():
        print(report_to_markdown(json.loads(RESULT.read_text())))
    else:
        print("Not measured yet: `make speed` does it.")


if __name__ == "__main__":
    main()
