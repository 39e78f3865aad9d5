"""Converts raw mask values to class ids; `infer_label_map` decides on the kind of a dataset's masks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.imageio import NAN, NOTHING, StoredMask
from lmsc_unet.metrics.counts import IGNORE

MAX_CLASSES = 255
BINARY_NAMES = ("background", "foreground")

LabelKind = Literal["binary", "instances", "classes", "values", "colors", "threshold"]
_TWO_CLASSES = ("binary", "instances", "threshold")


@dataclass(frozen=True, kw_only=True)
class LabelMap:
    """Converts the raw values of a mask to class ids."""

    kind: LabelKind
    """`binary`: 0 and another value; `instances`: every id above 0 is class 1; `classes`: values are class ids;
    `values` and `colors`: as in `raw_values`; `threshold`: values from `threshold` on are class 1."""
    class_names: tuple[str, ...] = BINARY_NAMES
    """Names of the class ids 0, 1, ..."""
    raw_values: tuple[tuple[int, ...], ...] = ()
    """The raw values of each class, colours as 0xRRGGBB; empty means the class ids themselves."""
    threshold: float = 0.0
    """With `threshold`: the smallest raw value of class 1."""
    ignore_index: int | None = None
    """The raw value of ignored pixels."""
    ignores_nan: bool = False
    """Whether NaN pixels are ignored."""
    is_by_greys: bool = True
    """Whether a grey palette means its grey values; if another mask has colours, indices count in all masks."""

    def __post_init__(self) -> None:
        check_class_names(self.class_names)
        if self.kind in _TWO_CLASSES and len(self.class_names) != 2:
            raise ConfigError(f"{self.kind} masks have 2 classes, but {len(self.class_names)} are named.")

    @property
    def num_classes(self) -> int:
        """The number of classes, background included."""
        return len(self.class_names)

    def ids(self, stored: StoredMask, path: Path) -> NDArray[np.uint8]:
        """Class ids `H W` of a stored mask; ignored pixels become `IGNORE`.

        Raises:
            DataError: values that are not classes; names the mask's `path` and the values.
        """
        return self.apply(self.read(stored, path), path, nodata=stored.nodata)

    def read(self, stored: StoredMask, path: Path) -> NDArray[np.integer[Any]]:
        """The raw values `H W`: numbers, colours, or 0 and 1 by the threshold.

        Raises:
            DataError: the mask has no such values; names the mask.
        """
        try:
            if self.kind == "colors":
                return stored.colours()
            if self.kind == "threshold":
                return stored.above(self.threshold, self.ignore_index)
            return stored.numbers(as_greys=self.is_by_greys)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error

    def class_id(self, value: int, nodata: float | None = None) -> int | None:
        """The class id of one raw value; `IGNORE` for an ignored value, None for a value without class.

        `nodata` is the mask file's own nodata value; values named by the user take precedence.
        """
        if value in (self.ignore_index, NOTHING) or (value == NAN and self.ignores_nan):
            return IGNORE
        if self.kind in ("values", "colors", "threshold"):
            found = self._table.get(value)
            return IGNORE if found is None and value == nodata and self.kind == "values" else found
        if self.kind == "instances":
            return 1 if value > 0 and value != nodata else 0 if value == 0 else IGNORE if value == nodata else None
        return IGNORE if value == nodata else self._table.get(value)

    def unknown(self, values: Iterable[int], nodata: float | None = None) -> list[int]:
        """The values that are not classes, sorted."""
        return [value for value in sorted(values) if self.class_id(value, nodata) is None]

    def apply(self, raw: NDArray[Any], path: Path, *, nodata: float | None = None) -> NDArray[np.uint8]:
        """Class ids of raw values, both `H W`; ignored pixels become `IGNORE`.

        Raises:
            DataError: values that are not classes; names the mask's `path` and the values.
        """
        values = distinct_values(raw)
        known = values.tolist()
        unknown = self.unknown(known, nodata)
        if unknown:
            raise DataError(f"{path}: {self.complaint(unknown)}")
        return _looked_up(raw, values, np.array([self.class_id(value, nodata) for value in known], dtype=np.uint8))

    def complaint(self, unknown: Sequence[int]) -> str:
        """The message about values that are not classes."""
        if NAN in unknown:
            return "the mask holds NaN. If it marks pixels to leave out, say --ignore-nan."
        hint = " If 255 marks pixels to leave out, say --ignore-index 255." if 255 in unknown else ""
        known = {"colors": "all colours with --colors", "values": "all values with --values"}
        return (
            f"the mask holds {listed([self.shown(value) for value in unknown])}, but the classes are "
            f"{self.described()}. Correct the mask, or name {known.get(self.kind, 'all classes with --classes')}.{hint}"
        )

    def described(self) -> str:
        """The raw values of the classes, with their names."""
        first, second = self.class_names[:2]
        if self.kind == "instances":
            return f"0 ({first}) and above 0 ({second})"
        if self.kind == "threshold":
            return f"below {self.threshold:g} ({first}) and from it on ({second})"
        values = [" or ".join(self.shown(value) for value in raw) for raw in self._raw_values]
        return listed([f"{value} ({name})" for value, name in zip(values, self.class_names, strict=True)])

    def shown(self, value: int) -> str:
        """A raw value as the user writes it: a number, or a colour as rrggbb."""
        return f"{value:06x}" if self.kind == "colors" else str(value)

    @property
    def _raw_values(self) -> tuple[tuple[int, ...], ...]:
        return self.raw_values or tuple((class_id,) for class_id in range(self.num_classes))

    @cached_property
    def _table(self) -> Mapping[int, int]:
        return {value: class_id for class_id, raw in enumerate(self._raw_values) for value in raw}


def distinct_values(raw: NDArray[Any]) -> NDArray[Any]:
    """The distinct values of a raw mask, sorted."""
    if raw.dtype in (np.uint8, np.uint16):
        return np.flatnonzero(np.bincount(raw.ravel(), minlength=256))
    return np.unique(raw)


def check_class_names(names: Sequence[str]) -> None:
    """Raises ConfigError unless there are 2 to 255 names, none empty and none twice."""
    if not 2 <= len(names) <= MAX_CLASSES:
        raise ConfigError(f"{len(names)} classes are named; 2 to {MAX_CLASSES} are possible, background included.")
    if len(set(names)) != len(names) or not all(names):
        raise ConfigError(f"the classes {listed(names)} are not all named once. Give each class a name of its own.")


def listed(items: Sequence[object], limit: int = 8) -> str:
    """The first few items, and the number of others."""
    shown = ", ".join(str(item) for item in items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"


def _looked_up(raw: NDArray[Any], values: NDArray[Any], ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if raw.dtype not in (np.uint8, np.uint16):
        return ids[np.searchsorted(values, raw)]
    table = np.zeros(int(np.iinfo(raw.dtype).max) + 1, dtype=np.uint8)
    table[values] = ids
    class_ids: NDArray[np.uint8] = table[raw]
    return class_ids
