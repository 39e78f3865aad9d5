"""How the raw values of masks become class ids: 0/255, 0/1, class indices, instance ids."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.data.options import DataOptions
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.metrics.counts import IGNORE

MAX_CLASSES = 255
BINARY_NAMES = ("background", "foreground")

LabelKind = Literal["binary", "instances", "classes"]


@dataclass(frozen=True, kw_only=True)
class LabelMap:
    """Turns the raw values of a mask into class ids."""

    kind: LabelKind
    """`binary`: 0 and `foreground`; `instances`: every id above 0 is class 1; `classes`: values are class ids."""
    class_names: tuple[str, ...] = BINARY_NAMES
    """Names of the class ids 0, 1, ..."""
    foreground: int = 1
    """With `binary`: the raw value of class 1, mostly 1 or 255."""
    ignore_index: int | None = None
    """The raw value of pixels to leave out."""

    def __post_init__(self) -> None:
        check_class_names(self.class_names)
        if self.kind != "classes" and len(self.class_names) != 2:
            raise ConfigError(f"{self.kind} masks have 2 classes, but {len(self.class_names)} are named.")

    @property
    def num_classes(self) -> int:
        """How many classes there are, background included."""
        return len(self.class_names)

    def class_id(self, value: int) -> int | None:
        """The class id of one raw value, `IGNORE` for the one to leave out, None for one that is no class."""
        if value == self.ignore_index:
            return IGNORE
        if self.kind == "instances":
            return min(value, 1) if value >= 0 else None
        if self.kind == "binary":
            return {0: 0, self.foreground: 1}.get(value)
        return value if 0 <= value < self.num_classes else None

    def check_values(self, values: Iterable[int], path: Path) -> None:
        """Refuses values that are no class.

        Raises:
            DataError: the mask's `path` and the values are named.
        """
        unknown = [value for value in sorted(values) if self.class_id(value) is None]
        if unknown:
            raise DataError(f"{path}: {self.complaint(unknown)}")

    def apply(self, raw: NDArray[Any], path: Path) -> NDArray[np.uint8]:
        """Class ids of a raw mask, both `H W`; pixels to leave out become `IGNORE`.

        Raises:
            DataError: values that are no class; the mask's `path` and the values are named.
        """
        if self.kind == "instances":
            return self._apply_instances(raw, path)
        values = distinct_values(raw)
        self.check_values(values.tolist(), path)
        ids = np.array([self.class_id(value) for value in values.tolist()], dtype=np.uint8)
        return _looked_up(raw, values, ids)

    def complaint(self, unknown: Sequence[int]) -> str:
        """What to say of values that are no class."""
        hint = " If 255 marks pixels to leave out, say --ignore-index 255." if 255 in unknown else ""
        return (
            f"the mask holds {listed(unknown)}, but the classes are {self.described()}. "
            f"Correct the mask, or name all classes with --classes.{hint}"
        )

    def described(self) -> str:
        """The raw values that are classes, with their names."""
        if self.kind == "instances":
            return f"0 ({self.class_names[0]}) and above 0 ({self.class_names[1]})"
        values = (0, self.foreground) if self.kind == "binary" else range(self.num_classes)
        return listed([f"{value} ({name})" for value, name in zip(values, self.class_names, strict=True)])

    def _apply_instances(self, raw: NDArray[Any], path: Path) -> NDArray[np.uint8]:
        ids = (raw > 0).astype(np.uint8)
        if self.ignore_index is not None:
            ids[raw == self.ignore_index] = IGNORE
        if raw.dtype.kind == "i" and ((raw < 0) & (ids != IGNORE)).any():
            raise DataError(f"{path}: {self.complaint([int(raw.min())])}")
        return ids


def infer_label_map(
    values: Mapping[Path, Collection[int]],
    options: DataOptions = DataOptions(),  # noqa: B008 - frozen
    *,
    is_wide: bool = False,
) -> LabelMap:
    """The meaning of masks, from the values that each mask of a dataset holds.

    Where a few masks are at odds with the others, the others decide: `check_values` then names the few.

    Args:
        values: the raw values of each mask.
        options: the names of the class ids in order, where none means background and foreground, and the raw value of
            pixels to leave out.
        is_wide: whether some mask has more than 8 bits: instance labels are told by that.

    Raises:
        DataError: the values can be read in more than one way, or not at all.
        ConfigError: more classes than 255, or a single one.
    """
    names, ignore_index = options.classes or BINARY_NAMES, options.ignore_index
    check_class_names(names)
    if len(names) > 2:
        return LabelMap(kind="classes", class_names=names, ignore_index=ignore_index)
    masks = [set(found) - {ignore_index} for found in values.values()]
    fitting = {foreground: sum(found <= {0, foreground} for found in masks) for foreground in (1, 255)}
    foreground = max(fitting, key=lambda key: fitting[key])
    if is_wide and fitting[foreground] < len(masks):
        return LabelMap(kind="instances", class_names=names, ignore_index=ignore_index)
    if fitting[foreground] > len(masks) / 2 or not masks:
        return LabelMap(kind="binary", class_names=names, foreground=foreground, ignore_index=ignore_index)
    raise DataError(
        f"the masks hold the values {listed(sorted(set().union(*masks)))}, but two classes are 0 and 1, or 0 and 255. "
        "For class ids name them all in order: --classes background,first,second; save instance labels with 16 bits; "
        "and say --ignore-index N for a value to leave out."
    )


def distinct_values(raw: NDArray[Any]) -> NDArray[Any]:
    """The values of a raw mask, sorted, each once."""
    if raw.dtype == np.uint8:
        return np.flatnonzero(np.bincount(raw.ravel(), minlength=256))
    return np.unique(raw)


def check_class_names(names: Sequence[str]) -> None:
    """Raises ConfigError unless there are 2 to 255 names, none empty and none twice."""
    if not 2 <= len(names) <= MAX_CLASSES:
        raise ConfigError(f"{len(names)} classes are named; 2 to {MAX_CLASSES} are possible, background included.")
    if len(set(names)) != len(names) or not all(names):
        raise ConfigError(f"the classes {listed(names)} are not all named once. Give each class a name of its own.")


def listed(items: Sequence[object], limit: int = 8) -> str:
    """The first few items, and how many more there are."""
    shown = ", ".join(str(item) for item in items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"


def _looked_up(raw: NDArray[Any], values: NDArray[Any], ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if raw.dtype != np.uint8:
        return ids[np.searchsorted(values, raw)]
    table = np.zeros(256, dtype=np.uint8)
    table[values] = ids
    class_ids: NDArray[np.uint8] = table[raw]
    return class_ids
