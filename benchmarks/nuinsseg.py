"""Prints the table of the cross-validations on NuInsSeg patches, from the runs' own summaries.

Each summary holds the command that made it; RUN/summary.json is copied to results/nuinsseg-NAME.json.
`--intervals` prints the best epoch beside the last, with 95 % intervals of the mean; `--commands` what made them.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from rows import print_head, print_row

RESULTS = Path(__file__).parent / "results"
RUNS = ("strong", "paper", "unet")
SCORES = {"dc": "Dice per image", "miou": "IoU per image", "f1": "F1 pooled", "acc": "accuracy"}


def main() -> None:
    """Prints one of the Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--intervals", action="store_true")
    parser.add_argument("--commands", action="store_true")
    options = parser.parse_args()
    paths = [RESULTS / f"nuinsseg-{name}.json" for name in RUNS]
    summaries = [json.loads(path.read_text()) for path in paths if path.is_file()]
    if options.commands:
        print_commands(summaries)
    elif options.intervals:
        print_intervals(summaries)
    else:
        print_scores(summaries)


def print_scores(summaries: list[dict[str, Any]]) -> None:
    """The last epoch's scores at the masks' own size, mean ± standard deviation over folds."""
    print_head("model", "recipe", *SCORES.values(), "minutes", num_words=2)
    for summary in summaries:
        scores = at_mask_size(summary, "last")
        shares = (f"{scores[name]['mean']:.3f} ± {scores[name]['std']:.3f}" for name in SCORES)
        print_row(summary["model"], summary["recipe"], *shares, f"{summary['trained_s'] / 60:.0f}")


def print_intervals(summaries: list[dict[str, Any]]) -> None:
    """Best and last epoch, mean with Student's 95 % interval over folds."""
    print_head("model", "recipe", "epoch", *SCORES.values(), num_words=3)
    for summary in summaries:
        for epoch in ("last", "best"):
            scores = at_mask_size(summary, epoch)
            shares = (
                f"{scores[name]['mean']:.3f} ({scores[name]['low']:.3f} to {scores[name]['high']:.3f})"
                for name in SCORES
            )
            print_row(summary["model"], summary["recipe"], epoch, *shares)


def print_commands(summaries: list[dict[str, Any]]) -> None:
    """What made each row, when, at which commit and on what."""
    print_head("model", "recipe", "command", "date", "commit", "machine", num_words=6)
    for summary in summaries:
        machine = f"{summary['machine']['cpu']}, {summary['machine']['threads']} threads"
        date = summary["date"][:10]
        print_row(summary["model"], summary["recipe"], f"`{summary['command']}`", date, summary["commit"], machine)


def at_mask_size(summary: dict[str, Any], epoch: str) -> dict[str, Any]:
    """The paper's columns at the masks' own size, whatever the recipe scores at."""
    scores: dict[str, Any] = summary.get(f"{epoch}_at_mask_size", summary[epoch])["paper"]
    return scores


if __name__ == "__main__":
    main()
