"""An error that nobody thought of is one line and exit code 1; the traceback is there for who asks for it."""

import sys
from pathlib import Path

import pytest

from lmsc_unet.cli import main as command_line
from lmsc_unet.cli.main import main


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        ("KeyError('size')", "KeyError: 'size'. This should not happen; LMSC_DEBUG=1 shows where, for a report."),
        ("RecursionError('deep\\nand deeper')", "RecursionError: deep. This should not happen"),
        ("ValueError()", "ValueError: no reason is given. This should not happen"),
        ("MemoryError()", "it does not fit into memory. Try smaller images, tiles or batches."),
        (  # R25
            "PermissionError(13, 'Permission denied', '/locked/p')",
            "/locked/p: Permission denied. Check that it exists and its permissions.",
        ),
        ("ModuleNotFoundError('No module named lmsc_unet.x', name='lmsc_unet.x')", "ModuleNotFoundError: No module"),
    ],
)
def test_an_error_that_nobody_thought_of(
    raised: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "failing_probe.py").write_text(f"def run() -> None:\n    raise {raised}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(command_line, "COMMANDS", {"probe": ("failing_probe:run", "Fails.")})
    monkeypatch.delitem(sys.modules, "failing_probe", raising=False)
    monkeypatch.delenv("LMSC_DEBUG")
    assert main(["probe"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"lmsc: {message}")
    assert told.count("\n") == 1
    monkeypatch.setenv("LMSC_DEBUG", "1")
    with pytest.raises((LookupError, RuntimeError, ValueError, MemoryError, OSError, ImportError)):
        main(["probe"])
