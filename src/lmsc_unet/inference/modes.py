"""The two ways in which a whole image passes through a network of limited size.

Each gives probabilities "L rows W" (L logits) in bands from top to bottom; `TREATMENTS` finds it by the spec's word.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.errors import ModelError
from lmsc_unet.imageio import RowSource, resize, resized, resized_blocks
from lmsc_unet.inference.outputs import Network, activate
from lmsc_unet.inference.preprocess import IntensityWindow, limits_of, normalize
from lmsc_unet.inference.sliding_window import Tiling, stream
from lmsc_unet.inference.spec import ModelSpec


class InferenceMode(Protocol):
    """Turns an image of any size into probabilities."""

    def find_limits(self, source: RowSource) -> IntensityWindow:
        """The limits of a whole image, at the size at which it is scaled; reads it once, or not at all."""

    def bands(self, source: RowSource, limits: IntensityWindow) -> Iterator[NDArray[np.float32]]:
        """Probabilities "L rows W" from top to bottom."""


@dataclass(frozen=True, kw_only=True)
class Tiled:
    """At native scale: overlapping tiles that fade into each other; an image that fits in one tile is one."""

    network: Network
    """From prepared pixels to logits."""
    spec: ModelSpec
    """How the network wants its images."""
    tiling: Tiling
    """How sides are cut."""
    batch: int
    """Tiles that go through the network at once."""

    def find_limits(self, source: RowSource) -> IntensityWindow:
        """The limits of the image."""
        return limits_of(source, self.spec)

    def bands(self, source: RowSource, limits: IntensityWindow) -> Iterator[NDArray[np.float32]]:
        """Probabilities "L rows W" from top to bottom."""

        def infer(windows: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
            return infer_probability(
                self.network, self.spec, np.stack([normalize(w, limits, self.spec) for w in windows])
            )

        rows, columns = self.tiling.side(source.height_px), self.tiling.side(source.width_px)
        return stream(source.rolling().window, rows, columns, infer, self.batch)


@dataclass(frozen=True, kw_only=True)
class Rescaled:
    """Tiles of an image that was resized by a factor, their probabilities resized back to the image's own sides."""

    tiled: Tiled
    """Treats the resized image."""
    scale: float
    """Resized sides over the image's own."""

    def find_limits(self, source: RowSource) -> IntensityWindow:
        """The limits of the resized image."""
        return self.tiled.find_limits(resized(source, *self._small_px(source)))

    def bands(self, source: RowSource, limits: IntensityWindow) -> Iterator[NDArray[np.float32]]:
        """Probabilities "L rows W" from top to bottom."""
        before_px, small_px = (source.height_px, source.width_px), self._small_px(source)
        return _resized_bands(self.tiled.bands(resized(source, *small_px), limits), small_px, before_px)

    def _small_px(self, source: RowSource) -> tuple[int, int]:
        return scaled_px(source.height_px, source.width_px, self.scale)


def rescale(image: NDArray[Any], scale: float) -> NDArray[Any]:
    """An image "H W C" with both sides times `scale`, rounded, at least 1 px."""
    return resize(image, *scaled_px(image.shape[0], image.shape[1], scale))


def scaled_px(height_px: int, width_px: int, scale: float) -> tuple[int, int]:
    """Both sides times `scale`, rounded, at least 1 px."""
    return max(1, round(height_px * scale)), max(1, round(width_px * scale))


def resize_to_spec(image: NDArray[Any], spec: ModelSpec) -> NDArray[Any]:
    """An image "H W C" at the size at which the spec's treatment puts it before the network, or cuts it up."""
    if spec.treatment == "resize":
        return resize(image, spec.size_px, spec.size_px)
    return image if spec.scale == 1 else rescale(image, spec.scale)


def _resized_bands(
    bands: Iterator[NDArray[np.float32]], before_px: tuple[int, int], after_px: tuple[int, int]
) -> Iterator[NDArray[np.float32]]:
    """Bands "L rows W" of probabilities at one size (height, width) as bands at another."""
    if before_px == after_px:
        yield from bands
        return
    for block in resized_blocks((np.moveaxis(band, 0, 2) for band in bands), before_px, after_px):
        yield np.moveaxis(block, 2, 0)


@dataclass(frozen=True, kw_only=True)
class Resized:
    """As in the paper: the whole image at the network's own size, its probabilities resized back."""

    network: Network
    """From prepared pixels to logits."""
    spec: ModelSpec
    """How the network wants its images."""

    def find_limits(self, source: RowSource) -> IntensityWindow:
        """The limits of the resized image, as in training."""
        return limits_of(resized(source, *self._size_px), self.spec)

    def bands(self, source: RowSource, limits: IntensityWindow) -> Iterator[NDArray[np.float32]]:
        """Probabilities "L rows W" from top to bottom."""
        small = np.concatenate(list(resized(source, *self._size_px).blocks()))
        before_px = (source.height_px, source.width_px)
        return _resized_bands(iter([self.infer(small, limits)]), self._size_px, before_px)

    def infer(self, small: NDArray[Any], limits: IntensityWindow) -> NDArray[np.float32]:
        """Probabilities "L size size" of the resized image "size size C"."""
        pixels = normalize(small, limits, self.spec)
        return np.asarray(infer_probability(self.network, self.spec, pixels[np.newaxis])[0])

    @property
    def _size_px(self) -> tuple[int, int]:
        return self.spec.size_px, self.spec.size_px


def infer_probability(network: Network, spec: ModelSpec, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities "B L h w" of prepared pixels "B C h w".

    Raises:
        ModelError: the network gives other logits than its spec says, or some that are not finite.
    """
    logits = network(pixels)
    expected = (pixels.shape[0], spec.num_logits, *pixels.shape[2:])
    if logits.shape != expected:
        raise ModelError(
            f"{spec.name} gives logits of shape {logits.shape} where its spec says {expected}. "
            "The network and the spec are not of one model."
        )
    if not np.isfinite(logits).all():
        raise ModelError(f"{spec.name} gives logits that are not finite. Its weights are damaged, or have diverged.")
    return activate(logits)


def make_tiled(network: Network, spec: ModelSpec, tile_px: int, batch: int) -> InferenceMode:
    """Tiles that fit the spec's grid and margin."""
    tiling = Tiling(tile_px=tile_px, multiple_px=spec.side_multiple_px, margin_px=spec.margin_px)
    tiled = Tiled(network=network, spec=spec, tiling=tiling, batch=batch)
    return tiled if spec.scale == 1 else Rescaled(tiled=tiled, scale=spec.scale)


def make_resized(network: Network, spec: ModelSpec, _tile_px: int, _batch: int) -> InferenceMode:
    """The whole image at once; tiles and batches do not apply."""
    return Resized(network=network, spec=spec)


TREATMENTS: Mapping[str, Callable[[Network, ModelSpec, int, int], InferenceMode]] = MappingProxyType(
    {"tiles": make_tiled, "resize": make_resized}
)
"""A spec's treatment -> what makes it from the network, the spec, tile_px and batch."""
