"""What is wrong with a file of a dataset."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lmsc_unet.errors import DataError

Severity = Literal["error", "warning"]

_MAX_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong with one file."""

    file: Path
    """The file or folder."""
    reason: str
    """What was found, what is needed, what to do."""
    severity: Severity = "error"
    """`error`: training refuses the dataset; `warning`: it trains, but look at it."""


def refuse(root: Path, problems: Sequence[Problem]) -> None:
    """Raises DataError with the first few errors, if there are any."""
    errors = [problem for problem in problems if problem.severity == "error"]
    if not errors:
        return
    shown = "\n".join(f"  {problem.file}: {problem.reason}" for problem in errors[:_MAX_SHOWN])
    rest = f"\n  ... and {len(errors) - _MAX_SHOWN} more" if len(errors) > _MAX_SHOWN else ""
    files = "1 file" if len(errors) == 1 else f"{len(errors)} files"
    raise DataError(f"{root}: {files} cannot be used:\n{shown}{rest}\n`lmsc data check` lists them all.")
