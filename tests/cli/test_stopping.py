"""Ctrl-C and SIGTERM at any instant: one line, the exit code that shells expect, and never a traceback."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lmsc_unet.cli import main as command_line
from lmsc_unet.cli.main import main
from lmsc_unet.core import stopping

REPOSITORY = Path(__file__).parents[2]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
END_S = 20.0
PROBE = "stopped_probe"


@pytest.fixture(autouse=True)
def heeded(process: None) -> Iterator[None]:
    """Signals are heeded, whatever started the tests."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], list[str]]]:
    """Adds the command `lmsc probe` with the given source."""

    def add(source: str) -> list[str]:
        (tmp_path / f"{PROBE}.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setattr(command_line, "COMMANDS", {"probe": (f"{PROBE}:run", "Is stopped.")})
        return ["probe"]

    yield add
    sys.modules.pop(PROBE, None)


WAIT = f"    end = time.monotonic() + {END_S}\n    while time.monotonic() < end:\n        time.sleep(0.01)\n"


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize(
    ("before", "within"),
    [
        ("", "    signal.raise_signal({number})\n"),  # R12: the command line's library took it for itself
        ("signal.raise_signal({number})\n", WAIT),  # R11: while the command is imported
    ],
    ids=["running", "importing"],
)
def test_a_command_that_is_stopped_says_so_in_one_line(
    number: int, before: str, within: str, command: Callable[[str], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    source = f"import signal, time\n{before}IS_WHOLE = True\ndef run() -> None:\n{within}"
    assert main(command(source.format(number=number))) == CODES[number]
    assert capsys.readouterr().err == "lmsc: stopped. No result was written; run the command again.\n"
    assert sys.modules[PROBE].IS_WHOLE  # no module is left half made


def test_a_stop_within_a_finalizer_is_not_lost(command: Callable[[str], list[str]]) -> None:  # R11: printed, and gone
    source = "import signal, time\nclass Held:\n    def __del__(self) -> None:\n        signal.raise_signal(2)\n"
    assert main(command(f"{source}def run() -> None:\n    Held()\n{WAIT}")) == 130


def test_what_cleans_up_is_not_stopped_itself(command: Callable[[str], list[str]]) -> None:
    source = "import signal\nDONE = []\ndef run() -> None:\n    try:\n        signal.raise_signal(2)\n"
    name = command(f"{source}    finally:\n        signal.raise_signal(2)\n        DONE.append(1)\n")
    assert main(name) == 130
    assert sys.modules[PROBE].DONE == [1]


def test_a_stop_is_postponed_to_the_end_of_what_must_be_whole() -> None:
    whole = []

    def make() -> None:
        with stopping.postponed():
            signal.raise_signal(signal.SIGTERM)
            whole.append(stopping.is_asked())

    with stopping.restored():
        stopping.install_handlers()
        with pytest.raises(stopping.Terminated):
            make()
    assert whole == [True]


def test_what_waits_for_input_is_stopped_at_once_and_may_still_end_well() -> None:  # D2
    ended = []

    def search() -> None:
        with stopping.postponed():
            with stopping.waiting():
                signal.raise_signal(signal.SIGINT)
                ended.append("not reached")
            ended.append(stopping.is_asked())

    with stopping.restored():
        stopping.install_handlers()
        with pytest.raises(KeyboardInterrupt):
            search()
    assert ended == [True]


@pytest.mark.skipif(not hasattr(signal, "sigwaitinfo"), reason="this system does not tell who sends a signal")
def test_a_process_may_heed_the_one_that_started_it_alone() -> None:  # R28: what stops a job signals all its processes
    code = "from lmsc_unet.core.stopping import obey_parent_only\nimport time\nobey_parent_only()\n"
    code += f"print(flush=True)\ntime.sleep({END_S})"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for number in CODES:
            other = f"import os; os.kill({process.pid}, {int(number)})"
            subprocess.run([sys.executable, "-S", "-c", other], check=True)
        assert process.poll() is None
        process.terminate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("number", "times", "line"),
    [
        (signal.SIGINT, 1, "stopped. No result was written; run the command again."),
        (signal.SIGTERM, 3, "stopped at once."),
    ],
)
def test_a_process_is_stopped_while_it_starts(number: int, times: int, line: str, tmp_path: Path) -> None:  # R11, R28
    """The command line takes long to load here, which is not waited for; nor does the third signal wait at all."""
    ready = tmp_path / "ready"
    hook = "import os, sys, time\nclass Slow:\n    def find_spec(self, name, *_):\n        if name == 'cyclopts':\n"
    hook += f"            open({str(ready)!r}, 'w').close()\n            time.sleep({END_S})\n"
    hook += "sys.meta_path.insert(0, Slow())"
    code = f"{hook}\nsys.argv[0] = 'lmsc'\nfrom lmsc_unet.cli.main import main\nsys.exit(main())"
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": REPOSITORY}
    environment = {name: value for name, value in os.environ.items() if name != "LMSC_DEBUG"}
    with subprocess.Popen([sys.executable, "-c", code, "models"], env=environment, **options) as process:  # type: ignore[call-overload]
        while not ready.exists():
            time.sleep(0.005)
        for _ in range(times):
            process.send_signal(number)
            time.sleep(0.6)
        _, told = process.communicate()
    assert process.returncode == CODES[number]
    assert told == f"lmsc: {line}\n"
