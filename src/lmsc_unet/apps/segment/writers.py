"""What `lmsc predict` writes of one image: its mask, and on request an overlay and the probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.apps.segment.masks import MaskFormat, MaskValues
from lmsc_unet.core.storage import resolve_inside
from lmsc_unet.imageio import GeoTag, in_blocks, write_png
from lmsc_unet.inference.overlays import draw_overlay
from lmsc_unet.inference.predictor import Prediction
from lmsc_unet.inference.spec import ModelSpec

FOLDERS = ("masks", "overlays", "probabilities")
"""The folders of a results folder."""
FULL_SCALE = 65535
"""The 16-bit value of a probability of 1."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which files are written beside the mask."""

    overlays: bool = True
    """The mask drawn over the image, to be looked at."""
    probabilities: bool = False
    """16-bit PNG: the probability of class 1 with one logit, of each class with more."""
    mask_values: MaskValues = "visible"
    """What the values of a mask are."""

    def mask_format(self, spec: ModelSpec, tags: Sequence[GeoTag] = ()) -> MaskFormat:
        """How the mask of an image with such tags is written."""
        return MaskFormat(values=self.mask_values, num_classes=len(spec.class_names), tags=tags)


def other_files(name: str, num_logits: int, wanted: Wanted) -> list[str]:
    """Where the other files of an item lie, below the results folder: the overlay, then the probabilities."""
    overlay = [f"overlays/{name}.png"] if wanted.overlays else []
    return overlay + (
        [f"{folder}/{name}.png" for folder in probability_folders(num_logits)] if wanted.probabilities else []
    )


def probability_folders(num_logits: int) -> list[str]:
    """One folder with one logit; otherwise one for each class id, so that names of classes and images never meet."""
    return ["probabilities"] if num_logits == 1 else [f"probabilities/{index}" for index in range(num_logits)]


def write_results(
    out: Path,
    name: str,
    image: NDArray[Any],
    prediction: Prediction,
    spec: ModelSpec,
    wanted: Wanted,
    tags: Sequence[GeoTag] = (),
) -> str:
    """Writes the files of one image; the mask comes last, so that where it is, all is. Gives the mask's place.

    Raises:
        OutputError: the disk is full, or a file would lie outside the results folder.
    """
    if wanted.overlays:
        write_png(resolve_inside(out, f"overlays/{name}.png"), draw_overlay(image, prediction.mask))
    if wanted.probabilities:
        shown = prediction.probability[1:] if spec.num_logits == 1 else prediction.probability
        for folder, probability in zip(probability_folders(spec.num_logits), shown, strict=True):
            write_png(resolve_inside(out, f"{folder}/{name}.png"), to_16_bit(probability))
    form = wanted.mask_format(spec, tags)
    form.write(out, name, in_blocks(prediction.mask), (prediction.mask.shape[0], prediction.mask.shape[1]))
    return form.file(name)


def to_16_bit(probability: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Probabilities as integers: 0 is 0 and 1 is 65535."""
    return np.rint(probability * FULL_SCALE).astype(np.uint16)
