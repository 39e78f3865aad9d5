"""One row of a table: what is trained on what, and what the paper printed for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lmsc_unet.reproduction.paper import PrintedScores

DataName = Literal["nuinsseg", "rf"]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A training as the paper states it, but for what its row differs by."""

    title: str
    """What its row is called."""
    data: DataName = "nuinsseg"
    """Which of the paper's two data sets."""
    model: str = "lmsc-unet"
    """A name of `lmsc models`, or of a peer."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the training's config that differ from the recipe `paper`."""
    paper: PrintedScores | None = None
    """The paper's row."""

    @property
    def name(self) -> str:
        """What progress and results call it."""
        return f"{self.data} {self.title}"
