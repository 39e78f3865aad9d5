"""The command `lmsc`: word -> function, imported only when it is called."""

import sys
from collections.abc import Sequence

from cyclopts import App

from lmsc_unet.errors import LmscError

COMMANDS = {
    "models": "lmsc_unet.cli.models:models",
    "complexity": "lmsc_unet.cli.complexity:complexity",
    "data": "lmsc_unet.cli.data:app",
    "train": "lmsc_unet.cli.train:train",
    "evaluate": "lmsc_unet.cli.evaluate:evaluate",
    "predict": "lmsc_unet.cli.predict:predict",
    "doctor": "lmsc_unet.cli.doctor:doctor",
}


def build_app() -> App:
    """The whole command line, with no command imported yet."""
    app = App(name="lmsc", help="Semantic segmentation on small hardware.")
    for word, target in COMMANDS.items():
        app.command(target, name=word)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 all well, 1 wrong use or bad input, 2 some items failed.

    A command returns its own exit code, or None for 0. A mistake of the user's is printed, not raised.
    """
    try:
        result = build_app()(argv, exit_on_error=False, print_error=True, result_action="return_value")
    except LmscError as error:
        print(f"lmsc: {error}", file=sys.stderr)
        return 1
    return result if isinstance(result, int) else 0
