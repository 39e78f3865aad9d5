"""Numbers on the command line: 250k and 433.92M for Hz, and no fractions for whole numbers, which would be rounded."""

from collections.abc import Sequence
from typing import Annotated, Any, get_args

from cyclopts import App, ArgumentCollection, Parameter

from lmsc_unet.core.units import parse_hz
from lmsc_unet.errors import ConfigError


def _to_hz(_type: Any, tokens: Sequence[Any]) -> float:
    return parse_hz(tokens[0].value)


Hertz = Annotated[float, Parameter(converter=_to_hz)]
"""A frequency or a rate; takes 250k, 433.92M and 2.4e6."""


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
