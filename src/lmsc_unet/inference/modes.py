"""The inference modes: how a whole image passes through a network of limited size.

Each yields probabilities "L rows W" (L outputs) in row strips from top to bottom; `TREATMENTS` maps the spec's word.
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
        """The intensity window of a whole image at its inference scale; reads the image once or not at all."""

    def bands(self, source: RowSource, limits: IntensityWindow) -> Iterator[NDArray[np.float32]]:
        """Probabilities "L rows W" from top to bottom."""


@dataclass(frozen=True, kw_only=True)
class Tiled:
    """Sliding window at native scale: overlapping tiles with blending; a small image is one tile."""

    network: Network
    """From preprocessed pixels to logits."""
    spec: ModelSpec
    """How the network's input is made."""
    tiling: Tiling
    """The tiling of sides."""
    batch: int
    """Tiles per network call."""

    def find_limits(self, source: RowSource) -> IntensityWindow:
        """The intensity window of the image."""
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
    """Sliding window over an image resized by a factor; its probabilities are resized back."""

    tiled: Tiled
    """The mode for the resized image."""
    scale: float
    """The resize factor."""

    def find_limits(self, source: RowSource) -> IntensityWindow:
        """The intensity window of the resized image."""
        return self.tiled.find_limits(resized(source, *self._small_px(source)))

    def bands(self, source: RowSource, limits: IntensityWindow) -> Iterator[NDArray[np.float32]]:
        """Probabilities "L rows W" from top to bottom."""
        before_px, small_px = (source.height_px, source.width_px), self._small_px(source)
        return _resized_bands(self.tiled.bands(resized(source, *small_px), limits), small_px, before_px)

    def _small_px(self, source: RowSource) -> tuple[int, int]:
        return scaled_px(source.height_px, source.width_px, self.scale)


def rescale(image: NDArray[Any], scale: float) -> NDArray[Any]:
    """An image "H W C" with both sides multiplied by `scale`, rounded, at least 1 px."""
    return resize(image, *scaled_px(image.shape[0], image.shape[1], scale))


def scaled_px(height_px: int, width_px: int, scale: float) -> tuple[int, int]:
    """Both sides multiplied by `scale`, rounded, at least 1 px."""
    return max(1, round(height_px * scale)), max(1, round(width_px * scale))


def resize_to_spec(image: NDArray[Any], spec: ModelSpec) -> NDArray[Any]:
    """Resizes an image "H W C" to the spec's inference size, before it is cut into tiles."""
    if spec.treatment == "resize":
        return resize(image, spec.size_px, spec.size_px)
    return image if spec.scale == 1 else rescale(image, spec.scale)


def _resized_bands(
    bands: Iterator[NDArray[np.float32]], before_px: tuple[int, int], after_px: tuple[int, int]
) -> Iterator[NDArray[np.float32]]:
    """Resizes row strips "L rows W" of probabilities from one (height, width) to another."""
    if before_px == after_px:
        yield from bands
        return
    for block in resized_blocks((np.moveaxis(band, 0, 2) for band in bands), before_px, after_px):
        yield np.moveaxis(block, 2, 0)


@dataclass(frozen=True, kw_only=True)
class Resized:
    """The paper's mode: the whole image at the network's input size, probabilities resized back."""

    network: Network
    """From preprocessed pixels to logits."""
    spec: ModelSpec
    """How the network's input is made."""

    def find_limits(self, source: RowSource) -> IntensityWindow:
        """The intensity window of the resized image, as in training."""
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
    """Probabilities "B L h w" (L outputs) of preprocessed pixels "B C h w".

    Raises:
        ModelError: the logits do not match the spec, or are not finite.
    """
    logits = network(pixels)
    expected = (pixels.shape[0], spec.num_outputs, *pixels.shape[2:])
    if logits.shape != expected:
        raise ModelError(
            f"{spec.name} gives logits of shape {logits.shape} where its spec says {expected}. "
            "The network and the spec are not of one model."
        )
    if not np.isfinite(logits).all():
        raise ModelError(f"{spec.name} gives logits that are not finite. Its weights are damaged, or have diverged.")
    return activate(logits, spec.num_logits)


def make_tiled(network: Network, spec: ModelSpec, tile_px: int, batch: int) -> InferenceMode:
    """A sliding window with the spec's grid and margin."""
    tiling = Tiling(tile_px=tile_px, multiple_px=spec.side_multiple_px, margin_px=spec.margin_px)
    tiled = Tiled(network=network, spec=spec, tiling=tiling, batch=batch)
    return tiled if spec.scale == 1 else Rescaled(tiled=tiled, scale=spec.scale)


def make_resized(network: Network, spec: ModelSpec, _tile_px: int, _batch: int) -> InferenceMode:
    """The whole image at once, without tiles or batches."""
    return Resized(network=network, spec=spec)


TREATMENTS: Mapping[str, Callable[[Network, ModelSpec, int, int], InferenceMode]] = MappingProxyType(
    {"tiles": make_tiled, "resize": make_resized}
)
"""A spec's treatment -> its mode, made from the network, the spec, tile_px and batch."""
