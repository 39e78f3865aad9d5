"""The Dice per image that a model is known to reach, from what its training or its export wrote beside it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lmsc_unet.catalog import CATALOG
from lmsc_unet.export.saving import report_path
from lmsc_unet.inference.loading import find_file

KEYS = {
    "summary.json": ("best", "per_image", "dice"),
    "parity": ("scores_exported", "dc"),
    "bundled": ("scores", "dice"),
}
"""Kind of file -> where the score stands in it."""


def known_scores(models: Sequence[str]) -> dict[str, float]:
    """Model -> Dice per image on held-out images, of those that are known."""
    found = {model: _score(model) for model in models if model not in CATALOG}
    return {model: score for model, score in found.items() if score is not None}


def _score(model: str) -> float | None:
    file = find_file(model)
    for path, kind in (
        (file.parent / "summary.json", "summary.json"),
        (report_path(file), "parity"),
        (file.with_suffix(".json"), "bundled"),
    ):
        is_its_own = kind != "summary.json" or file.suffix == ".ckpt"
        score = _read(path, KEYS[kind]) if is_its_own else None
        if score is not None:
            return score
    return None


def _read(path: Path, keys: Sequence[str]) -> float | None:
    """A number in a JSON file; None where the file or the number is not there."""
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))
        for key in keys:
            value = value[key]
        return float(value)
    except (OSError, ValueError, KeyError, TypeError):
        return None
