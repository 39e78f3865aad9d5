"""report.md and report.html: text, tables and pictures from results.json and the figures beside it."""

import base64
import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lmsc_unet.core.storage import write_text
from lmsc_unet.core.tables import Table, table_to_html, table_to_markdown, text_to_html
from lmsc_unet.reproduction.statistics import findings
from lmsc_unet.reproduction.tables import cost_table, peer_table, runs_table, score_tables

Results = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Section:
    """The report on one table or figure of the paper."""

    title: str
    """Its heading."""
    caption: str
    """Its data and budget."""
    gaps: tuple[str, ...] = ()
    """What is missing, and why."""
    findings: tuple[str, ...] = ()
    """Findings, one sentence each."""
    tables: tuple[Table, ...] = ()
    """Its tables."""
    figure: str | None = None
    """Its picture, relative to the report's folder."""
    origin: tuple[str, ...] = ()
    """Command, commit, machine and time, one line each."""
    appendix: tuple[Table, ...] = ()
    """Tables with details."""


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
        "table3": "The paper gives only accuracy and mIoU here.",
        "table4": "70 % train, 15 % validate and choose the epoch, 15 % are scored.",
        "choices": "Each row changes one choice; the others stay as chosen.",
        "figure4": "Lines are means over folds, bands reach from the lowest to the highest fold; the training's Dice "
        "is pooled over pixels, the validation's averaged over images. Losses beyond the axis are cut off.",
        "figure5": _ERRORS,
        "figure6": "The image is the median of BRB at 2 by its IoU. The average over channels, then the channels of "
        "highest mean; all in one colour scale.",
        "figure7": _ERRORS,
        "peers": "All start from random weights and are trained like LMSC-UNet. Milliseconds are the median of "
        "interleaved rounds in ONNX Runtime, float32, one thread; the line connects the Pareto front.",
    }
)
"""How to read each section."""


def to_sections(results: Results) -> list[Section]:
    """The sections of the results, in the report's order."""
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
            f"Times are medians of {content['rounds']} interleaved rounds, one image of {content['size_px']} x "
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


NOTES_FILE = "notes.md"
"""Optional paragraphs for the start of the report."""
INTRODUCTION = (
    "The tables and figures of LMSC-UNet (Sawant et al., ICAART 2025), reproduced by `lmsc reproduce`. Scores are "
    "shares. A pair's difference is called real where Wilcoxon's signed-rank test over images, corrected after Holm "
    "for the pairs of its table, gives p below 0.05. This reflects the choice of images, not of the seed."
)
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em; color: #1a1a1a; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.2em; border-bottom: 1px solid #ccc; padding-bottom: .2em; }
table { border-collapse: collapse; margin: .4em 0 1.2em; font-size: 13px; }
th, td { border-bottom: 1px solid #ddd; padding: .25em .7em; text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; } th { border-bottom: 1.5px solid #333; }
caption { text-align: left; font-weight: 600; padding: .3em 0; } img { max-width: 100%; }
.gap { color: #a33; } .origin, details { color: #555; font-size: 12.5px; } code { font-size: .92em; }
.wide { overflow-x: auto; }
@media print { body { font-size: 10.5pt; max-width: none; margin: 0; } table { font-size: 8pt; }
  h2 { break-after: avoid; } table, img { break-inside: avoid; } .wide { overflow: visible; } }
"""


def write_report(out: Path, results: dict[str, Any]) -> None:
    """Writes both reports.

    Raises:
        OutputError: the disk is full or the folder is not writable.
    """
    sections = to_sections(results)
    notes = out / NOTES_FILE
    paragraphs = [INTRODUCTION, *(notes.read_text(encoding="utf-8").strip().split("\n\n") if notes.is_file() else ())]
    write_text(out / "report.md", to_markdown(sections, paragraphs))
    write_text(out / "report.html", to_html(sections, paragraphs, out))


def to_markdown(sections: Sequence[Section], paragraphs: Sequence[str]) -> str:
    """The report in Markdown; pictures are links."""
    parts = ["# The paper, reproduced", *paragraphs]
    for section in sections:
        parts += [f"## {section.title}", section.caption, *(f"**Gap:** {gap}" for gap in section.gaps)]
        parts += [f"![{section.title}]({section.figure})"] if section.figure else []
        for table in section.tables:
            parts += [f"**{table.title}**", table_to_markdown(table)]
        parts += _list(section.findings)
        parts += _list(section.origin)
        for table in section.appendix:
            head = f"<details><summary>{table.title}</summary>"
            parts += [head, table_to_markdown(table), "</details>"]
    return "\n\n".join(parts) + "\n"


def to_html(sections: Sequence[Section], paragraphs: Sequence[str], out: Path) -> str:
    """The report as one page with embedded pictures."""
    body = ["<h1>The paper, reproduced</h1>", *(f"<p>{text_to_html(paragraph)}</p>" for paragraph in paragraphs)]
    for section in sections:
        body += [f"<h2>{text_to_html(section.title)}</h2>", f"<p>{text_to_html(section.caption)}</p>"]
        body += [f'<p class="gap">Gap: {text_to_html(gap)}</p>' for gap in section.gaps]
        body += [_picture(out / section.figure, section.title)] if section.figure else []
        body += [table_to_html(table) for table in section.tables]
        body += [f"<ul>{_items(section.findings)}</ul>"] if section.findings else []
        body += [f'<ul class="origin">{_items(section.origin)}</ul>']
        body += [
            f"<details><summary>{text_to_html(table.title)}</summary>{table_to_html(table)}</details>"
            for table in section.appendix
        ]
    head = f'<meta charset="utf-8"><title>The paper, reproduced</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def _list(lines: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {line}" for line in lines)] if lines else []


def _items(lines: Iterable[str]) -> str:
    return "".join(f"<li>{text_to_html(line)}</li>" for line in lines)


def _picture(path: Path, title: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<p><img alt="{html.escape(title)}" src="data:image/png;base64,{data}"></p>'
