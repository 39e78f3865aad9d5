"""Options of a dataset: location of images and masks, meaning of masks, chunks of recordings.

One list for every command; imports no PyTorch and opens no files.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Self

from cyclopts import Parameter, Token

from lmsc_unet.core.ranges import MOST_SEED, check_range
from lmsc_unet.errors import ConfigError
from lmsc_unet.signals.settings import MOST_FRAMES_PER_ROW, SpectrogramSettings

SIGNAL_NAMES = ("noise", "signal")
"""The classes if labels are not distinguished."""


@dataclass(frozen=True, kw_only=True)
class ChunkOptions:
    """How recordings become training images."""

    spectrogram: SpectrogramSettings = field(default_factory=SpectrogramSettings)
    """The transform, and the levels displayed as black and white."""
    scales: tuple[int, ...] = ()
    """Frames averaged per row, each for all recordings; without any, a recording fits one image (at most 64 frames)."""
    rows: int = 256
    """Most rows per chunk."""
    by_label: bool = False
    """One class per annotation label; otherwise noise and signal."""
    split_seed: int = 19
    """Seed of the 70/15/15 split by recording, used if neither folders nor a split file define one."""

    def __post_init__(self) -> None:
        check_range(self, 8, 65_536, "rows", prefix="recordings.")
        check_range(self, 1, MOST_FRAMES_PER_ROW, "scales", prefix="recordings.")
        check_range(self, 0, MOST_SEED, "split_seed", prefix="recordings.")


@dataclass(frozen=True, kw_only=True)
class SpectrogramChunk:
    """Rows of the spectrogram of one capture of a recording."""

    recording: Path
    """The file to open it by."""
    capture: int
    """The capture's index, from 0."""
    first_row: int
    """Counted from the start of the capture."""
    num_rows: int
    """Number of rows."""
    spectrogram: SpectrogramSettings
    """How the rows are computed and drawn."""
    class_names: tuple[str, ...] = SIGNAL_NAMES
    """With two classes every annotation belongs to the second; with more, to the class named by its label."""


_LEAST_VALUE, _MOST_VALUE = -(2**31), 2**32 - 1  # masks have at most 32 bits
_LONGEST_NAME = 255
"""Bytes of a name in common file systems."""
_COLOUR = re.compile(r"[0-9a-f]{6}")


def _integers(_type: object, tokens: Sequence[Token]) -> tuple[int, ...]:
    words = split_at_commas(_type, tokens)
    try:
        return tuple(int(word) for word in words)
    except ValueError:
        raise ConfigError(f"the values {', '.join(words)} are not all integers. Write them as 0,127,255.") from None


def split_at_commas(_type: object, tokens: Sequence[Token]) -> tuple[str, ...]:
    """Converts an option's values, each with commas, to a tuple of names."""
    return tuple(name.strip() for token in tokens for name in token.value.split(",") if name.strip())


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Location of images and masks in the data folder, and meaning of mask values."""

    images: str = "images"
    """Name of the folder of images."""
    masks: str = "masks"
    """Name of the folder of masks."""
    mask_suffix: str = ""
    """Suffix of masks' names compared with their images', such as _mask; by default found from the names."""
    split_file: Path | None = None
    """CSV with the columns name,split (train, val or test) that assigns images to splits."""
    group: str = ""
    """A column of the split file, folder, or crops (neighbouring crops of one picture, by their edges): a split
    never separates images of one group (patient, slide, organ)."""
    repeats: str = ""
    """Column of the split file: how often each image is drawn per epoch, to weigh sources of different size."""
    classes: Annotated[tuple[str, ...], Parameter(converter=split_at_commas, negative="")] = ()
    """Names of the class ids 0, 1, ..., comma-separated; by default inferred from the masks."""
    values: Annotated[tuple[int, ...], Parameter(converter=_integers, negative="")] = ()
    """Mask values of the classes in order, background first, such as 0,127,255 or 1,2."""
    colors: Annotated[tuple[str, ...], Parameter(converter=split_at_commas, negative="")] = ()
    """Mask colours of the classes in order, background first, as rrggbb: 000000,ff0000,00ff00."""
    instances: Annotated[bool, Parameter(negative="")] = False
    """Each mask value above 0 is one foreground object. A training also learns the objects' contours, so that touching
    ones can be separated; an object in several pieces, as in a mask of 0 and 255, teaches its outline alone."""
    mask_threshold: float | None = None
    """Smallest foreground value of a mask: 128 for JPEG masks of two classes."""
    ignore_index: int | None = None
    """Mask value of pixels without loss and score."""
    ignore_nan: Annotated[bool, Parameter(negative="")] = False
    """NaN in a mask marks pixels without loss and score."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "colors", tuple(colour.lower().removeprefix("#") for colour in self.colors))
        check_range(self, 0, _MOST_VALUE, "mask_threshold", above=True)
        check_range(self, _LEAST_VALUE, _MOST_VALUE, "values", "ignore_index")
        for name, folder in (("images", self.images), ("masks", self.masks)):
            if any(len(os.fsencode(part)) > _LONGEST_NAME for part in Path(folder).parts):
                raise ConfigError(f"{name} is {folder[:20]}..., which is too long for the name of a folder.")
        given = [name for name, value in self._meanings.items() if value not in ((), False, None)]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} are given, but each defines the masks. Give one of them.")
        wrong = [colour for colour in self.colors if not _COLOUR.fullmatch(colour)]
        if wrong:
            raise ConfigError(f"{', '.join(wrong)} are not colours. Write each as rrggbb, such as ff0000 for red.")
        for name, listed in (("values", self.values), ("colors", self.colors)):
            if len(set(listed)) < len(listed):
                raise ConfigError(f"{name} holds the same twice: {', '.join(map(str, listed))}. Name each class once.")
            if listed and self.classes and len(self.classes) != len(listed):
                raise ConfigError(
                    f"{len(listed)} {name} are given, but {len(self.classes)} classes are named: "
                    f"{', '.join(self.classes)}. Give as many."
                )

    @property
    def names_columns(self) -> bool:
        """Whether columns of the split file other than `split` are named."""
        return bool(self.group or self.repeats)

    @property
    def says_values(self) -> bool:
        """Whether the user defines the mask values of classes."""
        return any(value not in ((), False, None) for value in self._meanings.values())

    def with_names(self, names: tuple[str, ...]) -> Self:
        """The same options with default class names."""
        return replace(self, classes=self.classes or names)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes; with three or more values or colours and no names, these are the names."""
        listed = tuple(map(str, self.values)) or self.colors
        return self.classes or (() if len(listed) == 2 else listed)

    @property
    def _meanings(self) -> dict[str, object]:
        return {
            "--values": self.values,
            "--colors": self.colors,
            "--instances": self.instances,
            "--mask-threshold": self.mask_threshold,
        }
