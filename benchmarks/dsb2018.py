"""Prints the scores of the run on the 2018 Data Science Bowl's images, from the run's own summary."""

import json
from pathlib import Path

SCORES = {"dc": "Dice per image", "miou": "IoU per image", "f1": "F1 pooled", "acc": "accuracy"}


def main() -> None:
    """Prints a Markdown table with bootstrap intervals over images."""
    summary = json.loads((Path(__file__).parent / "results" / "dsb2018.json").read_text())
    scores, intervals = summary["last"]["paper"], summary["last"]["intervals"]["paper"]
    print("| score | share | 95 % interval |\n|---|---:|---:|")
    for name, title in SCORES.items():
        low, high = intervals[name]
        print(f"| {title} | {scores[name]:.3f} | {low:.3f} to {high:.3f} |")
    machine = f"{summary['machine']['cpu']}, {summary['machine']['threads']} threads"
    minutes = f"{summary['trained_s'] / 60:.0f} minutes of training"
    print(f"\n`{summary['command']}`, {summary['date'][:10]}, commit {summary['commit']}, {machine}, {minutes}.")


if __name__ == "__main__":
    main()
