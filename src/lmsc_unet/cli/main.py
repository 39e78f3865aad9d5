"""The command `lmsc`: word -> function, imported only when it is called."""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from lmsc_unet.core import stopping
from lmsc_unet.errors import LmscError

TYPE_CHECKING = False  # typing takes a while to load
if TYPE_CHECKING:
    from cyclopts import App

GROUPS: Mapping[str, Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "Images": {
            "predict": ("lmsc_unet.cli.predict:predict", "Segment images of any size."),
            "data": ("lmsc_unet.cli.data:app", "Check a folder of images and masks, or make one."),
        },
        "Recordings": {
            "detect": ("lmsc_unet.cli.detect:detect", "Find the signals in recordings."),
            "scenes": ("lmsc_unet.cli.scenes:scenes", "Generate labelled recordings of radio signals."),
        },
        "Models": {
            "train": ("lmsc_unet.cli.train:app", "Train a model on images with masks, or on recordings."),
            "evaluate": ("lmsc_unet.cli.evaluate:evaluate", "Score a model on images with masks, or on recordings."),
            "export": ("lmsc_unet.cli.export:export", "Write a model as one file that runs without PyTorch."),
            "models": ("lmsc_unet.cli.models:models", "List the models."),
            "benchmark": ("lmsc_unet.cli.benchmark:benchmark", "Time models, runtimes and precisions on this machine."),
        },
        "The paper": {
            "complexity": ("lmsc_unet.cli.complexity:complexity", "Count parameters, size and operations."),
            "reproduce": ("lmsc_unet.cli.reproduce:reproduce", "Reproduce the paper's tables and figures."),
        },
        "Installation": {
            "doctor": ("lmsc_unet.cli.doctor:doctor", "Report what is installed and what is broken."),
        },
    }
)
"""Heading -> word -> ("module:function", help line)."""
COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {word: command for commands in GROUPS.values() for word, command in commands.items()}
)
"""Word -> ("module:function", help line)."""
EXTRAS: Mapping[str, str] = MappingProxyType({"onnx": "export", "onnxscript": "export"})
"""A package that is not installed -> the extra that brings it, where that is not `train`."""


KEPT: Mapping[str, str] = MappingProxyType(
    {
        "train": "The finished epochs are kept; go on by --resume.",
        "predict": "What was done before is kept; go on by --resume.",
        "detect": "What was done before is kept; go on by --resume.",
        "data": "Pictures that were drawn are whole; run the command again, for nuclei into a new folder.",
        "scenes": "Scenes that were made are whole; to make all, name a new folder.",
        "reproduce": "What is finished is kept; the same command goes on.",
    }
)
"""What a command that is stopped keeps, and how to go on, where it does not say so itself."""
DEBUG = "LMSC_DEBUG"
"""The variable that shows where an unexpected error comes from."""

ABOUT = "Semantic segmentation on small hardware."
HELP: tuple[list[str], ...] = (["--help"], ["-h"], [])
"""What asks for the list of commands alone."""


def list_commands() -> str:
    """The text of `lmsc --help`, built without the parser, whose import takes most of the time."""
    width = max(map(len, COMMANDS))
    groups = (
        "\n".join((f"{heading}:", *(f"  {word:{width}}  {line}" for word, (_, line) in commands.items())))
        for heading, commands in GROUPS.items()
    )
    listed = "\n\n".join(groups)
    return (
        f"Usage: lmsc COMMAND\n\n{ABOUT}\n\n{listed}\n\nlmsc COMMAND --help lists a command's options; lmsc --version."
    )


def build_app() -> "App":
    """The whole command line, with no command imported yet."""
    from cyclopts import App

    from lmsc_unet.cli.numbers import whole_numbers

    app = App(name="lmsc", help=ABOUT, config=whole_numbers, suppress_keyboard_interrupt=False)
    for word, (target, line) in COMMANDS.items():
        app.command(target, name=word, help=line)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 all well, 1 wrong use or bad input, 2 some items failed.

    A command returns its own exit code, or None for 0. A mistake of the user's is printed, not raised. Ctrl-C is 130,
    SIGTERM 143. An error that is none of ours is printed as a line, too, and raised where LMSC_DEBUG is set.
    """
    if argv is None:
        code = _until_stopped(sys.argv[1:])
        stopping.ignore()
        return code
    with stopping.restored():
        return _until_stopped(list(argv))


def _until_stopped(words: list[str]) -> int:
    line = "stopped. " + KEPT.get(next(iter(words), ""), "No result was written; run the command again.")
    try:
        stopping.heed(line)
        return _run(words)
    except KeyboardInterrupt as stop:
        print(f"lmsc: {stop.args[0] if stop.args else line}", file=sys.stderr)
        return stopping.exit_code(stop)


def _run(words: list[str]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be UTF-8
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
        return _told(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "lmsc_unet").startswith("lmsc_unet"):
            return _unexpected(error)
        extra = EXTRAS.get(error.name or "", "train")
        return _told(f'{error.name} is not installed. Try: pip install "lmsc-unet[{extra}]"')
    except Exception as error:
        return _unexpected(error)
    return result if isinstance(result, int) else 0


def _unexpected(error: Exception) -> int:
    """Tells an error that no one thought of: of the system as it is, of our own with the way to a report."""
    if os.environ.get(DEBUG):
        raise error
    if isinstance(error, MemoryError):
        return _told("it does not fit into memory. Try smaller images, tiles or batches.")
    if isinstance(error, OSError) and error.filename is not None:
        return _told(f"{error.filename}: {error.strerror}. See that it is there and may be read and written.")
    first = str(error).strip().partition("\n")[0] or "no reason is given"
    return _told(f"{type(error).__name__}: {first}. This should not happen; {DEBUG}=1 shows where, for a report.")


def _told(message: str) -> int:
    print(f"lmsc: {message}", file=sys.stderr)
    return 1
