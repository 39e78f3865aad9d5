"""Where a dataset's images and masks lie, what its masks mean, and how recordings are cut into chunks: settings only.

One list for every command; no torch and no files here.
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
"""The classes where labels are not told apart."""


@dataclass(frozen=True, kw_only=True)
class ChunkOptions:
    """How recordings become the pictures that a network is trained on."""

    spectrogram: SpectrogramSettings = field(default_factory=SpectrogramSettings)
    """The transform, and the levels that are black and white."""
    scales: tuple[int, ...] = ()
    """Frames averaged per row, each for all recordings; none shows a recording in one picture, up to 64 frames."""
    rows: int = 256
    """The most rows of a piece."""
    by_label: bool = False
    """A class for each label of the annotations; otherwise noise and signal."""
    split_seed: int = 19
    """Of the split 70/15/15 by recording, where neither folders nor a split file say the parts."""

    def __post_init__(self) -> None:
        check_range(self, 8, 65_536, "rows", prefix="recordings.")
        check_range(self, 1, MOST_FRAMES_PER_ROW, "scales", prefix="recordings.")
        check_range(self, 0, MOST_SEED, "split_seed", prefix="recordings.")


@dataclass(frozen=True, kw_only=True)
class SpectrogramChunk:
    """Rows of the spectrogram of one capture of a recording."""

    recording: Path
    """The file that opens it."""
    capture: int
    """Which of its captures, from 0."""
    first_row: int
    """Counted from the capture's first."""
    num_rows: int
    """How many there are."""
    spectrogram: SpectrogramSettings
    """How they are made, and drawn."""
    class_names: tuple[str, ...] = SIGNAL_NAMES
    """With two classes every annotation is of the second; with more, of the one that its label names."""


_LEAST_VALUE, _MOST_VALUE = -(2**31), 2**32 - 1  # masks are of at most 32 bits
_LONGEST_NAME = 255
"""Bytes of a name, on the file systems that people have."""
_COLOUR = re.compile(r"[0-9a-f]{6}")


def _integers(_type: object, tokens: Sequence[Token]) -> tuple[int, ...]:
    words = _split_at_commas(_type, tokens)
    try:
        return tuple(int(word) for word in words)
    except ValueError:
        raise ConfigError(f"the values {', '.join(words)} are not all integers. Write them as 0,127,255.") from None


def _split_at_commas(_type: object, tokens: Sequence[Token]) -> tuple[str, ...]:
    return tuple(name.strip() for token in tokens for name in token.value.split(",") if name.strip())


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Where images and masks lie in the data folder, and what the masks' values mean."""

    images: str = "images"
    """Name of the folder of images."""
    masks: str = "masks"
    """Name of the folder of masks."""
    mask_suffix: str = ""
    """What a mask's name has behind its image's, such as _mask; found from the names if not given."""
    split_file: Path | None = None
    """CSV with the columns name,split (train, val or test) that says which images train, validate and test."""
    group: str = ""
    """folder, or a column of the split file: images of one group (patient, slide, organ) never stand in two parts."""
    classes: Annotated[tuple[str, ...], Parameter(converter=_split_at_commas, negative="")] = ()
    """Names of the class ids 0, 1, ..., with commas between; found from the masks if not given."""
    values: Annotated[tuple[int, ...], Parameter(converter=_integers, negative="")] = ()
    """Mask values of the classes in order, the background's first, as 0,127,255 or 1,2."""
    colors: Annotated[tuple[str, ...], Parameter(converter=_split_at_commas, negative="")] = ()
    """Mask colours of the classes in order, the background's first, as rrggbb: 000000,ff0000,00ff00."""
    instances: Annotated[bool, Parameter(negative="")] = False
    """Each mask value above 0 is one object of the foreground."""
    mask_threshold: float | None = None
    """Mask value from which on a pixel is foreground: 128 for JPEG masks of two classes."""
    ignore_index: int | None = None
    """Mask value of pixels that carry no loss and no score."""
    ignore_nan: Annotated[bool, Parameter(negative="")] = False
    """NaN in a mask marks pixels that carry no loss and no score."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "colors", tuple(colour.lower().removeprefix("#") for colour in self.colors))
        check_range(self, 0, _MOST_VALUE, "mask_threshold", above=True)
        check_range(self, _LEAST_VALUE, _MOST_VALUE, "values", "ignore_index")
        for name, folder in (("images", self.images), ("masks", self.masks)):
            if any(len(os.fsencode(part)) > _LONGEST_NAME for part in Path(folder).parts):
                raise ConfigError(f"{name} is {folder[:20]}..., which is too long for the name of a folder.")
        given = [name for name, value in self._meanings.items() if value not in ((), False, None)]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} are given; they say the same of the masks. Give one of them.")
        wrong = [colour for colour in self.colors if not _COLOUR.fullmatch(colour)]
        if wrong:
            raise ConfigError(f"the colours {', '.join(wrong)} are none. Write each as rrggbb, such as ff0000 for red.")
        for name, listed in (("values", self.values), ("colors", self.colors)):
            if len(set(listed)) < len(listed):
                raise ConfigError(f"{name} holds the same twice: {', '.join(map(str, listed))}. Name each class once.")
            if listed and self.classes and len(self.classes) != len(listed):
                raise ConfigError(
                    f"{len(listed)} {name} are given, but {len(self.classes)} classes are named: "
                    f"{', '.join(self.classes)}. Give as many."
                )

    @property
    def says_values(self) -> bool:
        """Whether the user says which mask value is which class."""
        return any(value not in ((), False, None) for value in self._meanings.values())

    def with_names(self, names: tuple[str, ...]) -> Self:
        """The same options, with these names of classes where none are given."""
        return replace(self, classes=self.classes or names)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes; where values or colours alone are given, these name classes of three and more."""
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
