"""`lmsc train --help` fits one screen; `lmsc train --help-all` lists every setting."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from lmsc_unet.cli.main import GROUPS as COMMAND_GROUPS
from lmsc_unet.cli.main import main
from lmsc_unet.training.config import GROUPS, TrainConfig

FIRST = ("out", "model", "recipe", "from", "epochs", "batch", "size-px", "folds", "seed", "resume", "overwrite")


def help_of(words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "240")
    assert main(words) == 0
    return capsys.readouterr().out


def options(config: Any, prefix: str = "") -> Iterator[str]:
    """The option of each setting; where the data lies needs no prefix."""
    for field in dataclasses.fields(config):
        value, name = getattr(config, field.name), f"{prefix}{field.name.replace('_', '-')}"
        if dataclasses.is_dataclass(value):
            yield from options(value, "" if name == "data" else f"{name}.")
        else:
            yield f"--{name}"


def test_the_help_shows_what_is_used_first_and_one_line_per_group(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = help_of(["train", "--help"], capsys, monkeypatch)
    panel = printed[printed.index("─ Parameters") :]
    panel = panel[: panel.index("╰")]
    assert [option for option in FIRST if f"--{option} " not in panel] == []
    assert sum(line.startswith(("│    --", "│ *  --")) for line in panel.splitlines()) < 16
    lines = printed.splitlines()
    assert [group.name for group in GROUPS if not any(line.startswith(f"  {group.name}") for line in lines)] == []
    assert "--loss.gamma" not in printed
    assert "lmsc train --help-all" in printed


def test_the_full_help_lists_every_setting_under_its_group(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = help_of(["train", "--help-all"], capsys, monkeypatch)
    words = set(printed.split())
    assert [option for option in options(TrainConfig()) if option not in words] == []
    assert [group.name for group in GROUPS if f"─ {group.name} ─" not in printed] == []


def test_the_commands_are_listed_by_group(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = help_of(["--help"], capsys, monkeypatch).splitlines()
    for heading, commands in COMMAND_GROUPS.items():
        start = lines.index(f"{heading}:") + 1
        assert [line.split()[0] for line in lines[start : start + len(commands)]] == list(commands)
