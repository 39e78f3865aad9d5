"""Predicts pairs of image and mask and counts correct pixels: `evaluate(predictor, samples, label_map)`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.load import load_pair
from lmsc_unet.datasets.objects import ObjectLabels, ObjectTruth
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.imageio import resize, resize_mask
from lmsc_unet.inference.instances import Regions
from lmsc_unet.inference.label_rows import label_image
from lmsc_unet.inference.predictor import Predictor
from lmsc_unet.metrics.counts import IGNORE, Counts, count_pixels, stack
from lmsc_unet.metrics.instances import InstanceCounts, count_instances, stack_instances


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageComparison:
    """An image with true and predicted mask, at the size at which it is scored."""

    image: NDArray[Any]
    """Pixels "H W C" at their native depth."""
    truth: NDArray[np.uint8]
    """True class ids "H W"; 255 is excluded."""
    prediction: NDArray[np.uint8]
    """Predicted class ids "H W"."""
    regions: Regions
    """Where predicted objects are, "H W", for models of two classes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """The counts of each image, from which all scores are computed."""

    samples: tuple[Sample, ...]
    """The pairs, in the order of the counts."""
    counts: Counts
    """Counts of each image, "N K"."""
    class_names: tuple[str, ...]
    """Names of the class ids 0, 1, ..."""
    score_at: str
    """`mask` or `network`: the size at which scores are computed."""
    instances: InstanceCounts | None = None
    """Counts of the objects of each image, if they were scored."""

    @property
    def has_foreground(self) -> bool:
        """Whether any mask pixel has a class other than 0."""
        return bool((self.counts.tp + self.counts.fn)[..., 1:].any())


def evaluate(
    predictor: Predictor,
    samples: Iterable[Sample],
    label_map: LabelMap,
    *,
    objects: ObjectTruth | None = None,
    advance: Callable[[], None] | None = None,
) -> Evaluation:
    """Scores a predictor on pairs of image and mask.

    Args:
        predictor: The predictor; its spec defines preprocessing and the size of scores.
        samples: Pairs with masks.
        label_map: The meaning of mask values.
        objects: Where the true objects are, to score instances too; the model then has two classes.
        advance: Called after each image.

    Raises:
        DataError: there is no sample, or a file cannot be used; names it.
        ConfigError: the data's classes differ from the model's.
    """
    pairs = tuple(samples)
    if not pairs:
        raise DataError("There is no image to evaluate. Choose a split with images by --split.")
    check_classes(predictor.spec.class_names, label_map.class_names)
    counts, instances = [], []
    for sample in pairs:
        pair = compare(predictor, sample, label_map)
        counts.append(count_pixels(pair.prediction, pair.truth, label_map.num_classes))
        if objects is not None:
            instances.append(compare_objects(pair, objects.load(sample)))
        if advance is not None:
            advance()
    return Evaluation(
        samples=pairs,
        counts=stack(counts),
        class_names=predictor.spec.class_names,
        score_at=predictor.spec.score_at,
        instances=stack_instances(instances) if instances else None,
    )


def compare(predictor: Predictor, sample: Sample, label_map: LabelMap) -> ImageComparison:
    """Predicts one image and compares it with the truth; for a recording, drops components too small for a signal.

    Raises:
        DataError: a file cannot be used, or does not fit the model; names it.
    """
    image, truth = load_pair(sample, label_map)
    try:
        compared = SCORE_AT[predictor.spec.score_at](predictor, image, truth)
    except DataError as error:
        raise DataError(f"{sample.image}: {error}") from error
    if sample.piece is None:
        return compared
    from lmsc_unet.signals.detection.components import without_specks  # imported here: images do not need signals

    return replace(compared, prediction=without_specks(compared.prediction))


def compare_at_mask_size(predictor: Predictor, image: NDArray[Any], truth: NDArray[np.uint8]) -> ImageComparison:
    """Compares at the mask's own size, which is what users get."""
    prediction = predictor.predict(image)
    return ImageComparison(image=image, truth=truth, prediction=prediction.mask, regions=prediction.regions)


def compare_at_network_size(predictor: Predictor, image: NDArray[Any], truth: NDArray[np.uint8]) -> ImageComparison:
    """Compares at the network's size, as in the paper: resizes the mask by the nearest pixel."""
    size_px = predictor.spec.size_px
    prediction = predictor.predict_at_network_size(image)
    return ImageComparison(
        image=resize(image, size_px, size_px),
        truth=resize_mask(truth, size_px, size_px),
        prediction=prediction.mask,
        regions=prediction.regions,
    )


def compare_objects(pair: ImageComparison, labels: ObjectLabels) -> InstanceCounts:
    """Compares the predicted objects with a label image of the true ones, resized to the size of the comparison."""
    truth = resize_mask(labels, *pair.truth.shape)
    return count_instances(label_image(pair.regions), truth, pair.truth == IGNORE)


SCORE_AT: Mapping[str, Callable[[Predictor, NDArray[Any], NDArray[np.uint8]], ImageComparison]] = MappingProxyType(
    {"mask": compare_at_mask_size, "network": compare_at_network_size}
)
"""A spec's score_at -> the comparison at that size."""


def check_classes(of_model: Sequence[str], of_data: Sequence[str]) -> None:
    """Rejects data with another number of classes.

    Raises:
        ConfigError: names both lists.
    """
    if len(of_model) != len(of_data):
        raise ConfigError(
            f"The model has the {len(of_model)} classes {', '.join(of_model)}, the data {len(of_data)}: "
            f"{', '.join(of_data)}. Evaluate on data with the model's classes."
        )
