"""Prints the table of the cross-validations on NuInsSeg patches, from the runs' own summaries.

lmsc train NUINSSEG --folds 5 --epochs 50 --validate-every 5 --out RUN      (as each summary's `command` says)
cp RUN/summary.json benchmarks/results/nuinsseg-NAME.json
python benchmarks/nuinsseg.py
"""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
ROWS = ("strong", "paper", "unet")
COLUMNS = ("model", "recipe", "Dice per image", "IoU per image", "F1 pooled", "accuracy", "minutes")


def main() -> None:
    """Prints a Markdown table: the last epoch's scores at the masks' own size, mean ± standard deviation over folds."""
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---|---|" + "---:|" * (len(COLUMNS) - 2))
    for name in ROWS:
        path = RESULTS / f"nuinsseg-{name}.json"
        if path.is_file():
            print("| " + " | ".join(row(json.loads(path.read_text()))) + " |")


def row(summary: dict[str, Any]) -> list[str]:
    """One run as a line of the table."""
    scores = summary.get("last_at_mask_size", summary["last"])["paper"]
    shares = [f"{scores[name]['mean']:.3f} ± {scores[name]['std']:.3f}" for name in ("dc", "miou", "f1", "acc")]
    return [summary["model"], summary["recipe"], *shares, f"{summary['trained_s'] / 60:.0f}"]


if __name__ == "__main__":
    main()
