"""The images for calibration and comparison: real ones, preprocessed as in prediction.

Also measures how far the network's statistics on them differ from training (domain shift).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lmsc_unet.apps.segment.opening import find_items
from lmsc_unet.datasets.folder import find_dataset
from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.layouts import recognise
from lmsc_unet.datasets.load import find_label_map, load_picture
from lmsc_unet.datasets.options import DataOptions
from lmsc_unet.datasets.sample import Dataset, Sample, of_split
from lmsc_unet.datasets.sigmf_folder import has_recordings
from lmsc_unet.errors import DataError
from lmsc_unet.inference.modes import resize_to_spec
from lmsc_unet.inference.preprocess import find_limits, normalize
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.training.load_model import TrainedRun

Pixels = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A data folder with the run's split."""

    root: Path
    """The folder."""
    train: tuple[Sample, ...]
    """The run's training images; all images if unknown."""
    held_out: tuple[Sample, ...]
    """Images not used for training: validation, or else test, or else all."""
    is_held_out: bool
    """Whether the run's training images are known."""
    label_map: LabelMap
    """The meaning of mask values."""


def find_parts(root: Path, source: TrainedRun) -> Parts:
    """Finds pairs of images and masks and splits them by the run's split.csv, or by the folder's own split.

    Raises:
        DataError: the folder has no pairs.
        ConfigError: the data has too many classes.
    """
    options = source.data_options.with_names(source.spec.class_names)
    dataset = _as_the_run_split(root, options, source)
    train = of_split(dataset.samples, "train")
    held_out = of_split(dataset.samples, "val") or of_split(dataset.samples, "test")
    return Parts(
        root=root,
        train=train or dataset.samples,
        held_out=held_out or dataset.samples,
        is_held_out=bool(held_out),
        label_map=find_label_map(dataset.samples, options),
    )


def _as_the_run_split(root: Path, options: DataOptions, source: TrainedRun) -> Dataset:
    """Applies the run's own split if the data is the run's and defines none; recordings are split at random before."""
    dataset = find_dataset(root, options, pieces=source.pieces)
    is_given = dataset.layout != "sigmf" and any(sample.split for sample in dataset.samples)
    if source.split_file is None or is_given:
        return dataset
    try:
        return find_dataset(root, replace(options, split_file=source.split_file, group=""), pieces=source.pieces)
    except DataError:  # other images than the run's
        return dataset


def find_images(root: Path, source: TrainedRun) -> list[Sample]:
    """The calibration images: a data folder's training images, or all images of a plain folder.

    Raises:
        DataError: there are none.
    """
    if is_data_folder(root, source):
        return list(find_parts(root, source).train)
    return [Sample(name=item.name, image=item.path) for item in find_items([root], root / "no-results-here")]


def is_data_folder(root: Path, source: TrainedRun) -> bool:
    """Whether a folder has images and masks in any known layout, or recordings for such a model."""
    try:
        recognised = recognise(root, source.data_options)
    except DataError:  # a faulty dataset; finding its pairs will report the fault
        return True
    if recognised is None:
        return source.spec.spectrogram is not None and has_recordings(root)
    return any(sample.mask for sample in recognised.found.samples)


def draw_crops(images: Sequence[Sample], spec: ModelSpec, number: int, seed: int = 19) -> list[Pixels]:
    """Crops "1 C h w" of `size_px`, distributed over the images, scaled by the whole image's window.

    Under `resize` they are whole images. An image smaller than a crop is padded to the network's multiple.

    Raises:
        DataError: an image cannot be read, or its channels do not fit the model; names the file.
    """
    rng = np.random.default_rng(seed)
    chosen = [images[place] for place in np.linspace(0, len(images) - 1, min(number, len(images))).astype(int)]
    return [_crop(chosen[index % len(chosen)], spec, rng) for index in range(number)]


def _crop(sample: Sample, spec: ModelSpec, rng: np.random.Generator) -> Pixels:
    image = resize_to_spec(load_picture(sample), spec)
    try:
        limits = find_limits(image, spec)
        top, left = (int(rng.integers(max(side - spec.size_px, 0) + 1)) for side in image.shape[:2])
        window = image[top : top + spec.size_px, left : left + spec.size_px]
        return _padded(normalize(window, limits, spec), spec.side_multiple_px)[np.newaxis]
    except DataError as error:
        raise DataError(f"{sample.image}: {error}") from error


def _padded(pixels: Pixels, multiple_px: int) -> Pixels:
    below, right = -pixels.shape[1] % multiple_px, -pixels.shape[2] % multiple_px
    return np.pad(pixels, ((0, 0), (0, below), (0, right)), mode="symmetric")


LARGE_SHIFT = 0.6
"""A larger domain shift triggers a warning."""


def domain_shift(network: nn.Module, crops: Sequence[Pixels]) -> float:
    """The mean over all channels of |mean - mean in training| / deviation in training."""
    sums: dict[nn.BatchNorm2d, tuple[Tensor, int]] = {}

    def listen(norm: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        summed, number = sums.get(norm, (torch.zeros(norm.num_features, dtype=torch.float64), 0))
        sums[norm] = summed + inputs[0].double().sum((0, 2, 3)).cpu(), number + inputs[0][:, 0].numel()

    hooks = [layer.register_forward_hook(listen) for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    try:
        with torch.inference_mode():
            for pixels in crops:
                network(torch.from_numpy(pixels).to(next(network.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
    return float(torch.cat([_from_training(norm, summed / number) for norm, (summed, number) in sums.items()]).mean())


def _from_training(norm: nn.BatchNorm2d, mean: Tensor) -> Tensor:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return (mean - norm.running_mean.cpu()).abs() / (norm.running_var.cpu() + norm.eps).sqrt()
