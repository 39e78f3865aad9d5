"""`lmsc reproduce`: the paper's tables and figures, reproduced beside its numbers."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from lmsc_unet.errors import ConfigError

if TYPE_CHECKING:
    from lmsc_unet.reproduction.recipes import DataName

Word = Literal[
    "table1", "table2", "table3", "table4", "choices", "figure4", "figure5", "figure6", "figure7", "peers", "all"
]
DATA_NAMES: tuple["DataName", ...] = ("nuinsseg", "rf")


def reproduce(
    *targets: Word,
    data: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    budget: Literal["smoke", "small", "medium", "full"] = "small",
    out: Path = Path("reproduction"),
    jobs: int = 1,
    peers_python: Path = Path(".venv-peers/bin/python"),
) -> int:
    """Reproduce the paper's tables and figures beside its numbers: results.json, report.md and report.html.

    Finished trainings in the folder are not repeated; a stopped one is resumed. Exit code: 0 all well, 2 some trainings
    failed (the report shows the gaps), 1 wrong use, 130 stopped.

    Args:
        targets: Sections to make. choices tests what the paper leaves open, peers networks of other packages (run `make
            peers` first); all makes everything except peers.
        data: nuinsseg=PATH and rf=PATH, the data sets on disk; generated images replace one that is not given.
        budget: smoke takes two minutes, small about two hours on two cores, medium (30 epochs) days, full is the
            paper's 200 epochs.
        out: Folder of the report and of all runs.
        jobs: Concurrent trainings, which divide the cores or the GPUs.
        peers_python: The Python of the environment built by `make peers`.
    """
    from lmsc_unet.reproduction.reproduce import ALL, TARGETS, Request
    from lmsc_unet.reproduction.reproduce import reproduce as make

    if not targets:
        raise ConfigError(f"No target is given. Name one of {', '.join(TARGETS)}, or all.")
    chosen = (*ALL, *targets) if "all" in targets else targets
    request = Request(
        targets=chosen, budget=budget, out=out, data=parse_data(data), num_processes=jobs, peers_python=peers_python
    )
    try:
        num_failed = make(request, _log)
    except KeyboardInterrupt as stop:
        raise type(stop)(f"stopped. Finished work is kept in {out}; the same command goes on.") from None
    print(f"{out / 'report.html'}, report.md, results.json")
    if num_failed:
        _log(f"{num_failed} trainings failed; the report shows the gaps, and the same command tries them again.")
    return 2 if num_failed else 0


def parse_data(given: Sequence[str]) -> dict["DataName", Path]:
    """Parses NAME=PATH.

    Raises:
        ConfigError: an unknown name, no path, or a name twice.
    """
    paths: dict[DataName, Path] = {}
    for text in given:
        word, _, path = text.partition("=")
        name = next((one for one in DATA_NAMES if one == word), None)
        if name is None or not path or name in paths:
            raise ConfigError(f"--data {text}: write nuinsseg=PATH or rf=PATH, each at most once.")
        paths[name] = Path(path)
    return paths


def _log(line: str) -> None:
    print(f"lmsc: {line}", file=sys.stderr, flush=True)
