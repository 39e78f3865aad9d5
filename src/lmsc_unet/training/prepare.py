"""Prepares a training from a data folder and a config: samples, labels, spec and scale."""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.catalog import ModelConfig, halo_px, receptive_field_radius_px, side_multiple_px
from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.groups import check_groups
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.load import find_label_map, label_map_of, load_mask, summarise_masks
from lmsc_unet.datasets.mask_summary import check_learnable
from lmsc_unet.datasets.remarks import band_note, dataset_remarks
from lmsc_unet.datasets.sample import Dataset, Sample
from lmsc_unet.datasets.splits import Fold, check_no_leak, given_split, holdout, kfold
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.imageio import read_info
from lmsc_unet.inference.spec import ModelSpec, Scaling
from lmsc_unet.metrics.counts import IGNORE
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.load_model import network_config
from lmsc_unet.training.process import is_leader

MAX_MASKS = 200
"""The width is measured on about this many masks, evenly spaced."""


def typical_width_px(samples: Sequence[Sample], label_map: LabelMap) -> float:
    """The width of a typical object: the median over foreground pixels of their object's width.

    An object is a connected component, its width the diameter of its largest inscribed circle, so a row of touching
    nuclei is as wide as one. 0 if no mask has foreground.
    """
    masks = [sample.mask for sample in samples if sample.mask is not None]
    chosen = masks[:: max(1, len(masks) // MAX_MASKS)]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = list(pool.map(lambda path: _widths_px(load_mask(path, label_map)), chosen))
    widths_px, areas_px = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if not widths_px.size:
        return 0.0
    order = np.argsort(widths_px)
    middle = np.searchsorted(np.cumsum(areas_px[order]), areas_px.sum() / 2)
    return float(widths_px[order][middle])


def _widths_px(mask: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Width and area of each connected component of the foreground."""
    import cv2  # only training needs it, and it is as large as everything else that runs models

    foreground = ((mask > 0) & (mask != IGNORE)).astype(np.uint8)
    number, labels, stats, _ = cv2.connectedComponentsWithStats(foreground, connectivity=8)
    inside_px = np.zeros(number)
    np.maximum.at(inside_px, labels.ravel(), cv2.distanceTransform(foreground, cv2.DIST_L2, 5).ravel())
    return 2 * inside_px[1:], stats[1:, cv2.CC_STAT_AREA].astype(np.float64)


WIDE_PX, WIDE_SHARE = 30.0, 30 / 37
"""Objects at least so wide, and as wide as this share of the receptive-field radius, are trained and predicted at half
scale: 30 px for LMSC-UNet."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Everything known before the first step."""

    folds: tuple[Fold, ...]
    """Training and validation samples: each fold of a cross-validation, or the only split."""
    label_map: LabelMap
    """The meaning of mask values."""
    spec: ModelSpec
    """How the model's input is made."""


def prepare_data(data: Path, config: TrainConfig) -> Prepared:
    """Finds samples, labels, channels and split; rejects data that cannot be trained on.

    Raises:
        DataError: no pairs, a mask without image, differing channels, an image in both splits, ...
        ConfigError: the settings contradict the data.
    """
    dataset = find_dataset(data, config.data, pieces=config.recordings)
    options = config.data.with_names(dataset.class_names)
    masks = summarise_masks(dataset.samples, options)
    label_map = label_map_of(masks, options) if masks else find_label_map(dataset.samples, options)
    folds = _folds(dataset.samples, config)
    for remark in dataset_remarks(dataset) if is_leader() else ():
        print(f"lmsc: note: {remark}", file=sys.stderr)
    for fold in folds:
        check_no_leak(fold.train, fold.val)
        _check_enough(fold, config)
        if masks:
            trained = [masks[sample.mask] for sample in fold.train if sample.mask is not None]
            check_learnable(label_map, trained, f"{data}: the {len(trained)} training masks")
    return Prepared(folds=folds, label_map=label_map, spec=_spec(dataset, label_map, config))


def _folds(samples: Sequence[Sample], config: TrainConfig) -> tuple[Fold, ...]:
    if config.folds:
        check_groups(samples)
        folds = kfold([sample for sample in samples if sample.split != "test"], config.folds)
        return tuple(fold for fold in folds if config.fold in (0, fold.number))
    return (given_split(samples) or holdout(samples, config.data.val_share, config.seed),)


def _check_enough(fold: Fold, config: TrainConfig) -> None:
    num_crops = sum(sample.repeats for sample in fold.train) * config.augment.crops_per_image
    if num_crops < config.devices:
        raise DataError(
            f"{len(fold.train)} training images give {num_crops} crops per epoch, too few for {config.devices} "
            "devices. Use fewer devices, or more crops by --augment.crops-per-image."
        )


def _spec(dataset: Dataset, label_map: LabelMap, config: TrainConfig) -> ModelSpec:
    options = config.input
    num_logits = 1 if label_map.num_classes == 2 else label_map.num_classes
    channels = options.channels or _channels(dataset.samples)
    if config.data.instances and dataset.spectrogram is not None:
        raise ConfigError(
            "--instances separates objects of images; the boxes of recordings are separate. Leave it out."
        )
    network = network_config(config, channels, num_logits + config.data.instances)
    multiple_px = side_multiple_px(network)
    if config.size_px % multiple_px:
        raise ConfigError(
            f"size_px is {config.size_px}; {config.model} takes multiples of {multiple_px}. "
            f"Use {-(-config.size_px // multiple_px) * multiple_px}."
        )
    return ModelSpec(
        name=config.model,
        input_channels=channels,
        class_names=label_map.class_names,
        num_logits=num_logits,
        contour=config.data.instances,
        treatment=options.treatment,
        size_px=config.size_px,
        scale=_scale(dataset, label_map, config, _wide_px(network)),
        scaling=_scaling(dataset.samples, channels) if options.scaling == "auto" else options.scaling,
        mean=options.mean,
        std=options.std,
        score_at="network" if config.recipe == "paper" and options.treatment == "resize" else "mask",
        side_multiple_px=multiple_px,
        margin_px=halo_px(network),
        spectrogram=dataset.spectrogram,
    )


def _channels(samples: Sequence[Sample]) -> int:
    """The common channel count of all images; grey images among colour images are repeated to three."""
    infos = {sample.image: read_info(sample.image) for sample in samples if not sample.piece}
    found = {info.channels: path for path, info in infos.items()} or {1: samples[0].image}
    kept = [path for path, info in infos.items() if info.keeps_alpha]
    if kept and is_leader():
        print(f"lmsc: {band_note(kept)}", file=sys.stderr)
    if set(found) == {1, 3}:
        return 3
    if len(found) > 1:
        listed = ", ".join(f"{number} in {path}" for number, path in sorted(found.items()))
        raise DataError(f"The images differ in their number of channels ({listed}). Use images of one kind.")
    return next(iter(found))


def _scaling(samples: Sequence[Sample], channels: int) -> Scaling:
    """Channels of colour images are scaled together; independent channels each by themselves."""
    if channels == 1:
        return "percentile"
    are_colours = channels == 3 and not all(read_info(sample.image).are_separate for sample in samples)
    return "percentile" if are_colours else "per-channel"


def _wide_px(network: ModelConfig) -> float:
    return max(WIDE_PX, WIDE_SHARE * receptive_field_radius_px(network))


def _scale(dataset: Dataset, label_map: LabelMap, config: TrainConfig, wide_px: float) -> float:
    """The configured scale, or one at which a typical object fits the receptive field."""
    if config.input.treatment == "resize" or dataset.spectrogram is not None:
        return 1.0
    if config.input.scale:
        return config.input.scale
    return 0.5 if typical_width_px(dataset.samples, label_map) >= wide_px else 1.0
