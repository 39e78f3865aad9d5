"""What a table or figure is made from: the budget, the data, and what the trainings gave."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lmsc_unet.reproduction.budget import BUDGETS, Budget, BudgetName
from lmsc_unet.reproduction.collecting import Outcome
from lmsc_unet.reproduction.experiment import DataName
from lmsc_unet.reproduction.sources import Source
from lmsc_unet.training.config import TrainConfig

FIGURES = "figures"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """All that the making of a section may look at."""

    budget_name: BudgetName
    """How much was trained."""
    out: Path
    """The folder of the report."""
    sources: Mapping[DataName, Source]
    """The data sets in use."""
    outcomes: Sequence[Outcome]
    """The section's experiments, in the order of its rows."""
    interpreters: Mapping[str, Path] = field(default_factory=dict)
    """Of models that live in another environment: its Python."""

    @property
    def budget(self) -> Budget:
        """The budget itself."""
        return BUDGETS[self.budget_name]

    @property
    def source(self) -> Source:
        """The data of the section's experiments."""
        return self.sources[self.outcomes[0].experiment.data]

    def facts(self) -> dict[str, Any]:
        """What every caption of trained models says."""
        return {
            "budget": self.budget_name,
            "budget_about": self.budget.about,
            "data": self.source.about,
            "data_path": str(self.source.path),
            "images": self.source.num_images,
            "seed": TrainConfig.seed,
            "gaps": {title: reason for one in self.outcomes for title, reason in one.gaps.items()},
        }

    def python_of(self, model: str) -> Path:
        """The Python that can build a model."""
        return self.interpreters.get(model, Path(sys.executable))

    def figure_path(self, name: str) -> Path:
        """Where a figure is written."""
        return self.out / FIGURES / f"{name}.png"
