"""Campaigns: many hostile cases from fixed seeds, of which `make test` runs a few and `make test-long` all.

The commands of a campaign run in one process of their own, so that a crash, a command without an end and memory show.
"""

import contextlib
import faulthandler
import io
import json
import os
import resource
import subprocess
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

END_S = 240
"""A command that runs longer has no end; on a busy machine the first import of PyTorch alone takes a minute."""
MOST_MB = 1000
"""What a command may take."""
LIMIT_BYTES = 4 << 30
"""More than this is not given to it, so that a test never fills the machine."""
SAYS_A_BUG = "Traceback (most recent call last)"


def num_cases(short: int, long: int) -> pytest.MarkDecorator:
    """The argument `number` of a campaign: how many cases `make test` runs, and how many `make test-long`."""
    return pytest.mark.parametrize("number", [short, pytest.param(long, marks=pytest.mark.long)])


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a command."""

    words: list[str]
    """The command."""
    exit_code: int | None
    """None where it raised, crashed or found no end."""
    output: str = ""
    """Its standard output."""
    errors: str = ""
    """Its standard error, with the traceback where it raised."""
    peak_mb: float = 0.0
    """The most memory that the process has held so far."""

    def assert_sound(self, exit_codes: Sequence[int] = (0, 1, 2)) -> None:
        """Holds that it ended by itself, with a message and without a traceback, in at most 1 GB."""
        told = f"lmsc {' '.join(self.words)}\n{self.output}\n{self.errors}"
        assert self.exit_code in exit_codes, told
        assert SAYS_A_BUG not in self.errors + self.output, told
        assert self.exit_code == 0 or (self.errors + self.output).strip(), f"it says nothing: {told}"
        assert self.peak_mb < MOST_MB, f"{self.peak_mb:.0f} MB: {told}"


def run_commands(commands: Sequence[Sequence[str]], folder: Path) -> list[Outcome]:
    """Runs commands one after another in one process, in a folder; those after a crash run in a new process."""
    outcomes: list[Outcome] = []
    while len(outcomes) < len(commands):
        outcomes += _run(commands[len(outcomes) :], folder)
    return outcomes


def _run(commands: Sequence[Sequence[str]], folder: Path) -> list[Outcome]:
    """What a process made of the commands, up to the one that ended it."""
    root = Path(__file__).parents[1]
    known = os.pathsep.join(filter(None, [str(root), str(root / "src"), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "tests.campaigns"],
        input=json.dumps([list(words) for words in commands]),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": known, "OMP_NUM_THREADS": "1", "HOME": str(folder), "LMSC_DEBUG": "1"},
    )
    outcomes = [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]
    if len(outcomes) < len(commands):
        said = f"the process ended by {done.returncode}, the number of a signal or of no end\n{done.stderr}"
        outcomes.append(Outcome(words=list(commands[len(outcomes)]), exit_code=None, errors=said))
    return outcomes


def _carry_out(words: list[str]) -> Outcome:
    from lmsc_unet.cli.main import main

    output, errors = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    exit_code: int | None = None
    faulthandler.dump_traceback_later(END_S, exit=True)
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            exit_code = main(words)
        except BaseException:
            traceback.print_exc()
    faulthandler.cancel_dump_traceback_later()
    output.seek(0)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return Outcome(words=words, exit_code=exit_code, output=output.read(), errors=errors.getvalue(), peak_mb=peak_mb)


def _main() -> None:
    """Reads commands as JSON, and answers each by a line of JSON; what libraries print themselves goes elsewhere."""
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for words in json.load(sys.stdin):
        print(json.dumps(asdict(_carry_out(words))), file=answers, flush=True)


if __name__ == "__main__":
    _main()
