"""The command `lmsc`: word -> function, imported only when it is called."""

import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from cyclopts import App, CycloptsError

from lmsc_unet.errors import LmscError

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


def build_app(words: Sequence[str]) -> App:
    """The whole command line, with no command imported yet.

    Without a command among the words it only lists them, in plain text: Markdown takes a fifth of the time to load.
    """
    app = App(
        name="lmsc",
        help="Semantic segmentation on small hardware.",
        help_format="plaintext" if COMMANDS.keys().isdisjoint(words) else "markdown",
    )
    for word, (target, line) in COMMANDS.items():
        app.command(target, name=word, help=line)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 all well, 1 wrong use or bad input, 2 some items failed.

    A command returns its own exit code, or None for 0. A mistake of the user's is printed, not raised.
    """
    try:
        words = sys.argv[1:] if argv is None else argv
        result = build_app(words)(words, exit_on_error=False, print_error=True, result_action="return_value")
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
        return 130
    return result if isinstance(result, int) else 0
