"""Numbers with the prefixes of units, as radio people write them: 250k, 433.92M, 2.4e6."""

import re

from lmsc_unet.errors import ConfigError

_FACTORS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?inf|nan)\s*([kmg]?)(?:hz|sps|s/s)?", re.IGNORECASE)


def parse_hz(text: str) -> float:
    """A frequency or rate in Hz: 2.4e6, 250k, 433.92M, 1.1G, each with or without Hz. M is mega in either case.

    Raises:
        ConfigError: it is no such number.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f"{text!r} is no number of Hz. Write it like 2400000, 2.4e6, 250k or 433.92M.")
    return float(match[1]) * _FACTORS[match[2].lower()]


def parse_band(text: str) -> tuple[float, float]:
    """A band as LOW-HIGH, such as 433.9M-434M.

    Raises:
        ConfigError: it is no such pair.
    """
    for place in (place for place, sign in enumerate(text) if sign == "-" and place and text[place - 1] not in "eE"):
        if _NUMBER.fullmatch(text[:place].strip()) and _NUMBER.fullmatch(text[place + 1 :].strip()):
            return parse_hz(text[:place]), parse_hz(text[place + 1 :])
    raise ConfigError(f"{text!r} is no band of frequencies. Write its edges with a - in between, like 433.9M-434M.")
