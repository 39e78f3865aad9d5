"""A mask as a file: what its values are, how it looks, and where on earth it lies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lmsc_unet.core.storage import resolve_inside
from lmsc_unet.imageio import GeoTag, write_png_rows, write_tiff_rows
from lmsc_unet.inference.overlays import colour_of

MaskValues = Literal["visible", "ids"]
SUFFIXES = (".png", ".tif")
"""The endings that a mask may have."""
_NODATA_TAG = 42113


@dataclass(frozen=True, kw_only=True)
class MaskFormat:
    """How the mask of one image is written."""

    values: MaskValues = "visible"
    """`visible`: two classes as 0 and 255, more as indices of a palette; `ids`: grey values are class ids."""
    num_classes: int
    """Classes of the model."""
    tags: Sequence[GeoTag] = ()
    """The tags of the image, if it is a GeoTIFF."""

    def file(self, name: str) -> str:
        """Where the mask of an item lies, below the results folder: a GeoTIFF has one of its own kind."""
        return f"masks/{name}{'.tif' if self.is_placed else '.png'}"

    @property
    def is_placed(self) -> bool:
        """Whether the image says where it lies."""
        return any(code != _NODATA_TAG for code, *_ in self.tags)

    @property
    def palette(self) -> NDArray[np.uint8] | None:
        """The colours of the overlays, where class ids are indices."""
        if self.values == "ids" or self.num_classes == 2:
            return None
        return np.array([colour_of(class_id) for class_id in range(self.num_classes)], np.uint8)

    @property
    def foreground(self) -> int:
        """The value of class 1 of two."""
        return 255 if self.values == "visible" and self.num_classes == 2 else 1

    def write(self, out: Path, name: str, masks: Iterable[NDArray[Any]], size_px: tuple[int, int]) -> None:
        """Writes class ids that come in blocks of rows "h W".

        Raises:
            OutputError: the disk is full, or the file would lie outside the results folder.
        """
        path, blocks = resolve_inside(out, self.file(name)), (mask * np.uint8(self.foreground) for mask in masks)
        if self.is_placed:
            write_tiff_rows(path, blocks, *size_px, tags=self._kept_tags(), palette=self.palette)
        else:
            write_png_rows(path, blocks, *size_px, palette=self.palette)

    def _kept_tags(self) -> list[GeoTag]:
        """All tags, without a nodata value that a mask cannot hold, or that is one of its classes."""
        return [tag for tag in self.tags if tag[0] != _NODATA_TAG or self._is_free(tag[3])]

    def _is_free(self, nodata: Any) -> bool:
        try:
            value = int(nodata)
        except ValueError:
            return False
        classes = (0, self.foreground) if self.num_classes == 2 else range(self.num_classes)
        return 0 <= value <= 255 and value not in classes


def legend(form: MaskFormat, class_names: Sequence[str]) -> list[dict[str, Any]]:
    """What tells the classes in masks and overlays: of each its id, name, value in a mask, and colour."""
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
    """The name of an item from where its mask lies."""
    name = mask.removeprefix("masks/")
    return name[:-4] if name.endswith(SUFFIXES) else name
