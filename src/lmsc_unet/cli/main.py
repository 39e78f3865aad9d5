"""The command `lmsc`: word -> function, imported only when it is called."""

import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from lmsc_unet.errors import INTERRUPTED, LmscError

if TYPE_CHECKING:
    from cyclopts import App

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "train": ("lmsc_unet.cli.train:app", "Train a model on a folder of images and masks."),
        "evaluate": ("lmsc_unet.cli.evaluate:evaluate", "Score a model on images with masks."),
        "predict": ("lmsc_unet.cli.predict:predict", "Segment images of any size."),
        "detect": ("lmsc_unet.cli.detect:detect", "Find the signals in recordings."),
        "scenes": ("lmsc_unet.cli.scenes:scenes", "Generate labelled recordings of radio signals."),
        "export": ("lmsc_unet.cli.export:export", "Write a model as one file that runs without PyTorch."),
        "data": ("lmsc_unet.cli.data:app", "Check a folder of images and masks, or make one."),
        "models": ("lmsc_unet.cli.models:models", "List the models."),
        "complexity": ("lmsc_unet.cli.complexity:complexity", "Count parameters, size and operations."),
        "benchmark": ("lmsc_unet.cli.benchmark:benchmark", "Time models, runtimes and precisions on this machine."),
        "reproduce": ("lmsc_unet.cli.reproduce:reproduce", "Make the paper's tables and figures anew."),
        "doctor": ("lmsc_unet.cli.doctor:doctor", "Say what is installed and what is broken."),
    }
)
"""Word -> ("module:function", help line)."""
EXTRAS: Mapping[str, str] = MappingProxyType({"onnx": "export", "onnxscript": "export"})
"""A package that is not installed -> the extra that brings it, where that is not `train`."""


ABOUT = "Semantic segmentation on small hardware."
HELP: tuple[list[str], ...] = (["--help"], ["-h"], [])
"""What asks for the list of commands alone."""


def list_commands() -> str:
    """What `lmsc --help` prints: made here, as loading what parses a command line takes most of the time."""
    width = max(map(len, COMMANDS))
    lines = (f"  {word:{width}}  {line}" for word, (_, line) in COMMANDS.items())
    listed = "\n".join(lines)
    return f"Usage: lmsc COMMAND\n\n{ABOUT}\n\nCommands (lmsc COMMAND --help says more):\n{listed}\n\n  lmsc --version"


def build_app() -> "App":
    """The whole command line, with no command imported yet."""
    from cyclopts import App

    app = App(name="lmsc", help=ABOUT)
    for word, (target, line) in COMMANDS.items():
        app.command(target, name=word, help=line)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 all well, 1 wrong use or bad input, 2 some items failed.

    A command returns its own exit code, or None for 0. A mistake of the user's is printed, not raised.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words in HELP:
        print(list_commands())
        return 0
    from cyclopts import CycloptsError

    try:
        result = build_app()(words, exit_on_error=False, print_error=True, result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:  # `lmsc ... | head` has read what it wants
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what Python still flushes goes nowhere
        return 1
    except CycloptsError:  # already printed, with the usage
        return 1
    except LmscError as error:
        print(f"lmsc: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if (error.name or "lmsc_unet").startswith("lmsc_unet"):
            raise
        extra = EXTRAS.get(error.name or "", "train")
        print(f'lmsc: {error.name} is not installed. Try: pip install "lmsc-unet[{extra}]"', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lmsc: stopped.", file=sys.stderr)
        return INTERRUPTED
    return result if isinstance(result, int) else 0
