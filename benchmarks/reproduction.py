"""Prints the README's first table from docs/reproduction/results.json, which `lmsc reproduce` wrote.

`--results FILE` reads another file; `--about` prints what data, budget and command the table is of.
"""

import argparse
import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "docs" / "reproduction" / "results.json"
MODELS = ("unet", "lmsc-unet-plain", "lmsc-unet")
SCORES = (("table2", "NuInsSeg"), ("table4", "RF"))


def main() -> None:
    """Prints the table or what it is of."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--about", action="store_true")
    options = parser.parse_args()
    sections = json.loads(options.results.read_text())["sections"]
    print("\n".join(about(sections) if options.about else table(sections)))


def table(sections: dict[str, Any]) -> list[str]:
    """A row for each of the paper's three models: what it costs, and its mIoU beside the paper's."""
    backend = list(sections["table1"]["rows"][0]["ms"])[-1]
    headings = ["model", "parameters", "MiB", "GMACs", f"ms, {backend}"]
    headings += [text for _, name in SCORES for text in (f"mIoU {name}", "paper")]
    lines = [row_of(headings), row_of(["---", *["---:"] * (len(headings) - 1)])]
    for model in MODELS:
        cost = found(sections["table1"], model)
        cells = [cost["title"], f"{cost['parameters']:,}", f"{cost['state_mib']:.2f}"]
        cells += [f"{cost['macs_exact'] / 1e9:.2f}", f"{cost['ms'][backend]['median']:.0f}"]
        for section, _ in SCORES:
            scored = found(sections[section], model)
            cells += [share(scored), f"{scored['paper']['miou']:.3f}"]
        lines.append(row_of(cells))
    return lines


def about(sections: dict[str, Any]) -> list[str]:
    """One line for each section that the table is drawn from."""
    return [
        f"- mIoU {name}: {sections[key]['data']}; budget {sections[key]['budget_about']}; "
        f"`{sections[key]['origin']['command']}`, commit {sections[key]['origin']['commit']}"
        for key, name in SCORES
    ]


def found(section: dict[str, Any], model: str) -> dict[str, Any]:
    """The row of a model."""
    return next(row for row in section["rows"] if row["model"] == model)


def share(row: dict[str, Any]) -> str:
    """Mean over folds, with the standard deviation where there are folds."""
    if not row["scores"]:
        return "gap"
    miou = row["scores"]["paper"]["miou"]
    return f"{miou['mean']:.3f}" + (f" ± {miou['std']:.3f}" if miou["std"] is not None else "")


def row_of(cells: list[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
