"""Where a dataset's images and masks lie and what its masks mean: one list of options for every command."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, Token


def _split_at_commas(_type: object, tokens: Sequence[Token]) -> tuple[str, ...]:
    return tuple(name.strip() for token in tokens for name in token.value.split(",") if name.strip())


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Where images and masks lie in the data folder, and what the masks' values mean."""

    images: str = "images"
    """Name of the folder of images."""
    masks: str = "masks"
    """Name of the folder of masks."""
    split_file: Path | None = None
    """CSV with the columns name,split (train, val or test) that says which images train, validate and test."""
    group: str = ""
    """folder, or a column of the split file: images of one group (patient, slide, organ) never stand in two parts."""
    classes: Annotated[tuple[str, ...], Parameter(converter=_split_at_commas, negative="")] = ()
    """Names of the class ids 0, 1, ..., with commas between; found from the masks if not given."""
    ignore_index: int | None = None
    """Mask value of pixels that carry no loss and no score."""
