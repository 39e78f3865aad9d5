"""From an image to a mask: `Predictor.load(model).predict(image)`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.ranges import check_number
from lmsc_unet.errors import ConfigError, DataError
from lmsc_unet.imageio import RowSource, as_source, mark_missing, missing_pixels, plain_values, resize
from lmsc_unet.imageio.nodata import Watch, mark_rows
from lmsc_unet.inference.instances import Regions, check_two_classes, regions_of
from lmsc_unet.inference.label_rows import label_image
from lmsc_unet.inference.loading import load
from lmsc_unet.inference.modes import TREATMENTS, Resized
from lmsc_unet.inference.outputs import Network, to_classes
from lmsc_unet.inference.preprocess import IntensityWindow, check_finite, find_limits
from lmsc_unet.inference.runtime import TILE_PX, Runtime
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.inference.watershed import Labels

MOST_TILE_PX = 65_536
"""The longest side of a tile."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """A model's output for an image or a row strip of it."""

    mask: NDArray[np.uint8]
    """Class ids, "H W"; 0 where pixels are missing."""
    probability: NDArray[np.float32]
    """The probability of each class, "K H W", with sum 1, or all 0 where pixels are missing. Files that output classes
    give 0 and 1."""
    class_names: tuple[str, ...]
    """The names of the class ids 0, 1, ..."""
    contour: NDArray[np.float32] | None = None
    """The probability of an object's contour, "H W", from models that separate touching objects; 0 where pixels are
    missing."""

    @property
    def shares(self) -> dict[str, float]:
        """The share of pixels per class name."""
        numbers = np.bincount(self.mask.ravel(), minlength=len(self.class_names))
        return {name: float(n / self.mask.size) for name, n in zip(self.class_names, numbers, strict=True)}

    @property
    def regions(self) -> Regions:
        """Where objects are: the interior and the contours of the foreground, "H W"."""
        return regions_of(self.mask, self.contour)

    def instances(self) -> Labels:
        """The objects of the foreground as a label image "H W", numbered 1, 2, ... from the top; 0 is background.

        Raises:
            ConfigError: the model has more than two classes.
        """
        check_two_classes(self.class_names)
        return label_image(self.regions)


class Predictor:
    """Segments images of any size, depth and channel order with one network.

    Example:
        ```python
        predictor = Predictor.load("runs/nuclei")
        prediction = predictor.predict(read_image("slide.tif"))
        prediction.mask         # class ids, uint8 "H W"
        prediction.probability  # float32 "K H W"
        prediction.shares       # {"background": 0.81, "nucleus": 0.19}
        ```
    """

    def __init__(self, network: Network, spec: ModelSpec, *, tile_px: int = TILE_PX, batch: int = 1) -> None:
        """Takes a network and its spec.

        Args:
            network: Maps preprocessed pixels "B C H W" to logits "B L H W".
            spec: How the network's input is made and what its logits mean.
            tile_px: The longest side of a tile, a multiple of the spec's grid; unused if images are resized.
            batch: Tiles per network call.

        Raises:
            ConfigError: the tile is too small for the model's margin, or not a multiple of its grid.
        """
        self.spec = spec
        check_number("tile_px", tile_px, 1, MOST_TILE_PX)
        check_number("batch", batch, 1, 1024)
        self._network, self._tile_px, self._batch = network, tile_px, batch
        self._treatment = TREATMENTS[spec.treatment](network, spec, tile_px, batch)

    @classmethod
    def load(
        cls,
        model: str | Path,
        *,
        tile_px: int = TILE_PX,
        batch: int = 1,
        threshold: float | None = None,
        scale: float | None = None,
        runtime: Runtime = Runtime(),  # noqa: B008 - frozen
    ) -> "Predictor":
        """Loads a run folder, a checkpoint, an exported file, or a bundled model by its name (a text, not a `Path`).

        Raises:
            ModelError: there is no such model, it is damaged, or its reader is not installed.
            ConfigError: the threshold is not between 0 and 1, the scale is not above 0, or the model has none; or the
                backend is not available.
        """
        loaded = load(model, runtime)
        return cls(loaded.network, _changed(loaded.spec, threshold, scale), tile_px=tile_px, batch=batch)

    def variant(
        self, *, threshold: float | None = None, scale: float | None = None, watch: Callable[[], None] = lambda: None
    ) -> "Predictor":
        """This predictor with another threshold or scale on the same network; `watch` is called before each tile.

        Raises:
            ConfigError: as `load`.
        """

        def network(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
            watch()
            return self._network(pixels)

        spec = _changed(self.spec, threshold, scale)
        return Predictor(network, spec, tile_px=self._tile_px, batch=self._batch)

    def predict(self, image: NDArray[Any]) -> Prediction:
        """Segments an image "H W" or "H W C" of any size and depth, with colours in the order red, green, blue.

        NaN marks missing pixels, as does a border of zeros far below all other values.

        Raises:
            DataError: the array is not an image, its channels do not fit the model, or a value is infinite.
            ModelError: the network's logits do not match its spec.
        """
        bands = list(self.bands(as_source(as_image(image))))
        contours = [band.contour for band in bands if band.contour is not None]
        return Prediction(
            mask=np.concatenate([band.mask for band in bands]),
            probability=np.concatenate([band.probability for band in bands], axis=1),
            class_names=self.spec.class_names,
            contour=np.concatenate(contours) if contours else None,
        )

    def bands(self, source: RowSource, limits: IntensityWindow | None = None) -> Iterator[Prediction]:
        """Segments an image larger than memory: yields finished row strips from top to bottom.

        Args:
            source: The image, from `imageio.open_rows` or `imageio.as_source`.
            limits: The intensity window of the whole image, as `survey` returns it with its source; without it the
                image is read once more.
        """
        if limits is None:
            source, limits = self.survey(source)
        missing, top = source.rolling() if source.has_missing else None, 0
        for probability in self._treatment.bands(source, limits):
            rows, top = slice(top, top + probability.shape[1]), top + probability.shape[1]
            band = None if missing is None else missing.window(rows, slice(0, source.width_px))
            yield self._conclude(probability, band)

    def survey(self, source: RowSource) -> tuple[RowSource, IntensityWindow]:
        """The image with missing pixels marked, and its intensity window; reads it once, twice if any are missing."""
        if self.spec.spectrogram is not None:  # here 0 is the noise floor
            return source, self._treatment.find_limits(source)
        watch = Watch(source)
        limits = self._treatment.find_limits(watch.watched())
        rule = watch.conclude()
        if rule is None:
            return source, limits
        marked = mark_rows(source, rule)
        return marked, self._treatment.find_limits(marked)

    def predict_at_network_size(self, image: NDArray[Any]) -> Prediction:
        """Segments an image at the spec's `size_px` x `size_px`, the size at which the paper scores.

        Raises:
            DataError: as `predict`.
            ModelError: as `predict`.
        """
        whole = Resized(network=self._network, spec=self.spec)
        marked = as_image(image) if self.spec.spectrogram is not None else mark_missing(as_image(image))
        small = resize(marked, self.spec.size_px, self.spec.size_px)
        return self._conclude(whole.infer(small, find_limits(small, self.spec)), small)

    def _conclude(self, probability: NDArray[np.float32], pixels: NDArray[Any] | None) -> Prediction:
        """Class ids of the network's outputs "L H W"; 0 where pixels "H W C" are missing."""
        probability, contour = probability[: self.spec.num_logits], probability[-1] if self.spec.contour else None
        mask = to_classes(probability, self.spec.threshold)
        of_classes = np.concatenate([1 - probability, probability]) if len(probability) == 1 else probability
        if pixels is not None and (is_missing := missing_pixels(pixels)).any():
            mask[is_missing] = 0
            of_classes[:, is_missing] = 0
            contour = None if contour is None else np.where(is_missing, np.float32(0), contour)
        return Prediction(mask=mask, probability=of_classes, class_names=self.spec.class_names, contour=contour)


def _changed(spec: ModelSpec, threshold: float | None, scale: float | None) -> ModelSpec:
    spec = spec if threshold is None else with_threshold(spec, threshold)
    return spec if scale is None else with_scale(spec, scale)


def with_threshold(spec: ModelSpec, threshold: float) -> ModelSpec:
    """Replaces the spec's threshold.

    Raises:
        ConfigError: the threshold is not between 0 and 1, or the model has a logit per class, or its file outputs
            classes.
    """
    if spec.outputs == "classes":
        raise ConfigError(
            f"{spec.name}: the file gives classes, which its own threshold has cut already. Leave the threshold out, "
            "or export the model by --outputs probabilities."
        )
    if spec.num_logits > 1:
        raise ConfigError(
            f"{spec.name} has a logit for each of {spec.num_logits} classes and takes the most probable one, "
            "so a threshold does not apply. Leave it out."
        )
    return replace(spec, threshold=threshold)


def with_scale(spec: ModelSpec, scale: float) -> ModelSpec:
    """Replaces the scale by which images are resized before they are cut into tiles.

    Raises:
        ConfigError: the scale is not above 0, or the model takes images of fixed size, or recordings.
    """
    if spec.treatment != "tiles" or spec.spectrogram is not None:
        kind = "spectrograms as they are" if spec.spectrogram is not None else f"images at {spec.size_px} px a side"
        raise ConfigError(f"{spec.name} takes {kind}, so a scale does not apply. Leave it out.")
    return replace(spec, scale=scale)


def as_image(array: NDArray[Any]) -> NDArray[Any]:
    """Converts an array to "H W C" of uint8, uint16 or float32, like `read_image`.

    Raises:
        DataError: the array is not 2- or 3-dimensional, is empty, is not numeric, or has infinite values.
    """
    image = array[:, :, np.newaxis] if array.ndim == 2 else array
    if image.ndim != 3 or image.size == 0:
        raise DataError(f'The array has the shape {array.shape}; an image is "H W" or "H W C" and has a pixel.')
    image = plain_values(image)
    check_finite(image)
    return image
