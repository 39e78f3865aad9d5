"""A progress bar on standard error if that is a terminal, and text lines that do not break it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a command can do with the bar."""

    advance: Callable[[], None]
    """Advances the bar by one item."""
    log: Callable[[str], None]
    """Prints a line above the bar, or to standard error where there is no bar."""


@contextmanager
def progress(doing: str, number: int) -> Iterator[Progress]:
    """A bar from 0 to `number` with the time left; without a terminal, or for one item, only lines are printed.

    Loading the library that draws the bar takes a tenth of a second.
    """
    if number < 2 or not sys.stderr.isatty():
        yield Progress(advance=lambda: None, log=lambda text: print(text, file=sys.stderr))
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console) as bar:
        task = bar.add_task("", total=number)
        yield Progress(advance=lambda: bar.advance(task), log=console.print)


@contextmanager
def counting(doing: str) -> Iterator[Callable[[int, int], None]]:
    """A bar whose length becomes known with the first item: takes the number done and the total."""
    with ExitStack() as bars:
        bar: list[Progress] = []

        def show(_done: int, total: int) -> None:
            if not bar:
                bar.append(bars.enter_context(progress(doing, total)))
            bar[0].advance()

        yield show
