"""Prints the README's first table from docs/reproduction/results.json, which `lmsc reproduce` wrote.

`--results FILE` reads another file; `--about` prints what data, budget and command the table is of.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from rows import print_head, print_row

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
    (print_about if options.about else print_table)(sections)


def print_table(sections: dict[str, Any]) -> None:
    """A row for each of the paper's three models: what it costs, and its mIoU beside the paper's."""
    backend = list(sections["table1"]["rows"][0]["ms"])[-1]
    headings = ["model", "parameters", "MiB", "GMACs", f"ms, {backend}"]
    headings += [text for _, name in SCORES for text in (f"mIoU {name}", "paper")]
    print_head(*headings)
    for model in MODELS:
        cost = found(sections["table1"], model)
        cells = [cost["title"], f"{cost['parameters']:,}", f"{cost['state_mib']:.2f}"]
        cells += [f"{cost['macs_exact'] / 1e9:.2f}", f"{cost['ms'][backend]['median']:.0f}"]
        for section, _ in SCORES:
            scored = found(sections[section], model)
            cells += [share(scored), f"{scored['paper']['miou']:.3f}"]
        print_row(*cells)


def print_about(sections: dict[str, Any]) -> None:
    """One line for each section that the table is drawn from."""
    for key, name in SCORES:
        section = sections[key]
        origin = f"`{section['origin']['command']}`, commit {section['origin']['commit']}"
        print(f"- mIoU {name}: {section['data']}; budget {section['budget_about']}; {origin}")


def found(section: dict[str, Any], model: str) -> dict[str, Any]:
    """The row of a model."""
    return next(row for row in section["rows"] if row["model"] == model)


def share(row: dict[str, Any]) -> str:
    """Mean over folds, with the standard deviation where there are folds."""
    if not row["scores"]:
        return "gap"
    miou = row["scores"]["paper"]["miou"]
    return f"{miou['mean']:.3f}" + (f" ± {miou['std']:.3f}" if miou["std"] is not None else "")


if __name__ == "__main__":
    main()
