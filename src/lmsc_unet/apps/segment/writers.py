"""The files of one image: a mask with the image's geolocation, an optional overlay, and probabilities."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.apps.segment.label_files import LabelFile, is_placed, write_labels
from lmsc_unet.apps.segment.objects.collecting import LastBlocks, class_objects, labelled_objects, with_pixels
from lmsc_unet.apps.segment.objects.facts import ImageFacts
from lmsc_unet.apps.segment.objects.image_object import ImageObject
from lmsc_unet.apps.segment.objects.object_files import PER_IMAGE, TABLE, FormatName, kinds_of, write_objects
from lmsc_unet.apps.segment.objects.run_files import RUN_FILES
from lmsc_unet.core.storage import resolve_inside
from lmsc_unet.imageio import (
    NODATA_TAG,
    GeoTag,
    PixelSize,
    as_source,
    in_blocks,
    write_png,
    write_png_rows,
    write_tiff_rows,
)
from lmsc_unet.inference.overlays import colour_of, draw_overlay
from lmsc_unet.inference.predictor import Prediction
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.inference.watershed import Labels

MaskValues = Literal["visible", "ids"]
SUFFIXES = (".png", ".tif")
"""The suffixes of masks."""


@dataclass(frozen=True, kw_only=True)
class MaskFormat:
    """The format of one image's mask."""

    values: MaskValues = "visible"
    """`visible`: two classes as 0 and 255, more as palette indices; `ids`: grey values are class ids."""
    num_classes: int
    """The number of classes."""
    tags: Sequence[GeoTag] = ()
    """The image's GeoTIFF tags, if any."""

    def file(self, name: str) -> str:
        """The mask's path in the results folder: TIFF for a GeoTIFF, otherwise PNG."""
        return f"masks/{name}{'.tif' if self.is_placed else '.png'}"

    @property
    def is_placed(self) -> bool:
        """Whether the image has a geolocation."""
        return is_placed(self.tags)

    @property
    def palette(self) -> NDArray[np.uint8] | None:
        """The overlay colours, if class ids are palette indices."""
        if self.values == "ids" or self.num_classes == 2:
            return None
        return np.array([colour_of(class_id) for class_id in range(self.num_classes)], np.uint8)

    @property
    def foreground(self) -> int:
        """The value of class 1, if there are two classes."""
        return 255 if self.values == "visible" and self.num_classes == 2 else 1

    def write(self, out: Path, name: str, masks: Iterable[NDArray[Any]], size_px: tuple[int, int]) -> None:
        """Writes class ids that arrive in blocks of rows "h W".

        Raises:
            OutputError: the disk is full, or the file would lie outside the results folder.
        """
        path, blocks = resolve_inside(out, self.file(name)), (mask * np.uint8(self.foreground) for mask in masks)
        if self.is_placed:
            write_tiff_rows(path, blocks, *size_px, tags=self._kept_tags(), palette=self.palette)
        else:
            write_png_rows(path, blocks, *size_px, palette=self.palette)

    def _kept_tags(self) -> list[GeoTag]:
        """All tags, without a nodata value that a mask cannot store or that is one of its classes."""
        return [tag for tag in self.tags if tag[0] != NODATA_TAG or self._is_free(tag[3])]

    def _is_free(self, nodata: Any) -> bool:
        try:
            value = int(nodata)
        except ValueError:
            return False
        classes = (0, self.foreground) if self.num_classes == 2 else range(self.num_classes)
        return 0 <= value <= 255 and value not in classes


def legend(form: MaskFormat, class_names: Sequence[str]) -> list[dict[str, Any]]:
    """The legend of masks and overlays: id, name, mask value and colour of each class."""
    return [
        {
            "id": class_id,
            "name": name,
            "value": form.foreground if (class_id, form.num_classes) == (1, 2) else class_id,
            "colour": "#{:02x}{:02x}{:02x}".format(*colour_of(class_id)) if class_id else None,
        }
        for class_id, name in enumerate(class_names)
    ]


def name_of(mask: str) -> str:
    """The name of an item, from the path of its mask."""
    name = mask.removeprefix("masks/")
    return name[:-4] if name.endswith(SUFFIXES) else name


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The summary of an image whose results are written."""

    size: tuple[int, int]
    """Height and width in pixels."""
    shares: dict[str, float]
    """The share of pixels per class name."""
    mask: str
    """Path of the mask in the results folder."""
    labels: LabelFile | None = None
    """The label image, if one was wanted."""


FOLDERS = (
    *("masks", "instances", "overlays", "probabilities"),
    *dict.fromkeys(kind.folder.partition("/")[0] for kind in (TABLE, *PER_IMAGE.values())),
)
"""The subfolders of a results folder."""
OWN_FILES = tuple(name for name in RUN_FILES if "/" not in name)
"""The files of the objects of all images, beside the subfolders."""
FULL_SCALE = 65535
"""The 16-bit value of probability 1."""


@dataclass(frozen=True, kw_only=True)
class OutputFlags:
    """The files written beside the mask."""

    overlays: bool = True
    """The mask drawn over the image."""
    probabilities: bool = False
    """16-bit PNG: the probability of class 1 with one logit, otherwise of each class."""
    mask_values: MaskValues = "visible"
    """The meaning of mask values."""
    instances: bool = False
    """A label image of the objects."""
    formats: tuple[FormatName, ...] = ()
    """The formats in which objects are written, too."""

    @property
    def has_objects(self) -> bool:
        """Whether objects are measured: those of label images, or else the connected components of classes."""
        return self.instances or bool(self.formats)

    def mask_format(self, spec: ModelSpec, tags: Sequence[GeoTag] = ()) -> MaskFormat:
        """The mask format of an image with these tags."""
        return MaskFormat(values=self.mask_values, num_classes=len(spec.class_names), tags=tags)


def other_files(name: str, size_px: tuple[int, int], num_logits: int, wanted: OutputFlags) -> list[str]:
    """Paths of the other files of an item in the results folder: overlay, probabilities, objects."""
    overlay = [f"overlays/{name}.png"] if wanted.overlays else []
    folders = probability_folders(num_logits) if wanted.probabilities else []
    kinds = kinds_of(wanted.formats) if wanted.has_objects else []
    return [*overlay, *(f"{folder}/{name}.png" for folder in folders), *(kind.file(name, size_px) for kind in kinds)]


def probability_folders(num_logits: int) -> list[str]:
    """One folder for one logit; otherwise one per class id, so that class names cannot collide with image names."""
    return ["probabilities"] if num_logits == 1 else [f"probabilities/{index}" for index in range(num_logits)]


def write_results(
    out: Path,
    name: str,
    image: NDArray[Any],
    prediction: Prediction,
    spec: ModelSpec,
    wanted: OutputFlags,
    tags: Sequence[GeoTag] = (),
    pixel: PixelSize | None = None,
) -> Summary:
    """Writes the files of one image, the mask last: if it exists, all files do.

    Raises:
        OutputError: the disk is full, or a file would lie outside the results folder.
    """
    size_px = (prediction.mask.shape[0], prediction.mask.shape[1])
    labels, written = None, None
    if wanted.instances:
        labels = prediction.instances()
        written = write_labels(out, name, in_blocks(labels), int(labels.max(initial=0)), size_px, tags)
    if wanted.has_objects:
        facts = ImageFacts(
            name=name,
            size_px=size_px,
            num_channels=image.shape[2],
            class_names=prediction.class_names,
            pixel=pixel,
        )
        write_objects(out, objects_of(image, prediction.mask, labels), facts, wanted.formats)
    if wanted.overlays:
        overlay = draw_overlay(image, prediction.mask, objects=labels)
        write_png(resolve_inside(out, f"overlays/{name}.png"), overlay)
    if wanted.probabilities:
        shown = prediction.probability[1:] if spec.num_logits == 1 else prediction.probability
        for folder, probability in zip(probability_folders(spec.num_logits), shown, strict=True):
            write_png(resolve_inside(out, f"{folder}/{name}.png"), to_16_bit(probability))
    form = wanted.mask_format(spec, tags)
    form.write(out, name, in_blocks(prediction.mask), size_px)
    return Summary(size=size_px, shares=prediction.shares, mask=form.file(name), labels=written)


def objects_of(image: NDArray[Any], mask: NDArray[np.uint8], labels: Labels | None = None) -> Iterator[ImageObject]:
    """The objects of an image "H W C": those of its label image, or without one the components of its mask "H W"."""
    source = as_source(image)
    if labels is None:
        return class_objects(with_pixels(in_blocks(mask), source))
    last_blocks = LastBlocks()
    for block in in_blocks(labels):
        last_blocks.add(block)
    return labelled_objects(with_pixels(in_blocks(labels), source), last_blocks)


def to_16_bit(probability: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Probabilities as integers: 0 becomes 0 and 1 becomes 65535."""
    return np.rint(probability * FULL_SCALE).astype(np.uint16)
