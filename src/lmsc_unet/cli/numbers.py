"""Rejects fractions for integer options, which cyclopts would round."""

from typing import get_args

from cyclopts import App, ArgumentCollection

from lmsc_unet.errors import ConfigError


def whole_numbers(_app: App, _commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Checks a command's arguments before they are converted.

    Raises:
        ConfigError: names the option and its value.
    """
    for argument in arguments:
        if int in (argument.hint, *get_args(argument.hint)):
            for token in argument.tokens:
                if "." in token.value:
                    raise ConfigError(f"{argument.name} is {token.value}; it must be a whole number.")
