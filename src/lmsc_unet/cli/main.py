"""The command `lmsc`: each subcommand is imported when it is called."""

import io
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from lmsc_unet.core import stopping
from lmsc_unet.errors import LmscError

TYPE_CHECKING = False  # importing typing is slow
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
        "Both": {
            "serve": ("lmsc_unet.cli.serve:serve", "Serve models over HTTP."),
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
EXTRAS: Mapping[str, str] = MappingProxyType(
    {"onnx": "export", "onnxscript": "export"}
    | dict.fromkeys(("fastapi", "starlette", "uvicorn", "h11", "prometheus_client"), "serve")
)
"""A missing package -> the extra that contains it, if that is not `train`."""


KEPT: Mapping[str, str] = MappingProxyType(
    {
        "train": "The finished epochs are kept; go on by --resume.",
        "predict": "Finished results are kept; go on by --resume.",
        "detect": "Finished results are kept; go on by --resume.",
        "data": "Finished images are complete; run the command again, for nuclei into a new folder.",
        "scenes": "Finished scenes are complete; to make all, name a new folder.",
        "serve": "Every request that was taken is answered.",
        "reproduce": "Finished work is kept; the same command goes on.",
    }
)
"""What a stopped command keeps, and how to continue, unless it says so itself."""
DEBUG = "LMSC_DEBUG"
"""The environment variable that shows the traceback of an unexpected error."""

ABOUT = "Semantic segmentation on small hardware."
HELP: tuple[list[str], ...] = (["--help"], ["-h"], [])
"""The arguments that print the list of commands."""


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
    """The whole command line, without importing any command."""
    from cyclopts import App

    from lmsc_unet.cli.numbers import whole_numbers

    app = App(name="lmsc", help=ABOUT, config=whole_numbers, suppress_keyboard_interrupt=False)
    for word, (target, line) in COMMANDS.items():
        app.command(target, name=word, help=line)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 all well, 1 wrong use or bad input, 2 some items failed.

    A command returns its own exit code, or None for 0. A user's mistake is printed, not raised. Ctrl-C is 130, SIGTERM
    143. Any other error is also printed as a line, and raised if LMSC_DEBUG is set.
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
        stopping.install_handlers(line)
        return _run(words)
    except KeyboardInterrupt as stop:
        print(f"lmsc: {stop.args[0] if stop.args else line}", file=sys.stderr)
        return stopping.exit_code(stop)


def _run(words: list[str]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be UTF-8
    if words in HELP:
        print(list_commands())
        return 0
    from cyclopts import CycloptsError

    try:
        result = build_app()(words, exit_on_error=False, print_error=True, result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:  # `lmsc ... | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # discards what Python still flushes
        return 1
    except CycloptsError:  # already printed, with the usage
        return 1
    except LmscError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "lmsc_unet").startswith("lmsc_unet"):
            return _unexpected(error)
        extra = EXTRAS.get(error.name or "", "train")
        return _fail(f'{error.name} is not installed. Try: pip install "lmsc-unet[{extra}]"')
    except Exception as error:
        return _unexpected(error)
    return result if isinstance(result, int) else 0


def _unexpected(error: Exception) -> int:
    """Reports an unexpected error: the system's as it is, our own with the way to a report."""
    if os.environ.get(DEBUG):
        raise error
    if isinstance(error, MemoryError):
        return _fail("it does not fit into memory. Try smaller images, tiles or batches.")
    if isinstance(error, OSError) and error.filename is not None:
        return _fail(f"{error.filename}: {error.strerror}. Check that it exists and its permissions.")
    first = str(error).strip().partition("\n")[0] or "no reason is given"
    return _fail(f"{type(error).__name__}: {first}. This should not happen; {DEBUG}=1 shows where, for a report.")


def _fail(message: str) -> int:
    print(f"lmsc: {message}", file=sys.stderr)
    return 1
