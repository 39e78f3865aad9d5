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
from lmsc_unet.images import RowSource, resize, resized, resized_blocks
from lmsc_unet.prediction.bands import stream
from lmsc_unet.prediction.network import Network, activate
from lmsc_unet.prediction.scaling import Limits, limits_of, prepare, standardise
from lmsc_unet.prediction.spec import ModelSpec
from lmsc_unet.prediction.tiling import Tiling


class Treatment(Protocol):
    """Turns an image of any size into probabilities."""

    def bands(self, source: RowSource, limits: Limits | None) -> Iterator[NDArray[np.float32]]:
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

    def bands(self, source: RowSource, limits: Limits | None) -> Iterator[NDArray[np.float32]]:
        """Probabilities "L rows W" from top to bottom; without limits, the image is read once before to find them."""
        found = limits or limits_of(source, self.spec)

        def infer(windows: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
            return infer_probability(
                self.network, self.spec, np.stack([standardise(w, found, self.spec) for w in windows])
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

    def bands(self, source: RowSource, limits: Limits | None) -> Iterator[NDArray[np.float32]]:
        """Probabilities "L rows W" from top to bottom; without limits, those of the resized image are found."""
        before_px = (source.height_px, source.width_px)
        small_px = scaled_px(source.height_px, source.width_px, self.scale)
        return _resized_bands(self.tiled.bands(resized(source, *small_px), limits), small_px, before_px)


def rescale(image: NDArray[Any], scale: float) -> NDArray[Any]:
    """An image "H W C" with both sides times `scale`, rounded, at least 1 px."""
    return resize(image, *scaled_px(image.shape[0], image.shape[1], scale))


def scaled_px(height_px: int, width_px: int, scale: float) -> tuple[int, int]:
    """Both sides times `scale`, rounded, at least 1 px."""
    return max(1, round(height_px * scale)), max(1, round(width_px * scale))


def as_sized(image: NDArray[Any], spec: ModelSpec) -> NDArray[Any]:
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

    def bands(self, source: RowSource, _limits: Limits | None = None) -> Iterator[NDArray[np.float32]]:
        """Probabilities "L rows W" from top to bottom, by the limits of the resized image, as in training."""
        size_px = (self.spec.size_px, self.spec.size_px)
        small = np.concatenate(list(resized(source, *size_px).blocks()))
        before_px = (source.height_px, source.width_px)
        return _resized_bands(iter([self.at_network_size(small)]), size_px, before_px)

    def at_network_size(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Probabilities "L size size" of an image "H W C"."""
        pixels = prepare_resized(image, self.spec)
        return np.asarray(infer_probability(self.network, self.spec, pixels[np.newaxis])[0])


def prepare_resized(image: NDArray[Any], spec: ModelSpec) -> NDArray[np.float32]:
    """An image "H W C" as a network under `resize` sees it, "C size size": resized first, then scaled.

    Raises:
        DataError: the channels do not fit the model, or a value is not finite.
    """
    return prepare(resize(image, spec.size_px, spec.size_px), spec)


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


def make_tiled(network: Network, spec: ModelSpec, tile_px: int, batch: int) -> Treatment:
    """Tiles that fit the spec's grid and margin."""
    tiling = Tiling(tile_px=tile_px, multiple_px=spec.side_multiple_px, margin_px=spec.margin_px)
    tiled = Tiled(network=network, spec=spec, tiling=tiling, batch=batch)
    return tiled if spec.scale == 1 else Rescaled(tiled=tiled, scale=spec.scale)


def make_resized(network: Network, spec: ModelSpec, _tile_px: int, _batch: int) -> Treatment:
    """The whole image at once; tiles and batches do not apply."""
    return Resized(network=network, spec=spec)


TREATMENTS: Mapping[str, Callable[[Network, ModelSpec, int, int], Treatment]] = MappingProxyType(
    {"tiles": make_tiled, "resize": make_resized}
)
"""A spec's treatment -> what makes it from the network, the spec, tile_px and batch."""
