"""Samples as tensors: random crops for training, whole images or tiles for validation.

A key combines epoch and position in one number, and a sample depends only on it and the config's seed: a resumed
training draws the same crops again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from lmsc_unet.datasets.labels import LabelMap
from lmsc_unet.datasets.load import load_pair
from lmsc_unet.datasets.sample import Sample
from lmsc_unet.imageio import resize_mask
from lmsc_unet.inference.modes import resize_to_spec
from lmsc_unet.inference.preprocess import IntensityWindow, find_limits, normalize
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.metrics.counts import IGNORE
from lmsc_unet.training.augment import build_transform, draw, random_factor, rescaled, window_side_px
from lmsc_unet.training.config import TrainConfig
from lmsc_unet.training.objects import UNKNOWN, contour_targets, load_objects

VALIDATION_TILE_PX = 1024


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A cached sample: a decoded pair and the intensity window of its whole image."""

    image: NDArray[np.generic]
    """Pixels "H W C" at their native depth."""
    mask: NDArray[np.uint8]
    """Class ids "H W"."""
    limits: IntensityWindow
    """The values that become 0 and 1."""
    objects: NDArray[np.int32] | None = None
    """The objects "H W" of `load_objects`, if contours are learnt."""

    @property
    def labels(self) -> NDArray[np.integer]:
        """What is augmented together with the image: objects if there are any, otherwise class ids."""
        return self.mask if self.objects is None else self.objects

    @property
    def nbytes(self) -> int:
        """Its memory in bytes."""
        return self.image.nbytes + self.mask.nbytes + (self.objects.nbytes if self.objects is not None else 0)


class DecodedSamples:
    """Decodes each pair once and caches it, up to `budget_mib` of memory; the rest is decoded again each time.

    Cached pairs are already resized to the network's scale.
    """

    def __init__(self, samples: Sequence[Sample], label_map: LabelMap, spec: ModelSpec, budget_mib: int = 4096) -> None:
        self.samples = samples
        self.label_map = label_map
        self.spec = spec
        self._left_bytes = budget_mib * 2**20
        self._kept: dict[int, Decoded] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Decoded:
        if index in self._kept:
            return self._kept[index]
        decoded = self._decode(self.samples[index])
        if decoded.nbytes <= self._left_bytes:
            self._left_bytes -= decoded.nbytes
            self._kept[index] = decoded
        return decoded

    def decode_all(self) -> None:
        """Decodes everything now: loader processes share the cache, and a bad file stops the main process too."""
        for index in range(len(self)):
            self[index]

    def _decode(self, sample: Sample) -> Decoded:
        image, mask = load_pair(sample, self.label_map)
        image = resize_to_spec(image, self.spec)
        if image.shape[:2] != mask.shape:
            mask = resize_mask(mask, *image.shape[:2])
        objects = None
        if self.spec.contour and sample.mask is not None:
            objects = resize_mask(load_objects(sample, self.label_map), *image.shape[:2])
            objects[mask == IGNORE] = UNKNOWN
        return Decoded(image=image, mask=mask, limits=find_limits(image, self.spec), objects=objects)


class Crops(Dataset[tuple[Tensor, Tensor]]):
    """Augmented training crops; a key is `epoch * length + position`."""

    def __init__(self, decoded: DecodedSamples, config: TrainConfig) -> None:
        self.decoded = decoded
        self.seed = config.seed
        repeats = [sample.repeats for sample in decoded.samples]
        self._order = np.repeat(np.arange(len(decoded)), repeats).tolist()
        self.length = len(self._order) * config.augment.crops_per_image
        self._scale_jitter = config.augment.scale_jitter
        self._unit_spec = replace(decoded.spec, mean=(0.0,), std=(1.0,))
        self._mean, self._std = _column(decoded.spec.mean), _column(decoded.spec.std)
        self._transform = build_transform(config.augment, config.size_px)
        self._window_px = window_side_px(config.augment, config.size_px)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: int) -> tuple[Tensor, Tensor]:
        """The normalized crop "C H W" and its class ids "H W"; with contours, their targets "2 H W"."""
        pair = self.decoded[self._order[key % self.length % len(self._order)]]
        seed = _mixed_seed(self.seed, key)
        factor = random_factor(self._scale_jitter, seed)
        window = _random_window(pair.mask.shape, round(self._window_px / factor), seed)
        unit, labels = normalize(pair.image[window], pair.limits, self._unit_spec), pair.labels[window]
        if factor != 1:
            unit, labels = rescaled(unit, labels, factor)
        image, truth = draw(self._transform, unit, labels, seed)
        return (image - self._mean) / self._std, truth if pair.objects is None else contour_targets(truth)


class WholeImages(Dataset[tuple[Tensor, Tensor, int]]):
    """Validation images as in prediction; images with a side over 1024 px are cut into tiles."""

    def __init__(self, decoded: DecodedSamples) -> None:
        self.decoded = decoded
        self._windows = [window for index in range(len(decoded)) for window in _windows(index, decoded[index].mask)]

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, key: int) -> tuple[Tensor, Tensor, int]:
        """The image "C H W" and its targets as `Crops` gives them, padded to the network's multiple; its number."""
        index, top, left = self._windows[key]
        pair = self.decoded[index]
        window = np.s_[top : top + VALIDATION_TILE_PX, left : left + VALIDATION_TILE_PX]
        image = normalize(pair.image[window], pair.limits, self.decoded.spec)
        missing = IGNORE if pair.objects is None else UNKNOWN
        padded, truth = _pad(image, pair.labels[window], self.decoded.spec.side_multiple_px, missing)
        return padded, truth if pair.objects is None else contour_targets(truth), index


class EpochOrder(Sampler[int]):
    """A new order for each epoch, from (seed, epoch) alone; each of `num_ranks` processes takes its share.

    The epoch, and how many of its samples are done, are queried when an order begins: a loader with workers starts
    before Lightning knows the epoch.
    """

    def __init__(
        self,
        length: int,
        seed: int,
        epoch: Callable[[], int],
        num_done: Callable[[], int] = lambda: 0,
        *,
        rank: int = 0,
        num_ranks: int = 1,
    ) -> None:
        self.length, self.seed, self.rank, self.num_ranks = length, seed, rank, num_ranks
        self.epoch, self.num_done = epoch, num_done

    def __len__(self) -> int:
        return self.length // self.num_ranks

    def __iter__(self) -> Iterator[int]:
        epoch = self.epoch()
        order = np.random.default_rng([self.seed, epoch]).permutation(self.length)
        mine = order[self.rank :: self.num_ranks][: len(self)]
        return iter((epoch * self.length + mine[self.num_done() :]).tolist())


def _random_window(shape: tuple[int, ...], side_px: int, seed: int) -> tuple[slice, slice]:
    rng = np.random.default_rng(seed)
    top, left = (int(rng.integers(max(side - side_px, 0) + 1)) for side in shape)
    return np.s_[top : top + side_px, left : left + side_px]


def _windows(index: int, mask: NDArray[np.uint8]) -> Iterator[tuple[int, int, int]]:
    for top in range(0, mask.shape[0], VALIDATION_TILE_PX):
        for left in range(0, mask.shape[1], VALIDATION_TILE_PX):
            yield index, top, left


def _pad(
    image: NDArray[np.float32], labels: NDArray[np.integer], multiple_px: int, missing: int
) -> tuple[Tensor, Tensor]:
    """Pads right and bottom by reflection; the padding's labels are `missing`, without loss and score."""
    below, right = -image.shape[1] % multiple_px, -image.shape[2] % multiple_px
    padded = np.pad(image, ((0, 0), (0, below), (0, right)), mode="symmetric")
    values = np.pad(labels, ((0, below), (0, right)), constant_values=missing)
    return torch.from_numpy(padded), torch.from_numpy(values).long()


def _column(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1)


def _mixed_seed(seed: int, key: int) -> int:
    """Hashes both numbers to one seed of 32 bits, so that neighbouring keys have unrelated seeds."""
    return int(np.random.SeedSequence([seed, key]).generate_state(1)[0])
