"""The numbers that a setting may have, checked once beside the fields, in `__post_init__`.

NaN and infinity are in no range, and integers of any length are compared exactly. So a value that passes is safe to
compute with, whether from the command line, a YAML file, a checkpoint or a model file.
"""

from collections.abc import Iterator
from reprlib import Repr

from lmsc_unet.errors import ConfigError

MOST_SEED = 2**32 - 1
"""The largest seed that PyTorch, Lightning and NumPy all accept."""
MOST_CHANNELS = 1024
"""Channels of a network's input."""
MOST_CLASSES = 256
"""Masks have 8 bits."""
MOST_SIDE_PX = 8192
"""Side of an image that passes through a network as a whole."""
MOST_SCALE = 16.0
"""The largest enlargement of an image."""
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 80


def check_range(config: object, least: float, most: float, *names: str, prefix: str = "", above: bool = False) -> None:
    """Rejects a field, or an item of a tuple, that is not between `least` and `most`. None passes.

    Args:
        config: The object that has the fields.
        least: The lowest value.
        most: The highest value.
        names: The fields.
        prefix: Text before a field's name in the message, such as "loss.".
        above: Whether `least` itself is rejected.

    Raises:
        ConfigError: names the field, its value and its range.
    """
    for name, value in _values(config, names):
        check_number(prefix + name, value, least, most, above=above)


def check_number(name: str, value: object, least: float, most: float, *, above: bool = False) -> None:
    """Rejects a number that is not between `least` and `most`; None passes.

    Raises:
        ConfigError: names the setting, its value and its range.
    """
    if value is not None and (not _is_within(value, least, most) or (above and value == least)):
        lowest = f"above {_plain(least)}" if above else f"at least {_plain(least)}"
        raise ConfigError(f"{name} is {shown(value)}; it must be {lowest} and at most {_plain(most)}.")


def check_share(config: object, *names: str, prefix: str = "", with_ends: bool = True) -> None:
    """Rejects a field that is not between 0 and 1; the ends pass if `with_ends`.

    Raises:
        ConfigError: names the field and its value.
    """
    for name, value in _values(config, names):
        if not _is_within(value, 0, 1) or (value in (0, 1) and not with_ends):
            raise ConfigError(f"{prefix}{name} is {shown(value)}; it must lie between 0 and 1.")


def shown(value: object) -> str:
    """A value as text for a message; always short."""
    try:
        return _SHORT.repr(value)
    except (ValueError, RecursionError):  # more digits than Python prints
        return f"a {type(value).__name__} too long to print"


def _values(config: object, names: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    for name in names:
        value = getattr(config, name)
        for one in value if isinstance(value, tuple) else (value,):
            if one is not None:
                yield name, one


def _is_within(value: object, least: float, most: float) -> bool:
    try:
        return bool(least <= value <= most)  # type: ignore[operator]
    except TypeError:
        return False


def _plain(limit: float) -> str:
    return str(limit) if isinstance(limit, int) else f"{limit:g}"
