"""Runs an evaluation: finds data, loads the model, scores it, makes the report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.storage import sha256
from lmsc_unet.core.tables import Table
from lmsc_unet.datasets.chunks import load_rows
from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.load import find_label_map, load_pair
from lmsc_unet.datasets.objects import ObjectTruth, find_objects
from lmsc_unet.datasets.options import ChunkOptions, DataOptions
from lmsc_unet.datasets.sample import Sample, of_split
from lmsc_unet.datasets.split_file import names_of_split
from lmsc_unet.errors import DataError
from lmsc_unet.evaluation.box_report import to_row
from lmsc_unet.evaluation.detection import BoxScores, detectors, recordings_of, score_boxes
from lmsc_unet.evaluation.instance_report import report_instances
from lmsc_unet.evaluation.intervals import Bootstrap
from lmsc_unet.evaluation.output import draw_worst_and_best
from lmsc_unet.evaluation.report import PAPER_COLUMNS, make_report, share, without_nan
from lmsc_unet.evaluation.segmentation import Evaluation, evaluate
from lmsc_unet.inference.detector import SignalDetector, network_detector
from lmsc_unet.inference.loading import find_file, load
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.metrics import averages
from lmsc_unet.metrics.counts import count_pixels, stack
from lmsc_unet.signals.detection import EnergyMask
from lmsc_unet.signals.detection.components import without_specks
from lmsc_unet.signals.detection.gating import gated
from lmsc_unet.signals.noise import power_over_floor
from lmsc_unet.signals.settings import SpectrogramSettings


def energy_scores(samples: Sequence[Sample], label_map: LabelMap) -> dict[str, Any]:
    """Signal-versus-noise scores of the energy detector by average, chunk by chunk; empty without chunks.

    Raises:
        DataError: a recording cannot be read.
    """
    counts = []
    for sample in samples:
        if sample.piece is not None:
            rows_db = load_rows(sample.piece)
            frames = sample.piece.spectrogram.stft.frames_per_row
            mask, confidence = EnergyMask(frames_per_row=frames)(rows_db)
            truth = np.minimum(load_pair(sample, label_map)[1], 1)
            kept = without_specks(gated(mask, confidence, power_over_floor(rows_db), frames).mask)
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


Part = Literal["train", "val", "test", "all"]


def select(samples: Sequence[Sample], part: Part | None = None) -> tuple[Part, tuple[Sample, ...]]:
    """A split's name and samples; by default `test` if the data has it, else `val`, else all.

    Raises:
        DataError: the split has no images.
    """
    chosen = part or default_part(samples)
    if chosen == "all":
        return chosen, tuple(samples)
    found = of_split(samples, chosen)
    if not found:
        known = sorted({sample.split for sample in samples if sample.split})
        has = f"it has {', '.join(known)}" if known else "it names no parts"
        raise DataError(
            f"The data has no image in {chosen}; {has}. Choose another by --split, or name parts by folders "
            "train/ val/ test/ or by --split-file."
        )
    return chosen, found


def default_part(samples: Sequence[Sample]) -> Part:
    """The test split if there is one, else validation, else all."""
    if of_split(samples, "test"):
        return "test"
    return "val" if of_split(samples, "val") else "all"


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """The data to score on."""

    data: DataOptions = field(default_factory=DataOptions)
    """Location of images and masks and meaning of mask values; the classes default to the model's."""
    split: Part | None = None
    """The split to score; by default test if the data has it, else val, else all."""
    frames_per_row: int | None = None
    """For recordings: frames averaged per row; None fits a recording into one image for pixel scores, and searches it
    with the rows of `lmsc detect`."""
    split_seed: int = ChunkOptions.split_seed
    """For recordings: the seed of the training's split."""


@dataclass(frozen=True, kw_only=True)
class EvaluationSession:
    """A model and the pairs to score it on."""

    file: Path
    """The file of its weights."""
    data: Path
    """The data folder."""
    predictor: Predictor
    """The loaded model."""
    part: Part
    """The split that is scored."""
    samples: tuple[Sample, ...]
    """Its pairs."""
    label_map: LabelMap
    """The meaning of mask values."""
    num_trained_on: int
    """Number of pairs with the name of a training image, from split.csv in the run folder."""
    finder: SignalDetector | None = None
    """For recordings: the model as a detector."""
    objects: ObjectTruth | None = None
    """The true objects, if instances are scored."""

    def evaluate(self, advance: Callable[[], None] | None = None) -> Evaluation:
        """Predicts and counts; calls `advance` after each image.

        Raises:
            DataError: a file cannot be used; names it.
        """
        return evaluate(self.predictor, self.samples, self.label_map, objects=self.objects, advance=advance)

    def score_boxes(self, advance: Callable[[], None] | None = None) -> list[BoxScores]:
        """Box scores of the model and the energy detector; empty for images.

        Raises:
            DataError: a recording cannot be read.
        """
        if self.finder is None:
            return []
        return score_boxes(self.samples, detectors(self.finder), advance=advance)

    def baseline(self) -> dict[str, Any]:
        """Scores of the energy detector's masks on the same chunks; None if a score is 0/0."""
        scores: dict[str, Any] = without_nan(energy_scores(self.samples, self.label_map))
        return scores

    @property
    def num_recordings(self) -> int:
        """The number of recordings of the pairs."""
        return len(recordings_of(self.samples))

    def report(self, evaluation: Evaluation, bootstrap: Bootstrap, boxes: Sequence[BoxScores] = ()) -> dict[str, Any]:
        """All scores with the model and the data; `instances` if they were scored; for recordings `boxes`, `energy`."""
        model = {"name": self.predictor.spec.name, "file": str(self.file), "sha256": sha256(self.file)}
        origin = {"model": model, "data": str(self.data), "split": self.part}
        lines = {"energy": self.baseline(), "boxes": [to_row(line) for line in boxes]} if boxes else {}
        return origin | make_report(evaluation, bootstrap) | self._instances(evaluation, bootstrap) | lines

    def _instances(self, evaluation: Evaluation, bootstrap: Bootstrap) -> dict[str, Any]:
        if evaluation.instances is None or self.objects is None:
            return {}
        are_numbered = self.objects.are_numbered
        report = report_instances(evaluation.instances, bootstrap, are_numbered=are_numbered)
        return {"instances": without_nan(report)}

    def picture(self, evaluation: Evaluation) -> NDArray[np.uint8]:
        """The worst and best images, RGB "H W 3"."""
        return draw_worst_and_best(evaluation, self.predictor, self.label_map)


def open_evaluation(
    model: str | Path,
    data: Path,
    options: EvaluationOptions,
    *,
    tile_px: int,
    batch: int,
    threshold: float | None,
    scale: float | None = None,
    runtime: Runtime = Runtime(),  # noqa: B008 - frozen
) -> EvaluationSession:
    """Finds the pairs and loads the model.

    Raises:
        DataError: the data cannot be used, or the split has no images.
        ModelError: the model cannot be loaded.
        ConfigError: invalid settings.
    """
    predictor = Predictor.load(model, tile_px=tile_px, batch=batch, threshold=threshold, scale=scale, runtime=runtime)
    data_options = options.data.with_names(predictor.spec.class_names)
    dataset = find_dataset(data, data_options, pieces=pieces_of(predictor.spec, options))
    part, samples = select(dataset.samples, options.split)
    finder = None
    if dataset.layout == "sigmf":
        network = load(model, runtime).network
        finder = network_detector(network, predictor.spec, frames_per_row=options.frames_per_row)
    file = find_file(model, runtime.backend)
    trained_on = training_names(file)
    label_map = find_label_map(dataset.samples, data_options)  # of all samples: a split may have too few values
    has_objects = data_options.instances and dataset.layout != "sigmf"
    return EvaluationSession(
        file=file,
        data=data,
        predictor=predictor,
        part=part,
        samples=samples,
        label_map=label_map,
        num_trained_on=sum(sample.file_name in trained_on for sample in samples),
        finder=finder,
        objects=find_objects(dataset.samples, label_map) if has_objects else None,
    )


def pieces_of(spec: ModelSpec, options: EvaluationOptions = EvaluationOptions()) -> ChunkOptions:
    """How recordings become images: with the requested rows, or the training's, or those that fit."""
    settings = spec.spectrogram or SpectrogramSettings()
    own = settings.stft.frames_per_row
    scale = options.frames_per_row or (own if own > 1 else None)
    scales = () if scale is None else (scale,)
    return ChunkOptions(spectrogram=settings, scales=scales, split_seed=options.split_seed)


def training_names(file: Path) -> frozenset[str]:
    """Names of a model's training samples, if its run folder still lists them."""
    split_file = file.parent / "split.csv"
    return names_of_split(split_file, "train") if split_file.is_file() else frozenset()
