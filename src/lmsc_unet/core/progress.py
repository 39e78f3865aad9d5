"""A progress bar on standard error, where that is a terminal, and lines of text that do not break it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a command can do to the bar."""

    advance: Callable[[], None]
    """One more is done."""
    tell: Callable[[str], None]
    """Prints a line above the bar, or to standard error where there is no bar."""


@contextmanager
def progress(doing: str, number: int) -> Iterator[Progress]:
    """A bar from 0 to `number` with the time left; only told lines where there is no terminal, or one thing to do.

    What draws the bar takes a tenth of a second to load.
    """
    if number < 2 or not sys.stderr.isatty():
        yield Progress(advance=lambda: None, tell=lambda text: print(text, file=sys.stderr))
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console) as bar:
        task = bar.add_task("", total=number)
        yield Progress(advance=lambda: bar.advance(task), tell=console.print)


@contextmanager
def counting(doing: str) -> Iterator[Callable[[int, int], None]]:
    """A bar whose length is known when the first is done: it takes how many are done, and of how many."""
    with ExitStack() as bars:
        bar: list[Progress] = []

        def show(_done: int, total: int) -> None:
            if not bar:
                bar.append(bars.enter_context(progress(doing, total)))
            bar[0].advance()

        yield show
