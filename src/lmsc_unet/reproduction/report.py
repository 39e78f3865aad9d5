"""report.md and report.html, drawn from the sections of results.json and the figures beside it."""

import base64
import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lmsc_unet.core.storage import write_text
from lmsc_unet.evaluation.tables import Table
from lmsc_unet.reproduction.document import Section, to_sections

NOTES_FILE = "notes.md"
"""Paragraphs of one's own, which stand at the head of the report."""
INTRODUCTION = (
    "The tables and figures of LMSC-UNet (Sawant et al., ICAART 2025), made anew by `lmsc reproduce`. Scores are "
    "shares. A pair's difference is called real where Wilcoxon's signed-rank test over images, corrected after Holm "
    "for the pairs of its table, gives p below 0.05. That tells of the choice of images, not of the choice of seed."
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
        OutputError: the disk is full or the folder may not be written.
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
            parts += [f"**{table.title}**", table_in_markdown(table)]
        parts += _list(section.findings)
        parts += _list(section.origin)
        for table in section.appendix:
            head = f"<details><summary>{table.title}</summary>"
            parts += [head, table_in_markdown(table), "</details>"]
    return "\n\n".join(parts) + "\n"


def table_in_markdown(table: Table) -> str:
    """A table's lines, the first column to the left."""
    rules = ("---", *["---:"] * (len(table.headings) - 1))
    return "\n".join(f"| {' | '.join(line)} |" for line in (table.headings, rules, *table.rows))


def to_html(sections: Sequence[Section], paragraphs: Sequence[str], out: Path) -> str:
    """The report as one page with its pictures inside."""
    body = ["<h1>The paper, reproduced</h1>", *(f"<p>{_text(paragraph)}</p>" for paragraph in paragraphs)]
    for section in sections:
        body += [f"<h2>{_text(section.title)}</h2>", f"<p>{_text(section.caption)}</p>"]
        body += [f'<p class="gap">Gap: {_text(gap)}</p>' for gap in section.gaps]
        body += [_picture(out / section.figure, section.title)] if section.figure else []
        body += [_table(table) for table in section.tables]
        body += [f"<ul>{_items(section.findings)}</ul>"] if section.findings else []
        body += [f'<ul class="origin">{_items(section.origin)}</ul>']
        body += [
            f"<details><summary>{_text(table.title)}</summary>{_table(table)}</details>" for table in section.appendix
        ]
    head = f'<meta charset="utf-8"><title>The paper, reproduced</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def _list(lines: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {line}" for line in lines)] if lines else []


def _items(lines: Iterable[str]) -> str:
    return "".join(f"<li>{_text(line)}</li>" for line in lines)


def _text(text: str) -> str:
    """Escaped, with `code` as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))


def _picture(path: Path, title: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<p><img alt="{html.escape(title)}" src="data:image/png;base64,{data}"></p>'


def _table(table: Table) -> str:
    head = "".join(f"<th>{_text(heading)}</th>" for heading in table.headings)
    rows = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f'<div class="wide"><table><caption>{_text(table.title)}</caption><tr>{head}</tr>{rows}</table></div>'
