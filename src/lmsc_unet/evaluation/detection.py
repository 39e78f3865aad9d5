"""Scores detected boxes by SNR and by template: a model beside the energy detector."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from lmsc_unet.datasets.sample import Sample
from lmsc_unet.inference.detector import ENERGY, SignalDetector, energy_detector
from lmsc_unet.metrics.matching import (
    Boxes,
    DetectionCounts,
    Detections,
    count_matches,
    match_boxes,
    mean_average_precision,
)
from lmsc_unet.signals.annotations import read_boxes
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.detection import find_in_recording
from lmsc_unet.signals.recording import Recording, RecordingWarning, open_recording

SNR_EDGES_DB = (0.0, 5.0, 10.0, 15.0, 20.0, 25.0)
"""Edges between bins; the lowest and the highest bin are open."""
STRONG_DB = 5.0
"""The SNR from which signals should be found."""
MIN_IOU = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchedRecording:
    """A recording with its true boxes and a detector's boxes."""

    template: str
    """The template of the scene; empty if unknown."""
    true: tuple[SignalBox, ...]
    """Its annotations."""
    found: tuple[SignalBox, ...]
    """The detected boxes."""


@dataclass(frozen=True, kw_only=True)
class BoxScores:
    """One line of the table: a detector's scores over a group of boxes, regardless of labels."""

    detector: str
    """`energy`, or the model's name."""
    by: str
    """`all`, `snr_db` or `template`."""
    group: str
    """The bin or template."""
    counts: DetectionCounts
    """True positives, false positives and misses at an IoU of 0.5."""
    map_50: float
    """Average precision at an IoU of 0.5."""
    map_50_95: float
    """Average precision, mean over IoU of 0.5, 0.55, ... 0.95."""


def detectors(finder: SignalDetector) -> dict[str, SignalDetector]:
    """The model and the energy detector, with rows of the same length, as `lmsc detect` would search."""
    energy = replace(energy_detector(finder.stft), chooses_rows=finder.chooses_rows)
    return {ENERGY: energy, finder.origin["name"]: finder}


def score_boxes(
    samples: Sequence[Sample],
    finders: Mapping[str, SignalDetector],
    *,
    advance: Callable[[], None] | None = None,
) -> list[BoxScores]:
    """Searches the samples' recordings, each once as a whole, with every detector.

    Raises:
        DataError: a recording cannot be read.
    """
    searched: dict[str, list[SearchedRecording]] = {name: [] for name in finders}
    for path in recordings_of(samples):
        recording = open_recording(path, is_checked=False)
        for name, finder in finders.items():
            searched[name].append(_search(recording, finder.for_recording(recording)))
        if advance is not None:
            advance()
    return [line for name, some in searched.items() for line in tabulate(name, some)]


def recordings_of(samples: Sequence[Sample]) -> list[Path]:
    """The recordings of the samples, each once."""
    return list(dict.fromkeys(sample.piece.recording for sample in samples if sample.piece is not None))


def tabulate(detector: str, searched: Sequence[SearchedRecording]) -> Iterator[BoxScores]:
    """The lines of one detector: all boxes, those of at least 5 dB, by SNR, by template."""
    yield _scores(detector, "all", "all", [_detections(one.true, one.found) for one in searched])
    if any(box.snr_db is not None for one in searched for box in one.true):
        strong = [_in_snr(one, STRONG_DB, np.inf) for one in searched]
        yield _scores(detector, "all", f"{STRONG_DB:g} dB and more", strong)
        edges = (-np.inf, *SNR_EDGES_DB, np.inf)
        for low_db, high_db in pairwise(edges):
            part = [_in_snr(one, low_db, high_db) for one in searched]
            yield _scores(detector, "snr_db", _bin_name(low_db, high_db), part)
    for template in sorted({one.template for one in searched if one.template}, key=lambda name: (len(name), name)):
        of_it = [_detections(one.true, one.found) for one in searched if one.template == template]
        yield _scores(detector, "template", template, of_it)


def _search(recording: Recording, finder: SignalDetector) -> SearchedRecording:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordingWarning)  # what receivers leak is told by `lmsc detect`
        found = find_in_recording(
            recording, finder.stft, finder.masker, class_names=finder.class_names, grouping=finder.grouping
        )
    template = recording.metadata.get("global", {}).get("lmsc:template", "")
    return SearchedRecording(
        template=str(template), true=tuple(read_boxes(recording)), found=tuple(filter(finder.keeps, found))
    )


def _scores(detector: str, by: str, group: str, pictures: Sequence[Detections]) -> BoxScores:
    return BoxScores(
        detector=detector,
        by=by,
        group=group,
        counts=count_matches(pictures, min_iou=MIN_IOU),
        map_50=mean_average_precision(pictures, min_ious=(MIN_IOU,)),
        map_50_95=mean_average_precision(pictures),
    )


def _in_snr(one: SearchedRecording, low_db: float, high_db: float) -> Detections:
    """The true boxes in an SNR range; a detected box follows its match, otherwise its own SNR."""
    matches = match_boxes(_detections(one.true, one.found), min_iou=MIN_IOU)
    snr_db = [
        one.true[index].snr_db if index >= 0 else box.snr_db
        for index, box in zip(matches.true_index.tolist(), one.found, strict=True)
    ]
    return _detections(
        [box for box in one.true if _is_between(box.snr_db, low_db, high_db)],
        [box for box, of_it in zip(one.found, snr_db, strict=True) if _is_between(of_it, low_db, high_db)],
    )


def _is_between(snr_db: float | None, low_db: float, high_db: float) -> bool:
    return snr_db is not None and low_db <= snr_db < high_db


def _detections(true: Sequence[SignalBox], found: Sequence[SignalBox]) -> Detections:
    return Detections(
        true_xyxy=_xyxy(true),
        found_xyxy=_xyxy(found),
        confidences=np.array([box.confidence or 0.0 for box in found]),
    )


def _xyxy(boxes: Sequence[SignalBox]) -> Boxes:
    """Edges in hertz and samples "N 4"."""
    rows = [(box.low_hz, box.start_sample, box.high_hz, box.stop_sample) for box in boxes]
    return np.array(rows, np.float64).reshape(-1, 4)


def _bin_name(low_db: float, high_db: float) -> str:
    if low_db == -np.inf:
        return f"under {high_db:g}"
    return f"{low_db:g} and more" if high_db == np.inf else f"{low_db:g} to {high_db:g}"
