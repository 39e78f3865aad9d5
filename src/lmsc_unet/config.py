"""Converts frozen dataclasses to YAML and back; an unknown key or a value of the wrong type is an error.

One list of fields serves the command line, the YAML file, the run folder and the checkpoint.
"""

import math
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from lmsc_unet.core.ranges import shown
from lmsc_unet.errors import ConfigError

T = TypeVar("T")
_LONGEST_NAME = 100


def to_mapping(config: Any) -> dict[str, Any]:
    """Converts a config to plain dicts, lists, strings and numbers."""
    return {field.name: _to_plain(getattr(config, field.name)) for field in fields(config)}


def from_mapping(cls: type[T], mapping: Mapping[str, Any], source: str) -> T:
    """Builds a config from plain values; absent fields keep their defaults.

    Args:
        cls: A frozen dataclass; it may contain others.
        mapping: Plain values, as in the output of `to_mapping` or in YAML.
        source: Where the values come from, for error messages.

    Raises:
        ConfigError: not a mapping, an unknown key, a missing field without default, or a value of the wrong type.
    """
    given = {key: _convert(kind, value, f"{source}: {key}") for key, kind, value in _typed(cls, mapping, source)}
    for field in fields(cls):  # type: ignore[arg-type]
        if field.name not in given and field.default is field.default_factory is MISSING:
            raise ConfigError(f"{source}: it lacks a field ({field.name!r}).")
    return cls(**given)


def checked(cls: Any, mapping: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Checks keys and types of a partial mapping and spells its keys as the config does; builds nothing."""
    result: dict[str, Any] = {}
    for key, kind, value in _typed(cls, mapping, source):
        if is_dataclass(kind) and isinstance(value, Mapping):
            result[key] = checked(kind, value, f"{source}: {key}")
        else:
            _convert(kind, value, f"{source}: {key}")
            result[key] = value
    return result


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a YAML file that contains one mapping.

    Raises:
        ConfigError: the file is missing, is not YAML, or contains something other than a mapping.
    """
    import yaml  # here, as a prediction needs none

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        _refuse_circles(content, frozenset(), set())
    except OSError as error:
        raise ConfigError(
            f"{path}: the config cannot be read ({error.strerror}). Name an existing YAML file."
        ) from error
    except RecursionError as error:
        raise ConfigError(
            f"{path}: the config is nested too deeply. It holds settings, and settings of these."
        ) from error
    except (yaml.YAMLError, ValueError, TypeError) as error:  # numbers with thousands of digits, circular aliases
        raise ConfigError(f"{path}: the config is not valid YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: the config holds a {type(content).__name__}; it must hold `key: value` lines.")
    return content


def to_yaml(config: Any) -> str:
    """Converts a config to YAML text with fields in their order."""
    import yaml

    return yaml.safe_dump(to_mapping(config), sort_keys=False, default_flow_style=None, width=120)


def differences(left: Any, right: Any, prefix: str = "") -> Iterator[str]:
    """Names each field in which two configs of one class differ, as `name: left -> right`."""
    for field in fields(left):
        a, b = getattr(left, field.name), getattr(right, field.name)
        if is_dataclass(a) and type(a) is type(b):
            yield from differences(a, b, f"{prefix}{field.name}.")
        elif a != b:
            yield f"{prefix}{field.name}: {_to_plain(a)} -> {_to_plain(b)}"


def _typed(cls: Any, mapping: Mapping[str, Any], source: str) -> Iterator[tuple[str, Any, Any]]:
    if not isinstance(mapping, Mapping):
        raise _wrong(source, mapping, "a mapping")
    hints = get_type_hints(cls)
    for key, value in mapping.items():
        name = key.replace("-", "_") if isinstance(key, str) else shown(key)
        if name not in hints:
            near = get_close_matches(name, hints, n=1) if len(name) < _LONGEST_NAME else []
            hint = f" Did you mean {near[0]!r}?" if near else f" The known ones are {', '.join(hints)}."
            raise ConfigError(f"{source}: there is no setting {shown(key)}.{hint}")
        yield name, hints[name], value


def _to_plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_mapping(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_to_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _to_plain(item) for key, item in value.items()}
    return value


def _convert(kind: Any, value: Any, where: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _convert_union(kind, value, where)
    if origin is Literal:
        return _convert_literal(kind, value, where)
    if origin in (tuple, frozenset):
        return _convert_items(kind, origin, value, where)
    if isinstance(kind, type) and is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise _wrong(where, value, "a mapping")
        return from_mapping(kind, value, where)
    return _convert_plain(kind, value, where)


def _convert_union(kind: Any, value: Any, where: str) -> Any:
    kinds = get_args(kind)
    if value is None and type(None) in kinds:
        return None
    (only,) = (k for k in kinds if k is not type(None))
    return _convert(only, value, where)


def _convert_literal(kind: Any, value: Any, where: str) -> Any:
    choices = {str(choice): choice for choice in get_args(kind)}
    text = value if isinstance(value, str) else shown(value)  # YAML reads `precision: 32` as a number
    if text not in choices:
        raise _wrong(where, value, "one of " + ", ".join(map(repr, get_args(kind))))
    return choices[text]


def _convert_items(kind: Any, origin: Any, value: Any, where: str) -> Any:
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)):
        raise _wrong(where, value, "a list")
    return origin(_convert(get_args(kind)[0], item, where) for item in value)


def _convert_plain(kind: Any, value: Any, where: str) -> Any:
    if get_origin(kind) in (dict, Mapping) or kind is dict:
        if not isinstance(value, Mapping):
            raise _wrong(where, value, "a mapping")
        return dict(value)
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return _as_float(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is int and isinstance(value, bool):
        raise _wrong(where, value, "an int")
    if not isinstance(value, kind):
        raise _wrong(where, value, f"a {kind.__name__}")
    return value


def _as_float(value: float) -> float:
    """Converts a number to float; a number too large for float becomes infinite, which every range check rejects."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _refuse_circles(value: Any, above: frozenset[int], seen: set[int]) -> None:
    """Raises ValueError if a list or mapping contains itself; each object is visited once."""
    if not isinstance(value, (dict, list)) or (id(value) in seen and id(value) not in above):
        return
    if id(value) in above:
        raise ValueError("an alias is inside the value that it names")
    seen.add(id(value))
    for item in value.values() if isinstance(value, dict) else value:
        _refuse_circles(item, above | {id(value)}, seen)


def _wrong(where: str, value: Any, needed: str) -> ConfigError:
    return ConfigError(f"{where} is {shown(value)}; it must be {needed}.")
