"""The energy detector's masks on the pieces that a model is scored on: what a network must better."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lmsc_unet.datasets.chunks import load_rows
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.load import load_pair
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.evaluation.tables import PAPER_COLUMNS, Table, share
from lmsc_unet.metrics import averages
from lmsc_unet.metrics.counts import count_pixels, stack
from lmsc_unet.signals.detection import EnergyMask
from lmsc_unet.signals.detection.artifacts import without_splatter
from lmsc_unet.signals.detection.components import without_specks


def energy_scores(samples: Sequence[Sample], label_map: LabelMap) -> dict[str, Any]:
    """The scores of signal against noise by average, each piece searched by itself; none where there are no pieces.

    Raises:
        DataError: a recording cannot be read.
    """
    counts = []
    for sample in samples:
        if sample.piece is not None:
            rows_db = load_rows(sample.piece)
            mask, _ = EnergyMask(frames_per_row=sample.piece.spectrogram.stft.frames_per_row)(rows_db)
            truth = np.minimum(load_pair(sample, label_map)[1], 1)
            kept = without_specks(without_splatter(mask, rows_db))
            counts.append(count_pixels(kept, truth, 2))
    if not counts:
        return {}
    together = stack(counts)
    return {"paper": averages.paper(together), "pooled": averages.pooled(together)}


def energy_table(scores: dict[str, Any]) -> Table:
    """The energy detector's row of the paper's scores."""
    rows = tuple((label, share(scores["paper"][key])) for key, label in PAPER_COLUMNS)
    return Table(
        title="The energy detector on the same pieces, signal against noise", headings=("score", "share"), rows=rows
    )
