"""A campaign of bad values for options: each ends, without a traceback, and names the option."""

import random
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="the tests write ONNX files by it")
pytest.importorskip("torch", reason="half of the commands need it")

from cyclopts import App

from lmsc_unet.cli.main import COMMANDS, build_app
from lmsc_unet.synthetic.radio.scene import SceneOptions
from lmsc_unet.synthetic.radio.writer import write_scenes
from tests.campaigns import Outcome, num_cases, run_commands
from tests.inference.model_files import write_model
from tests.training.small import train_flags, write_discs

SEED = 19
NO_NUMBERS = ("nan", "inf", "-inf", "1e400", "one", "", "1;2", "1.5e", "0x")
"""What no option takes that wants a number."""
ODD_NUMBERS = ("-1", "0", "1e308", "-1e308", "99999999999999999999", "-99999999999999999999", "1e-320", "0.5", "1.5")
"""What some take."""
TEXTS = ("", "nothing-of-this-name", "../../..", "é" * 300, "{", "[1", "\t", "-", "/dev/null", "a,b", "nan")
MISSING = "what-is-not-there"
COMMAND_LINES = {
    "train": ["train", "{data}", "--out={out}", *train_flags("--epochs=1")],
    "evaluate": ["evaluate", "{model}", "{data}", "--draws=10"],
    "predict": ["predict", "{model}", "{data}/images", "--out={out}"],
    "detect": ["detect", "{radio}", "--model=energy", "--out={out}"],
    "scenes": ["scenes", "{out}", "--count=1", "--samples=65536"],
    "export": ["export", MISSING, "--out={out}.onnx"],
    "data check": ["data", "check", "{data}"],
    "data nuclei": ["data", "nuclei", "--out={out}", "--count=1", "--size-px=32"],
    "data convert": ["data", "convert", MISSING, "--out={out}"],
    "models": ["models"],
    "complexity": ["complexity", "lmsc-unet"],
    "benchmark": ["benchmark", MISSING, "--out={out}"],
    "serve": ["serve", f"--model={MISSING}", "--port=0"],
    "reproduce": ["reproduce", "table2", f"--data=nuinsseg={MISSING}", "--out={out}"],
}
"""Each command as it works, and quickly; what takes long is given a model or data that are not there."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option that takes a value."""

    command: str
    name: str
    is_number: bool


def find_options() -> list[Option]:
    """All options of all commands, as the command line itself knows them."""
    found = []
    for word in COMMANDS:
        app = build_app()[word]
        if word == "data":
            found += [one for name in ("check", "nuclei") for one in _options(f"data {name}", app[name])]
        else:
            found += _options(word, app)
    return found


def _options(command: str, app: App) -> list[Option]:
    return [
        Option(command=command, name=one.name, is_number=bool(re.search("int|float", str(one.hint))))
        for one in app.assemble_argument_collection()
        if one.name.startswith("--") and one.token_count()[0] == 1 and not one.children
    ]


@dataclass(frozen=True, kw_only=True)
class Case:
    """An option with a value that few expect."""

    option: Option
    value: str
    words: list[str]

    def hold(self, outcome: Outcome) -> None:
        """It ends by itself; what is no number is refused, and each refusal names the option, or the bad value."""
        must_fail = self.option.is_number and self.value in NO_NUMBERS
        outcome.assert_sound(exit_codes=(1,) if must_fail else (0, 1, 2))
        if outcome.exit_code == 1:
            said, value = outcome.errors + outcome.output, self.value.strip()
            names = [letters(name) for name in (self.option.name.rpartition(".")[2], value, MISSING)]
            is_named = any(name and name in letters(said) for name in names) or f" {value or self.value}" in said
            assert is_named, (self.words, outcome.errors)


def letters(text: str) -> str:
    """A text without what spelling and line breaks add."""
    return re.sub(r"[\W_]", "", text.lower())


def draw_cases(number: int, folder: Path) -> list[Case]:
    """Cases from the seed; the options take turns in an order of chance, so that few are drawn twice."""
    rng = random.Random(SEED)
    options = find_options()
    rng.shuffle(options)
    places = {"data": folder / "data", "radio": folder / "radio", "model": folder / "bright.onnx"}
    cases = []
    for index in range(number):
        option = options[index % len(options)]
        value = rng.choice([*NO_NUMBERS, *ODD_NUMBERS] if option.is_number else TEXTS)
        line = [word.format(**places, out=folder / f"out-{index}") for word in COMMAND_LINES[option.command]]
        kept = [word for word in line if word.split("=")[0] != option.name]
        cases.append(Case(option=option, value=value, words=[*kept, f"{option.name}={value}"]))
    return cases


@num_cases(20, 260)
def test_a_bad_option_is_named_and_nothing_runs_away(number: int, tmp_path: Path) -> None:  # R15, R16, R23
    write_discs(tmp_path / "data", count=4)
    list(write_scenes(tmp_path / "radio", SceneOptions(seed=1, samples=65_536), count=1))
    write_model(tmp_path / "bright.onnx")
    cases = draw_cases(number, tmp_path)
    failures = []
    for case, outcome in zip(cases, run_commands([case.words for case in cases], tmp_path), strict=True):
        try:
            case.hold(outcome)
        except AssertionError as error:
            failures.append(f"{case.option.command} {case.option.name}={case.value}: {error}")
    assert not failures, "\n\n".join(failures)
