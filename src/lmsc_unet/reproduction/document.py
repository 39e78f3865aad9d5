"""results.json as a document: sections of text, tables and pictures, the same for Markdown and HTML."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lmsc_unet.evaluation.tables import Table
from lmsc_unet.reproduction.findings import findings
from lmsc_unet.reproduction.tables import cost_table, peer_table, runs_table, score_tables

Results = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table or figure of the paper with all that is said of it."""

    title: str
    """Its heading."""
    caption: str
    """What data and budget it is of."""
    gaps: tuple[str, ...] = ()
    """What is missing, and why."""
    findings: tuple[str, ...] = ()
    """What it shows, a sentence each."""
    tables: tuple[Table, ...] = ()
    """Its tables."""
    figure: str | None = None
    """Its picture, below the report's folder."""
    origin: tuple[str, ...] = ()
    """Command, commit, machine and time, a line each."""
    appendix: tuple[Table, ...] = ()
    """Tables for who wants to go into it."""


TITLES: Mapping[str, str] = MappingProxyType(
    {
        "table1": "Table 1: what the networks cost",
        "table2": "Table 2: scores on NuInsSeg",
        "table3": "Table 3: BRBs at other skips",
        "table4": "Table 4: scores on the RF set",
        "choices": "What the paper leaves open",
        "figure4": "Figure 4: learning curves",
        "figure5": "Figure 5: predictions on NuInsSeg",
        "figure6": "Figure 6: feature maps of the last decoder block",
        "figure7": "Figure 7: predictions on the RF set",
        "peers": "Peers in the same harness",
    }
)
"""Headings, in the order of the report."""
_ERRORS = (
    "The best, the median and the worst image by LMSC-UNet's IoU, of those that have a foreground. Green is right, "
    "orange missed, blue false."
)
READING: Mapping[str, str] = MappingProxyType(
    {
        "table2": "Accuracy and F1 are over all pixels, mIoU and DC foreground means over images.",
        "table3": "The paper prints accuracy and mIoU alone here.",
        "table4": "70 % train, 15 % validate and choose the epoch, 15 % are scored.",
        "choices": "Each row changes one choice; the others stay as chosen.",
        "figure4": "Lines are means over folds, bands reach from the lowest to the highest fold; the training's Dice "
        "is pooled over pixels, the validation's averaged over images. Losses beyond the axis are cut off.",
        "figure5": _ERRORS,
        "figure6": "The image is the median of BRB at 2 by its IoU. The average over channels, then the channels of "
        "highest mean; all in one colour scale.",
        "figure7": _ERRORS,
        "peers": "All start from random weights and are trained as LMSC-UNet is. Milliseconds are the median of rounds "
        "by turns in ONNX Runtime, float32, one thread; the line joins those that no other beats in both.",
    }
)
"""How each is to be read."""


def to_sections(results: Results) -> list[Section]:
    """The sections that results hold, in the report's order."""
    return [_section(name, results[name]) for name in TITLES if name in results]


def _section(name: str, content: Results) -> Section:
    return Section(
        title=TITLES[name],
        caption=" ".join(part for part in (_data(content), READING.get(name, "")) if part),
        gaps=tuple(f"{title}: {reason}" for title, reason in content.get("gaps", {}).items()),
        findings=tuple(findings(content)) if content["kind"] in ("scores", "peers") else (),
        tables=TABLES[content["kind"]](content),
        figure=content.get("file"),
        origin=_origin(content["origin"]),
        appendix=(runs_table(content),) if content.get("rows") and "runs" in content["rows"][0] else (),
    )


def _data(content: Results) -> str:
    if "data" not in content:
        return (
            f"Times are medians of {content['rounds']} rounds by turns, one image of {content['size_px']} x "
            f"{content['size_px']} px, {content['threads']} thread, on this machine's processor. Operations are "
            "counted twice, exactly and as the paper's tool counts them, with two classes as in the paper."
        )
    return f"Data: {content['data']}. Budget {content['budget_about']}. Seed {content['seed']}."


def _origin(origin: Results) -> tuple[str, ...]:
    machine = origin["machine"]
    device = f", {machine['gpu']}" if machine["gpu"] else ""
    return (
        f"`{origin['command']}`, {origin['date'][:10]}, commit {origin['commit']}",
        f"{machine['cpu']}, {machine['cores']} threads{device}, {machine['system']}",
        ", ".join(f"{name} {number}" for name, number in origin["versions"].items()),
        f"this section took {origin['took_s'] / 60:.1f} minutes beside trainings of "
        f"{origin['trained_s'] / 60:.1f} minutes",
    )


def _score_tables(content: Results) -> tuple[Table, ...]:
    return tuple(score_tables(content))


def _peer_tables(content: Results) -> tuple[Table, ...]:
    return (peer_table(content), *score_tables(content))


def _cost_tables(content: Results) -> tuple[Table, ...]:
    return (cost_table(content),)


def _no_tables(_content: Results) -> tuple[Table, ...]:
    return ()


TABLES: Mapping[str, Callable[[Results], tuple[Table, ...]]] = MappingProxyType(
    {"scores": _score_tables, "costs": _cost_tables, "figure": _no_tables, "peers": _peer_tables}
)
"""A section's kind -> its tables."""
