"""Tables for the terminal, Markdown and HTML."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

_GAP = 2


@dataclass(frozen=True, kw_only=True)
class Table:
    """Text cells with headings; the first column holds names, the others numbers unless listed in `left`."""

    title: str = ""
    """The title."""
    headings: tuple[str, ...]
    """One per column."""
    rows: tuple[tuple[str, ...], ...]
    """Cells, row by row."""
    left: tuple[str, ...] = ()
    """Headings of further text columns: left-aligned, and wrapped if the terminal is narrow."""


def print_tables(*tables: Table) -> None:
    """Prints tables one below the other; omits empty ones and never truncates a number."""
    from rich.console import Console
    from rich.table import Table as RichTable

    console = Console(highlight=False)
    for number, table in enumerate(table for table in tables if table.rows):
        if number:
            console.print()
        columns = list(zip(table.headings, zip(*table.rows, strict=True), strict=True))
        full = [max(map(len, (heading, *cells))) for heading, cells in columns]
        is_narrow = console.is_terminal and sum(full) + _GAP * len(full) > console.width
        widths = [_least(table, *column) for column in columns] if is_narrow else full
        console.width = max(console.width, sum(widths) + _GAP * len(widths))
        drawn = RichTable(title=table.title or None, title_justify="left", box=None, padding=(0, _GAP, 0, 0))
        for place, (heading, width) in enumerate(zip(table.headings, widths, strict=True)):
            is_text = heading in table.left
            drawn.add_column(
                heading,
                justify="left" if is_text or not place else "right",
                width=None if is_text and is_narrow else width,
            )
        for row in table.rows:
            drawn.add_row(*row)
        console.print(drawn)


def to_markdown(tables: Sequence[Table]) -> str:
    """The tables in Markdown; several tables have their titles as headings."""
    titles = [f"### {table.title}\n\n" if len(tables) > 1 else "" for table in tables]
    return "\n\n".join(title + table_to_markdown(table) for title, table in zip(titles, tables, strict=True))


def table_to_markdown(table: Table) -> str:
    """A table's lines without its title."""
    rules = ["---" if heading in (table.headings[0], *table.left) else "---:" for heading in table.headings]
    return "\n".join(f"| {' | '.join(line)} |" for line in (table.headings, rules, *table.rows))


def table_to_html(table: Table) -> str:
    """A table with its title as the caption."""
    head = "".join(f"<th>{text_to_html(heading)}</th>" for heading in table.headings)
    rows = "".join("<tr>" + "".join(f"<td>{text_to_html(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f'<div class="wide"><table><caption>{text_to_html(table.title)}</caption><tr>{head}</tr>{rows}</table></div>'


def text_to_html(text: str) -> str:
    """Escapes the text; `code` becomes a code element."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))


def _least(table: Table, heading: str, cells: Sequence[str]) -> int:
    """The minimum width: the longest cell, in text columns the longest word; headings may break between words."""
    words = [word for cell in cells for word in cell.split()] if heading in table.left else cells
    return max(map(len, (*heading.split(), *words)))
