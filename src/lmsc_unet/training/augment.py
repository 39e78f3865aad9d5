"""Random augmentation of an image together with its mask: MONAI's transforms, and some of ours.

All randomness of a crop comes from one seed, so a crop depends only on (seed, epoch, sample): not on the worker that
loads it, nor on what was loaded before.
"""

from abc import abstractmethod
from math import ceil
from typing import Any

import numpy as np
import torch
from monai.data import set_track_meta
from monai.transforms import (
    Compose,
    RandAdjustContrastd,
    RandAffined,
    RandFlipd,
    RandGaussianNoised,
    RandGaussianSmoothd,
    RandomizableTransform,
    RandScaleIntensityd,
    RandShiftIntensityd,
    SpatialPadd,
)
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from lmsc_unet.inference.preprocess import LUMA
from lmsc_unet.training.config import AugmentConfig

set_track_meta(False)

BOTH = ("image", "mask")

# Ruifrok and Johnston (2001): optical densities of haematoxylin, eosin and DAB in red, green and blue.
HED_TO_RGB = torch.tensor([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
RGB_TO_HED = torch.linalg.inv(HED_TO_RGB)
DARKEST = 1 / 255


class _RandChange(RandomizableTransform):  # type: ignore[misc]
    """Changes the image of a sample with some probability; the mask stays."""

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """The sample with its image changed, or as it is."""
        self.randomize(None)
        return data | {"image": self.change(data["image"])} if self._do_transform else data

    @abstractmethod
    def change(self, image: Tensor) -> Tensor:
        """The changed image "C H W"; its randomness comes from `self.R`."""


class RandStain(_RandChange):
    """Randomly changes the strength of each stain of a colour image "3 H W" in 0..1 (HED jitter).

    Separates the optical density by Ruifrok and Johnston's stain vectors, scales and shifts each stain, and recombines
    them (Tellez et al. 2018). Images without three channels pass unchanged.
    """

    def __init__(self, prob: float, strength: float, direction: float = 0.0) -> None:
        super().__init__(prob)
        self.strength = strength
        self.direction = direction

    def change(self, image: Tensor) -> Tensor:
        """Another strength of each stain, and another colour of it if `direction` is above 0."""
        if image.shape[0] != 3 or _is_grey(image):
            return image
        scale = torch.from_numpy(self.R.normal(1.0, self.strength, 3).astype(np.float32))
        shift = torch.from_numpy(self.R.normal(0.0, self.strength / 3, 3).astype(np.float32))
        stains = HED_TO_RGB
        if self.direction:
            stains = stains + torch.from_numpy(self.R.normal(0.0, self.direction, (3, 3)).astype(np.float32))
        return jitter_stains(image, scale, shift, stains.clamp(min=0.0))


class RandGrey(_RandChange):
    """Randomly turns a colour image "3 H W" grey: its luma in all three channels."""

    def change(self, image: Tensor) -> Tensor:
        """The luma; images without three channels pass unchanged."""
        if image.shape[0] != 3:
            return image
        return torch.einsum("chw,c->hw", image, torch.from_numpy(LUMA)).expand(3, -1, -1).clone()


class RandChannelShift(_RandChange):
    """Adds a random number to each channel of an image "C H W" in 0..1."""

    def __init__(self, prob: float, largest: float) -> None:
        super().__init__(prob)
        self.largest = largest

    def change(self, image: Tensor) -> Tensor:
        """Each channel shifted by up to `largest` in either direction."""
        return image + torch.from_numpy(
            self.R.uniform(-self.largest, self.largest, (len(image), 1, 1)).astype(np.float32)
        )


class RandInvert(_RandChange):
    """Randomly exchanges dark and bright in an image in 0..1."""

    def change(self, image: Tensor) -> Tensor:
        """Dark where it was bright."""
        return 1.0 - image


def jitter_stains(image: Tensor, scale: Tensor, shift: Tensor, hed_to_rgb: Tensor = HED_TO_RGB) -> Tensor:
    """Scales and shifts the density of each of three stains; image and result are "3 H W" in 0..1.

    The stains of the result have the colours of `hed_to_rgb`.
    """
    density = -torch.log(image.clamp(DARKEST, 1.0))
    stains = torch.einsum("chw,cs->shw", density, RGB_TO_HED)
    stains = stains * scale.view(3, 1, 1) + shift.view(3, 1, 1)
    return torch.exp(-torch.einsum("shw,sc->chw", stains, hed_to_rgb)).clamp(0.0, 1.0)


def build_transform(config: AugmentConfig, size_px: int) -> Compose:
    """The augmentation of one sample: takes a window of at most `window_side_px`, returns a crop of size_px x size_px.

    The image is "C H W" in 0..1, the mask "1 H W"; smaller windows are padded by reflection.
    """
    return Compose([*_geometric(config, size_px), *_photometric(config)])


def draw(transform: Compose, image: NDArray[np.float32], mask: NDArray[np.integer], seed: int) -> tuple[Tensor, Tensor]:
    """Applies the transform with all randomness from `seed`; returns "C H W" float32 and "H W" int64."""
    transform.set_random_state(seed=seed)
    pair = transform({"image": torch.from_numpy(image), "mask": torch.from_numpy(mask)[None].float()})
    return pair["image"].float().contiguous(), pair["mask"][0].round().long()


def random_factor(most: float, seed: int) -> float:
    """A factor between 1 / most and most, uniform in its logarithm."""
    return float(np.exp(np.random.default_rng([seed, 1]).uniform(-1, 1) * np.log(most)))


def rescaled(
    image: NDArray[np.float32], mask: NDArray[np.integer], factor: float
) -> tuple[NDArray[np.float32], NDArray[np.integer]]:
    """Image "C H W" and mask "H W" enlarged by a factor: linear without aliasing, and the nearest value."""
    size_px = [max(1, round(side * factor)) for side in mask.shape]
    pixels = interpolate(torch.from_numpy(image)[None], size_px, mode="bilinear", antialias=True)[0]
    values = interpolate(torch.from_numpy(mask)[None, None].float(), size_px, mode="nearest-exact")[0, 0]
    return pixels.numpy(), values.numpy().astype(mask.dtype)


def window_side_px(config: AugmentConfig, size_px: int) -> int:
    """Side of the window for `build_transform`: a rotated crop of size_px fits into it."""
    return ceil(size_px * 2**0.5) if config.affine_probability else size_px


def _geometric(config: AugmentConfig, size_px: int) -> list[Any]:
    side_px = window_side_px(config, size_px)
    steps: list[Any] = [SpatialPadd(BOTH, (side_px, side_px), mode="symmetric")]
    if config.affine_probability:
        affine = RandAffined(
            BOTH,
            prob=config.affine_probability,
            rotate_range=np.deg2rad(config.rotate_deg),
            scale_range=(config.zoom, config.zoom),
            mode=("bilinear", "nearest"),
            padding_mode="reflection",
            spatial_size=(size_px, size_px),
        )
        steps.append(affine)
    return steps + _flips(config)


def _flips(config: AugmentConfig) -> list[Any]:
    if not config.flip_probability:
        return []
    axes = (0, 1) if config.vertical_flip else (1,)
    return [RandFlipd(BOTH, prob=config.flip_probability, spatial_axis=axis) for axis in axes]


def _photometric(config: AugmentConfig) -> list[Any]:
    steps: list[Any] = []
    if config.stain_probability:
        steps.append(RandStain(config.stain_probability, config.stain_strength, config.stain_direction))
    if config.grey_probability:
        steps.append(RandGrey(config.grey_probability))
    if config.channel_shift:
        steps.append(RandChannelShift(1.0, config.channel_shift))
    if config.invert_probability:
        steps.append(RandInvert(config.invert_probability))
    probability = config.intensity_probability
    if probability:
        steps += [
            RandAdjustContrastd(("image",), prob=probability, gamma=(0.6, 1.6)),
            RandScaleIntensityd(("image",), factors=0.25, prob=probability),
            RandShiftIntensityd(("image",), offsets=0.1, prob=probability),
            RandGaussianNoised(("image",), std=0.05, prob=probability / 2),
            RandGaussianSmoothd(("image",), sigma_x=(0.3, 1.2), sigma_y=(0.3, 1.2), prob=probability / 2),
        ]
    return steps


def _is_grey(image: Tensor) -> bool:
    return bool((image[0] == image[1]).all() and (image[1] == image[2]).all())
